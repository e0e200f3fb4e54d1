"""A private OpenSSH server for tests: a key of its own, one client's key, no password."""

import contextlib
import getpass
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.peers.engine import inside

_CONFIG = """
Port {port}
ListenAddress {address}
HostKey {folder}/host
AuthorizedKeysFile {folder}/authorized_keys
PidFile {folder}/pid
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
LogLevel VERBOSE
"""


@dataclass(slots=True)
class SshServer:
    """A running server; ``key`` is the client's, ``known_hosts`` names the server's own.

    Without a ``namespace`` it listens where the test stands.
    """

    address: str
    port: int
    namespace: str | None
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def where(self) -> str:
        """User, host and port, as in an ssh address."""
        return f"{getpass.getuser()}@{self.address}:{self.port}"

    @property
    def key(self) -> Path:
        """The private key that may log in."""
        return self.folder / "client"

    @property
    def known_hosts(self) -> Path:
        """The file that vouches for the server."""
        return self.folder / "known_hosts"

    def start(self) -> None:
        """Begin to listen, with the same keys each time."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(("nsenter", f"--net=/run/netns/{self.namespace}") if self.namespace else ()),
                    *("/usr/sbin/sshd", "-D", "-e", "-f", str(self.folder / "config")),
                ],
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 10
        while not self._listens():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError((self.folder / "log").read_text()[-2000:])
            time.sleep(0.05)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End the server; connections that stand go on."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(10)
            self.process = None

    def hang_up(self) -> None:
        """End all connections; the server goes on."""
        if self.process is not None:
            listing = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
            for child in Path(listing).read_text(encoding="ascii").split():
                os.kill(int(child), signal.SIGTERM)

    def _listens(self) -> bool:
        place = inside(self.namespace) if self.namespace else contextlib.nullcontext()
        with place, socket.socket() as probe:
            return probe.connect_ex((self.address, self.port)) == 0


@contextlib.contextmanager
def ssh_server(address: str, port: int, namespace: str | None = None) -> Iterator[SshServer]:
    """Run a server for as long as the context lasts."""
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where it keeps its unprivileged half
    with tempfile.TemporaryDirectory(prefix="cg-sshd-") as name:
        folder = Path(name)
        for key in ("host", "client"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)]
            subprocess.run(command, check=True, timeout=20)
        (folder / "client.pub").rename(folder / "authorized_keys")
        public = (folder / "host.pub").read_text().split()
        (folder / "known_hosts").write_text(f"[{address}]:{port} {public[0]} {public[1]}\n")
        (folder / "config").write_text(
            _CONFIG.format(port=port, address=address, folder=folder), encoding="utf-8"
        )
        one = SshServer(address, port, namespace, folder)
        one.start()
        try:
            yield one
        finally:
            one.stop()
