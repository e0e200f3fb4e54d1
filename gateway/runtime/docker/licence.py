"""Giving a WCS licence back before what holds it goes.

An activation is the file ``conf/flashphoner.license``; the vendor's own uninstaller calls
``bin/deactivation.sh`` while it exists. The volume with the file is kept when that fails, so that
nothing is lost that was paid for.
"""

from typing import Any, Final

import structlog

from gateway.model.errors import GatewayError
from gateway.runtime.docker import helper, names
from gateway.runtime.docker.container import CONF, HOME
from gateway.runtime.docker.engine import Engine
from gateway.runtime.docker.helper import Job
from gateway.runtime.docker.listing import Seen

_RUN_S: Final = 60.0
_NOTHING: Final = 7
_SCRIPT: Final = f"""
[ -f {CONF}/flashphoner.license ] || exit {_NOTHING}
[ -f {HOME}/bin/deactivation.sh ] || {{ echo 'there is no bin/deactivation.sh'; exit 1; }}
cd {HOME}/bin && sh ./deactivation.sh
"""


async def release(engine: Engine, seen: Seen) -> bool:
    """Deactivate a container's licence; tell whether none is held afterwards.

    In the container when it runs, else in a short-lived one with the same image and volume.
    """
    log = structlog.get_logger("runtime").bind(server=seen.server, site=seen.site)
    try:
        code, said = await (_exec(engine, seen) if seen.running else _run(engine, seen))
    except GatewayError as error:
        log.warning("a licence could not be given back", reason=str(error))
        return False
    if code == _NOTHING:
        return True
    if code == 0:
        log.info("a licence is given back")
        return True
    log.warning("a licence could not be given back", status=code, said=said.strip()[-300:])
    return False


async def _exec(engine: Engine, seen: Seen) -> tuple[int, str]:
    def work(client: Any) -> tuple[int, str]:
        made = client.exec_create(seen.id, ["sh", "-c", _SCRIPT])
        said = client.exec_start(made["Id"])
        code = int(client.exec_inspect(made["Id"])["ExitCode"] or 0)
        return code, said.decode("utf-8", "replace")

    return await engine.call(f"give back the licence of {seen.server}", work, within_s=_RUN_S)


async def _run(engine: Engine, seen: Seen) -> tuple[int, str]:
    host = {"binds": {names.volume(seen.server): {"bind": CONF, "mode": "rw"}}}
    job = Job(seen.server, "licence", seen.image, _SCRIPT, host)
    return await helper.run(engine, job, within_s=_RUN_S)
