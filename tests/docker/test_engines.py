"""Several Docker hosts in one LAN: by a local socket, by ssh, by TLS. What befalls one stays there.

``engine`` is the gateway's own host (192.168.23.5), ``north`` another one (192.168.23.6), whose
engine listens on its socket, which ssh reaches, and by TLS.
"""

import asyncio
import json
import os
import signal
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from gateway import previewing
from gateway.commands import doctor_work
from gateway.config.load import load
from gateway.model.company import EngineSettings
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.server import ControlAddress, ServerState
from gateway.runtime.docker import names
from gateway.runtime.docker.engines import Engines
from gateway.runtime.docker.runtime import DockerOptions, DockerRuntime
from gateway.runtime.docker.ways import engine_at
from gateway.wcs.server import WcsServer
from gateway.wcs.settings import embedded_container_files, wcs_files
from tests.docker import lan
from tests.docker.company import MACVLAN, PORT, URL, Company
from tests.docker.lan import spec
from tests.peers import engine as peer
from tests.peers.authority import Authority
from tests.peers.engine import IMAGE, Engine
from tests.peers.sshd import SshServer, ssh_server
from tests.waiting import until

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker")]

NORTH = "192.168.23.6"
TLS_PORT = 2376
SSH_PORT = 2222
NORTHERN = {**MACVLAN, "ip_range": "192.168.23.160/27"}


@dataclass(slots=True)
class North:
    """The other Docker host."""

    engine: Engine
    ssh: SshServer
    certificates: Authority
    cert: Path
    key: Path

    @property
    def by_ssh(self) -> dict[str, Any]:
        """Its keys in gateway.yaml, reached by ssh alone."""
        return {
            "name": "north",
            "url": f"ssh://{self.ssh.where}{self.engine.folder}/docker.sock",
            "ssh_key": {"file": str(self.ssh.key)},
            "known_hosts": str(self.ssh.known_hosts),
            "network": NORTHERN,
        }

    @property
    def settings(self) -> EngineSettings:
        """It as the runtime knows it, reached by TLS, and its control ports by ssh."""
        return EngineSettings(
            name="north",
            url=f"tcp://{NORTH}:{TLS_PORT}",
            network=replace(lan.MACVLAN, ip_range="192.168.23.160/27"),
            ca=self.certificates.ca,
            cert=self.cert,
            key=self.key,
            control=f"ssh://{self.ssh.where}",
            ssh_key=self.ssh.key,
            known_hosts=self.ssh.known_hosts,
        )


@pytest.fixture(scope="module")
def north(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[North]:
    if not Path("/usr/sbin/sshd").exists():
        pytest.skip("another host is reached through openssh-server")
    certificates = Authority.make(tmp_path_factory.mktemp("authority"))
    server, key = certificates.issue("engine", address=NORTH)
    cert, own = certificates.issue("gateway")
    with peer.engine(images=False) as one:
        peer.copy_image(engine, one)
        one.join(engine, "lan0", f"{NORTH}/24")
        one.stop()
        one.options = (
            *("-H", f"tcp://{NORTH}:{TLS_PORT}", "--tlsverify"),
            *("--tlscacert", str(certificates.ca)),
            *("--tlscert", str(server), "--tlskey", str(key)),
        )
        one.start()
        with ssh_server(NORTH, SSH_PORT, one.name) as ssh:
            yield North(one, ssh, certificates, cert, own)


@pytest.fixture(autouse=True)
def nothing_left(north: North) -> Iterator[None]:
    if north.engine.process is None:  # a test before was cut short
        north.engine.start()
    yield
    north.engine.clean()


@pytest.fixture
async def engines(engine: Engine, north: North, tmp_path: Path) -> AsyncIterator[Engines]:
    def make(at: EngineSettings) -> DockerRuntime:
        return DockerRuntime(
            DockerOptions(
                data_dir=tmp_path / "data",
                network=at.network,
                media_ports=(31001, 31100),
                max_viewers=10,
                embedded=embedded_container_files,
                wcs=wcs_files,
                at=at,
            )
        )

    one = Engines(make)
    one.take([_own(engine), north.settings], {"first": "", "second": "north"})
    try:
        yield one
    finally:
        await one.close()


def _own(engine: Engine) -> EngineSettings:
    return EngineSettings(url=engine.url, network=lan.MACVLAN)


def _write(company: Company, *engines: dict[str, Any]) -> None:
    content = {
        "listen": f"0.0.0.0:{PORT}",
        "data_dir": str(company.folder / "data"),
        "staff_token": {"env": "STAFF"},
        "media_servers": {
            "runtime": "docker",
            "image": IMAGE,
            "engine": company.engine.url,
            "engines": list(engines),
            "network": MACVLAN,
            "limits": {"memory": "512m"},
        },
    }
    draft = company.folder / "gateway.new"
    draft.write_text(json.dumps(content), encoding="utf-8")
    draft.replace(company.sites / "gateway.yaml")


def _site(name: str) -> dict[str, Any]:
    """Return what staff is shown of a building."""
    headers = {"Authorization": "Bearer a staff token of a test"}
    request = urllib.request.Request(f"{URL}/api/v1/sites/{name}", headers=headers)  # noqa: S310  # our own
    try:
        with urllib.request.urlopen(request, timeout=3) as answer:  # noqa: S310  # our own
            return dict(json.load(answer))
    except (OSError, ValueError):
        return {}


def _there(engine: Engine) -> set[str]:
    with closing(engine.client()) as client:
        found = client.containers(filters={"label": names.SITE})
    return {one["Labels"][names.SITE] for one in found}


def _all(engine: Engine) -> set[str]:
    with closing(engine.client()) as client:
        found = client.containers(all=True, filters={"label": names.SITE})
    return {one["Labels"][names.SITE] for one in found}


def _times(engine: Engine, site: str, what: str, since: float) -> list[int]:
    """Return when a site's containers have started or ended (ns), by the engine's own events."""
    with closing(engine.client()) as client:
        events = client.events(
            since=since, until=time.time(), decode=True, filters={"event": [what]}
        )
        return [
            int(event["timeNano"])
            for event in events
            if event["Actor"]["Attributes"].get(names.SITE) == site
        ]


@pytest.mark.timeout(500)
async def test_what_befalls_one_engine_stays_there_and_heals(
    engine: Engine, north: North, company: Company, tmp_path: Path
) -> None:
    _write(company)
    company.write("first", 0)
    company.begin()
    await company.live("first")
    # An engine that comes while the gateway runs, with a building of its own.
    _write(company, north.by_ssh)
    company.write("second", 1, media_server={"engine": "north"})
    await company.live("second", within=90)
    assert _there(engine) == {"first"}
    assert _there(north.engine) == {"second"}
    with (
        lan.watching(engine, company.whep("first"), tmp_path / "first.log") as first,
        lan.watching(engine, company.whep("second"), tmp_path / "second.log") as second,
    ):
        await first.more(25)
        await second.more(25)
        assert second.seen["from"].startswith("192.168.23.160:")

        await asyncio.to_thread(north.engine.stop, signal.SIGTERM)
        await until(lambda: "cannot be reached since" in json.dumps(_site("second")), within=40)
        await first.more(50)
        assert first.seen["lost"] == 0
        assert first.seen["gap"] < 2
        assert _site("first")["state"] == "ok"

        north.engine.start()
        await second.more(25, within=90)
        assert first.seen["lost"] == 0

        since = time.time() - 1
        company.write("second", 1)
        await until(lambda: _there(engine) == {"first", "second"}, within=60, every=0.2)
        await second.more(25, within=60)
        assert _there(north.engine) == set()
        assert second.seen["from"].startswith("192.168.23.9")
        ended = max(_times(north.engine, "second", "die", since))
        assert ended < min(_times(engine, "second", "start", since))
        await first.more(25)
        assert first.seen["lost"] == 0


async def test_by_tls_containers_are_made_and_driven_through_ssh(
    engines: Engines, engine: Engine, north: North
) -> None:
    await engines.create(spec("second"))
    control = await _control(engines, "second")
    assert control.http_url.startswith("http://127.0.0.1:")
    client = WcsServer(control)
    try:
        await until(client.ready, within=20)
        north.ssh.hang_up()
        await until(lambda: _answers(engines, client), within=30)
        assert await _control(engines, "second") == control
    finally:
        await client.close()
    assert _there(north.engine) == {"second"}
    assert _there(engine) == set()


async def test_an_engine_that_hangs_delays_nobody_else(engines: Engines, north: North) -> None:
    await engines.create(spec("first"))
    await engines.create(spec("second"))
    await _control(engines, "second")
    assert north.engine.process is not None
    os.kill(north.engine.process.pid, signal.SIGSTOP)
    try:
        slow = asyncio.create_task(engines.create(spec("second", max_viewers=7)))
        await engines.create(spec("first", max_viewers=7))
        await _control(engines, "first")
        assert not slow.done()
        with pytest.raises(GatewayError, match="north cannot be reached since") as raised:
            await slow
        assert raised.value.kind is ErrorKind.ENGINE_UNAVAILABLE
        there = {server.id: server for server in await engines.observe()}
        assert there["second"].state is ServerState.RUNNING
        assert "cannot be reached since" in there["second"].detail
        assert there["first"].detail == ""
    finally:
        os.kill(north.engine.process.pid, signal.SIGCONT)
    await until(lambda: _seen_well(engines, "second"), within=40)


async def test_a_server_moves_only_when_the_other_engine_can_let_it_go(
    engines: Engines, engine: Engine, north: North
) -> None:
    await engines.create(spec("second", address="192.168.23.170"))
    await _control(engines, "second")
    here = {"first": "", "second": ""}
    engines.take([_own(engine), north.settings], here)
    moved = (await engines.observe("second"))[0]
    assert moved.fingerprint != engines.fingerprint(spec("second", address="192.168.23.170"))

    assert north.engine.process is not None
    os.kill(north.engine.process.pid, signal.SIGSTOP)  # the container goes on
    try:
        with pytest.raises(GatewayError, match="may still run where it was") as raised:
            await engines.create(spec("second"))
        assert raised.value.kind is ErrorKind.CONFLICT
        assert _there(engine) == set()
        off = replace(north.settings, enabled=False)
        engines.take([_own(engine), off], here)
        await engines.create(spec("second"))
        assert _there(engine) == {"second"}
    finally:
        os.kill(north.engine.process.pid, signal.SIGCONT)
    # Switched on again: what it still has of the building is removed, and only there.
    engines.take([_own(engine), north.settings], here)

    async def gone() -> bool:
        await engines.observe()
        return "second" not in await asyncio.to_thread(_all, north.engine)

    await until(gone, within=30, every=0.2)
    assert _there(engine) == {"second"}


async def test_wrong_keys_are_told_with_advice(north: North, tmp_path: Path) -> None:
    stranger = tmp_path / "known_hosts"
    stranger.write_text("")
    unknown = replace(north.settings, known_hosts=stranger)
    other = Authority.make(tmp_path / "other")
    cert, key = other.issue("gateway")
    refused = replace(north.settings, cert=cert, key=key)
    unvouched = replace(north.settings, ca=other.ca)
    for settings, words, advice in (
        (unknown, "Host key verification failed", "known_hosts"),
        (refused, "does not take the gateway's certificate", "cert"),
        (unvouched, "does not vouch for", "ca"),
    ):
        one = engine_at(settings)
        try:
            with pytest.raises(GatewayError) as raised:
                await one.call("answer", lambda client: client.ping())

            assert words in str(raised.value)
            assert advice in raised.value.hint
        finally:
            await one.close()


async def test_doctor_and_plan_look_at_every_engine(
    north: North, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAFF", "a staff token of a test")
    _write(company, north.by_ssh)
    company.write("first", 0)
    company.write("second", 1, media_server={"engine": "north"})
    found = {one.check: one for one in await doctor_work.examine(company.sites)}
    assert str(found["engine"].health) == "ok"
    assert str(found["engine of north"].health) == "ok"
    assert "north" in found["engine of north"].message
    assert str(found["control ports of north"].health) == "ok"
    plans, untold = await previewing.plans(load(company.sites))
    assert [plan.site for plan in plans if plan] == ["first", "second"]
    assert untold == {}
    north.ssh.stop()
    try:
        plans, untold = await previewing.plans(load(company.sites))
        assert [plan.site for plan in plans if plan] == ["first"]
        assert "north cannot be reached" in str(untold["second"])
        found = {one.check: one for one in await doctor_work.examine(company.sites)}
        assert str(found["engine of north"].health) == "fail"
        assert str(found["engine"].health) == "ok"
    finally:
        north.ssh.start()


async def test_one_machine_under_two_names_is_refused(engines: Engines, north: North) -> None:
    await engines.create(spec("second"))
    by_ssh = EngineSettings(
        name="twin",
        url=f"ssh://{north.ssh.where}{north.engine.folder}/docker.sock",
        network=north.settings.network,
        ssh_key=north.ssh.key,
        known_hosts=north.ssh.known_hosts,
    )
    engines.take([north.settings, by_ssh], {"second": "twin"})
    await engines.observe()
    with pytest.raises(GatewayError, match="one and the same machine"):
        await engines.observe("second")
    with pytest.raises(GatewayError, match="one and the same machine"):
        await engines.create(spec("second"))
    assert _there(north.engine) == {"second"}


async def _control(engines: Engines, site: str) -> ControlAddress:
    async def look() -> ControlAddress | None:
        found = await engines.observe(site)
        return found[0].control if found and found[0].state is ServerState.RUNNING else None

    return await until(look, within=30)


async def _answers(engines: Engines, client: WcsServer) -> bool:
    try:
        await engines.observe("second")
        return await client.ready()
    except GatewayError:
        return False


async def _seen_well(engines: Engines, site: str) -> bool:
    return not (await engines.observe(site))[0].detail
