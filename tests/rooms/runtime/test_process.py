"""Media servers as real processes: made, found again, watched, ended."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from gateway.kit import wholefile
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.server import Role, ServerState
from gateway.runtime.folder import Folder
from gateway.runtime.pids import ProcessId
from gateway.runtime.process import ProcessRuntime
from gateway.wcs.server import WcsServer
from tests.rooms.runtime.conftest import kill, new_runtime, pid_of, running, spec
from tests.waiting import until

pytestmark = pytest.mark.slow


async def test_a_created_server_answers_with_its_own_credentials(runtime: ProcessRuntime) -> None:
    await runtime.create(spec())
    server = await running(runtime)
    assert (server.site, server.role) == ("lenina-12", Role.ORIGIN)
    assert server.fingerprint == runtime.fingerprint(spec())
    assert server.control is not None
    driver = WcsServer(server.control)
    try:
        assert await driver.ready()
        assert (await driver.stats()).get("ports_media_free") == 500
    finally:
        await driver.close()


async def test_events_tell_the_site_when_a_server_is_ready_and_when_it_dies(
    runtime: ProcessRuntime, data: Path
) -> None:
    events = runtime.events()
    await runtime.create(spec())
    assert await asyncio.wait_for(anext(events), 20) == "lenina-12"
    await running(runtime)
    kill(data)
    assert await asyncio.wait_for(anext(events), 5) == "lenina-12"
    (server,) = await runtime.observe()
    assert server.state is ServerState.STOPPED
    assert "SIGKILL" in server.detail
    assert "ready" in server.detail
    assert server.control is None


async def test_a_new_gateway_adopts_what_runs_and_watches_it(
    runtime: ProcessRuntime, data: Path
) -> None:
    await runtime.create(spec())
    before = await running(runtime)
    await runtime.close()

    successor = new_runtime(data)
    try:
        after = await running(successor)
        assert after == before
        events = successor.events()
        kill(data)
        assert await asyncio.wait_for(anext(events), 5) == "lenina-12"
    finally:
        await successor.close()


@pytest.mark.slow
async def test_a_server_outlives_a_killed_gateway(data: Path) -> None:
    script = f"""
import asyncio, sys
from pathlib import Path
from tests.rooms.runtime.conftest import new_runtime, running, spec

async def main():
    runtime = new_runtime(Path({str(data)!r}))
    await runtime.create(spec())
    await running(runtime)
    print("running", file=sys.stderr, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""
    gateway = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stderr=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    assert gateway.stderr is not None
    assert await asyncio.wait_for(gateway.stderr.readline(), 30) == b"running\n"
    gateway.kill()
    await gateway.communicate()

    runtime = new_runtime(data)
    try:
        server = await running(runtime)
        assert server.control is not None
        driver = WcsServer(server.control)
        try:
            assert await driver.ready()
        finally:
            await driver.close()
        pid = pid_of(data)
        await runtime.remove("lenina-12")
        assert ProcessId.of(pid) is None
        assert not (data / "servers" / "lenina-12").exists()
    finally:
        await runtime.close()


async def test_a_started_server_keeps_its_media_port_and_secrets(
    runtime: ProcessRuntime, data: Path
) -> None:
    await runtime.create(spec())
    first = await running(runtime)
    port = json.loads((data / "servers/lenina-12/run/server.json").read_text())["media_port"]
    kill(data)
    await until(lambda: Folder(data / "servers/lenina-12").process() is None)
    await runtime.start("lenina-12")
    second = await running(runtime)
    now = json.loads((data / "servers/lenina-12/run/server.json").read_text())["media_port"]
    assert now == port
    assert second.fingerprint == first.fingerprint
    assert second.control is not None
    assert first.control is not None
    assert second.control.password == first.control.password
    assert len(list((data / "servers/lenina-12").glob("crash-*.log"))) == 1


async def test_servers_get_ports_of_their_own(runtime: ProcessRuntime, data: Path) -> None:
    await runtime.create(spec())
    await runtime.create(spec("lenina-14"))
    labels = [Folder(data / "servers" / name).label() for name in ("lenina-12", "lenina-14")]
    ports = {label.media_port for label in labels if label is not None}
    assert len(ports) == 2


async def test_stop_keeps_the_folder_and_remove_takes_it(
    runtime: ProcessRuntime, data: Path
) -> None:
    await runtime.create(spec())
    await running(runtime)
    await runtime.stop("lenina-12")
    (server,) = await runtime.observe("lenina-12")
    assert server.state is ServerState.STOPPED
    assert not list((data / "servers/lenina-12").glob("crash-*.log"))
    assert await runtime.observe("another") == []
    await runtime.remove("lenina-12")
    assert await runtime.observe() == []
    await runtime.remove("lenina-12")


async def test_create_replaces_a_server_of_the_same_id(runtime: ProcessRuntime, data: Path) -> None:
    await runtime.create(spec())
    await running(runtime)
    old = pid_of(data)
    changed = spec(max_viewers=7)
    assert runtime.fingerprint(changed) != runtime.fingerprint(spec())
    await runtime.create(changed)
    server = await running(runtime)
    assert server.fingerprint == runtime.fingerprint(changed)
    assert ProcessId.of(old) is None


async def test_a_recycled_pid_is_not_taken_for_the_server(
    runtime: ProcessRuntime, data: Path
) -> None:
    await runtime.create(spec())
    await running(runtime)
    kill(data)
    await until(lambda: Folder(data / "servers/lenina-12").process() is None)
    stranger = await asyncio.create_subprocess_exec("sleep", "60")
    try:
        for name in ("server.json", "process.json"):
            path = data / "servers/lenina-12/run" / name
            path.write_text(json.dumps({**json.loads(path.read_text()), "pid": stranger.pid}))
        (server,) = await runtime.observe()
        assert server.state is ServerState.STOPPED
        await runtime.remove("lenina-12")
        assert stranger.returncode is None
        assert ProcessId.of(stranger.pid) is not None
    finally:
        stranger.kill()
        await stranger.wait()


async def test_a_server_that_ignores_sigterm_is_killed(
    runtime: ProcessRuntime, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.runtime.process.GRACE_S", 0.3)
    await runtime.create(spec())
    await running(runtime)
    pid = pid_of(data)
    os.kill(pid, signal.SIGSTOP)
    await runtime.remove("lenina-12")
    assert ProcessId.of(pid) is None


async def test_a_server_that_cannot_start_says_why(runtime: ProcessRuntime) -> None:
    events = runtime.events()
    with pytest.raises(GatewayError, match="no port from"):
        await runtime.create(spec(address="192.0.2.1"))
    await runtime.create(spec("bad", external_address="no-address"))
    assert await asyncio.wait_for(anext(events), 20) == "bad"
    (server,) = await runtime.observe("bad")
    assert server.state is ServerState.STOPPED
    assert "write an IP address" in server.detail


async def test_secrets_are_files_of_the_owner_and_not_arguments(
    runtime: ProcessRuntime, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAMERAS", "planted-password")
    await runtime.create(spec())
    server = await running(runtime)
    assert server.control is not None
    assert server.control.password is not None
    folder = data / "servers/lenina-12"
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "server.log":
            assert path.stat().st_mode & 0o077 == 0, path
    proc = Path(f"/proc/{pid_of(data)}")
    seen = (proc / "cmdline").read_bytes() + (proc / "environ").read_bytes()
    assert server.control.password.reveal().encode() not in seen
    assert b"planted-password" not in seen
    assert server.control.password.reveal() not in (folder / "server.log").read_text()


@pytest.mark.parametrize("server_id", ["../evil", "", "a/b", ".hidden", "x" * 200])
async def test_an_id_cannot_leave_the_folder(runtime: ProcessRuntime, server_id: str) -> None:
    with pytest.raises(GatewayError) as caught:
        await runtime.create(spec(server_id))
    assert caught.value.kind is ErrorKind.CONFIG_INVALID


async def test_foreign_folders_are_left_alone(runtime: ProcessRuntime, data: Path) -> None:
    foreign = data / "servers" / "photos"
    foreign.mkdir(parents=True)
    (foreign / "holiday.txt").write_text("sea")
    assert await runtime.observe() == []
    await runtime.remove("photos")
    with pytest.raises(GatewayError) as caught:
        await runtime.create(spec("photos"))
    assert caught.value.kind is ErrorKind.CONFLICT
    assert (foreign / "holiday.txt").read_text() == "sea"
    with pytest.raises(GatewayError) as missing:
        await runtime.start("nobody")
    assert missing.value.kind is ErrorKind.NOT_FOUND


@pytest.mark.parametrize("junk", ["", "{", "[]", '{"spec": 1}', '{"spec": {"id": 1}}', "\x00"])
async def test_a_broken_label_breaks_nothing(
    runtime: ProcessRuntime, data: Path, junk: str
) -> None:
    folder = data / "servers" / "broken"
    folder.mkdir(parents=True)
    (folder / "label.json").write_text(junk)
    assert await runtime.observe() == []


@pytest.mark.parametrize(
    "left", ["", "conf/rest-user", "label.json", wholefile.draft_of(Path("label.json")).name]
)
async def test_a_folder_that_was_not_finished_is_finished(
    runtime: ProcessRuntime, data: Path, left: str
) -> None:
    folder = data / "servers/lenina-12"
    (folder / "conf").mkdir(parents=True)
    (folder / "run").mkdir()
    if left:
        (folder / left).write_text("gateway:a-password-of-a-test\n")
    assert await runtime.observe() == []
    await runtime.create(spec())
    await running(runtime)


async def test_a_torn_label_ends_the_server_and_makes_another(
    runtime: ProcessRuntime, data: Path
) -> None:
    await runtime.create(spec())
    await running(runtime)
    old = ProcessId.of(pid_of(data))
    assert old is not None
    label = data / "servers/lenina-12/label.json"
    label.write_text(label.read_text()[:20])
    await runtime.create(spec())
    await running(runtime)
    assert not old.alive()


async def test_a_removal_that_was_cut_off_is_nobodys_server(
    runtime: ProcessRuntime, data: Path
) -> None:
    await runtime.create(spec())
    await running(runtime)
    await runtime.stop("lenina-12")
    (data / "servers/lenina-12").rename(data / "servers/.lenina-12.removed")
    assert await runtime.observe() == []
    await runtime.create(spec())
    await running(runtime)
    await runtime.remove("lenina-12")
    assert list((data / "servers").iterdir()) == []


async def test_an_ended_server_leaves_no_zombie(runtime: ProcessRuntime, data: Path) -> None:
    await runtime.create(spec())
    await running(runtime)
    pid = pid_of(data)
    kill(data)
    await until(lambda: not Path(f"/proc/{pid}").exists())
