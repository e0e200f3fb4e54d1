"""The tunnel to another machine, through a real OpenSSH server on the loopback address."""

import asyncio
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.model.errors import ErrorKind, GatewayError
from gateway.runtime.docker.tunnel import SshWay, Tunnel
from tests.peers.sshd import SshServer, ssh_server
from tests.waiting import until

_OPEN = """
import asyncio, pathlib, sys
from gateway.runtime.docker.tunnel import SshWay, Tunnel
async def main(url, key, known_hosts):
    tunnel = Tunnel(SshWay(url, pathlib.Path(key), pathlib.Path(known_hosts)))
    await tunnel.open()
    print("pid", tunnel.socket.parent, tunnel.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main(*sys.argv[1:]))
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/usr/sbin/sshd").exists(), reason="needs openssh-server"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with ssh_server("127.0.0.1", port) as one:
        yield one


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Path]:
    """Return the socket of something that answers each line with itself."""
    path = tmp_path / "d.sock"
    listening = await asyncio.start_unix_server(_echo, path)
    async with listening:
        yield path


@pytest.fixture
async def control() -> AsyncIterator[int]:
    listening = await asyncio.start_server(_echo, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


@pytest.fixture
async def tunnel(server: SshServer, engine: Path) -> AsyncIterator[Tunnel]:
    one = Tunnel(_way(server, engine))
    try:
        yield one
    finally:
        await one.close()
    assert not one.socket.parent.exists()


def _way(server: SshServer, engine: Path) -> SshWay:
    return SshWay(f"ssh://{server.where}{engine}", server.key, server.known_hosts)


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(await reader.readline())
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def _said(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    try:
        async with asyncio.timeout(10):
            writer.write(b"hello\n")
            return await reader.readline()
    finally:
        writer.close()


async def test_the_engines_socket_and_control_ports_come_here(tunnel: Tunnel, control: int) -> None:
    await tunnel.open()
    assert await _said(*await asyncio.open_unix_connection(tunnel.socket)) == b"hello\n"
    host, port = await tunnel.reach(("127.0.0.1", control))
    assert await _said(*await asyncio.open_connection(host, port)) == b"hello\n"
    assert tunnel.socket.stat().st_mode & 0o077 == 0


async def test_a_line_that_breaks_is_mended_and_ports_stay_the_same(
    tunnel: Tunnel, server: SshServer, control: int
) -> None:
    there = await tunnel.reach(("127.0.0.1", control))
    server.hang_up()

    async def mended() -> bool:
        await tunnel.open()
        try:
            return await _said(*await asyncio.open_connection(*there)) == b"hello\n"
        except OSError:
            return False

    await until(mended, within=15)
    assert await tunnel.reach(("127.0.0.1", control)) == there


async def test_ports_that_nobody_wants_are_closed(tunnel: Tunnel, control: int) -> None:
    there = await tunnel.reach(("127.0.0.1", control))
    await tunnel.keep([])
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*there)


async def test_ssh_ends_with_a_gateway_that_is_killed(server: SshServer, engine: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _OPEN, f"ssh://{server.where}{engine}"),
        *(str(server.key), str(server.known_hosts)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    said = b""
    while not said.startswith(b"pid "):  # the log comes first
        said = await process.stdout.readline()
    _, folder, ssh = said.decode().split()
    try:
        assert _runs(ssh)
    finally:
        process.kill()
        await process.wait()
        shutil.rmtree(folder)
    await until(lambda: not _runs(ssh), within=10)


def _runs(pid: str) -> bool:
    """Tell whether a process runs; one whose end nobody has asked for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_an_unknown_host_is_refused_with_advice(
    server: SshServer, engine: Path, tmp_path: Path
) -> None:
    nobody = tmp_path / "known hosts"
    nobody.write_text("")
    await _fails(replace(_way(server, engine), known_hosts=nobody), "verification", "known_hosts")


async def test_a_key_that_is_not_let_in_is_told(
    server: SshServer, engine: Path, tmp_path: Path
) -> None:
    stranger = tmp_path / "key"
    process = await asyncio.create_subprocess_exec(
        *("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(stranger))
    )
    assert await process.wait() == 0
    await _fails(
        replace(_way(server, engine), key=stranger), "Permission denied", "authorized_keys"
    )


async def test_nobody_listening_is_told(server: SshServer, engine: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        where = f"ssh://{server.where.rpartition(':')[0]}:{port}{engine}"
        await _fails(replace(_way(server, engine), url=where), "refused", "sshd runs there")


async def _fails(way: SshWay, words: str, advice: str) -> None:
    one = Tunnel(way)
    try:
        with pytest.raises(GatewayError, match=words) as raised:
            await one.open()
        assert raised.value.kind is ErrorKind.ENGINE_UNAVAILABLE
        assert advice in raised.value.hint
    finally:
        await one.close()
