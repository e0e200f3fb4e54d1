"""``python -m gateway.mediaserver --home DIR``: one media server, for one building."""

import argparse
import asyncio
import faulthandler
import os
import sys
from dataclasses import replace
from pathlib import Path

import structlog

from gateway.kit import logs
from gateway.kit.clock import SystemClock
from gateway.mediaserver.app import Parts, run
from gateway.mediaserver.fanout.engine import EngineSettings, WebRtcEngine
from gateway.mediaserver.home import Home
from gateway.mediaserver.logfile import bounded
from gateway.mediaserver.settings import Settings, load
from gateway.model.errors import GatewayError
from gateway.rtsp.picture import PictureWorker


def main() -> int:
    """Run until told to end; 0 for a wanted end, 1 for a server that could not start."""
    options = argparse.ArgumentParser(prog="gateway.mediaserver", description=__doc__)
    options.add_argument("--home", type=Path, required=True, help="folder with conf/ and run/")
    path = options.parse_args().home.absolute()
    faulthandler.enable()
    logs.set_up()
    try:
        settings = load(path, os.environ)
        logs.set_up(stream=bounded(sys.stderr, settings.log_max_bytes))
        with Home(path) as home:
            asyncio.run(_serve(home, settings))
    except GatewayError as error:
        structlog.get_logger("mediaserver").error("cannot start", reason=str(error))
        return 1
    return 0


async def _serve(home: Home, settings: Settings) -> None:
    pictures = PictureWorker()
    try:
        await run(home, settings, Parts(_engine(settings), pictures, SystemClock()))
    finally:
        await pictures.close()


def _engine(settings: Settings) -> WebRtcEngine:
    known = (settings.announced_address, settings.bind_address)
    options = EngineSettings(
        port=settings.media_port,
        announced=tuple(address for address in known if address),
        max_viewers=settings.max_viewers,
        tcp=settings.tcp,
    )
    if settings.bind_address is None:
        return WebRtcEngine(options)
    return WebRtcEngine(replace(options, bind=(settings.bind_address,)))


if __name__ == "__main__":
    sys.exit(main())
