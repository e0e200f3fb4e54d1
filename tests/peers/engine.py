"""A private Docker Engine for tests, in a network namespace of its own.

Its packet filter, bridges and forwarding policy stay inside that namespace, so that neither the
machine nor other tests notice it. Images come from no registry: a minimal Debian is made by
``debootstrap``, Python packages are downloaded outside. Both, and the engine's layers (for one run
each), are kept under ``~/.cache/camera-gateway-tests``; containers, networks and volumes
never outlive a run.
"""

import contextlib
import ctypes
import fcntl
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import docker
from docker.errors import DockerException, ImageNotFound

ROOT: Final = Path(__file__).parents[2]
CACHE: Final = Path.home() / ".cache/camera-gateway-tests"
_PACKAGES: Final = "python3,python3-venv,python3-pip,iproute2,iptables,ca-certificates"
_CLONE_NEWNET: Final = 0x40000000
_PR_SET_PDEATHSIG: Final = 1
_START_S: Final = 60.0
_OWN_RUN: Final = (
    *("unshare", "--mount", "--propagation", "private", "--uts", "sh", "-c"),
    'mount -t tmpfs tmpfs /run && hostname "$0" && exec "$@"',
)
_BASE: Final = "camera-gateway-base:1"
_CONTEXT: Final = (
    *("Dockerfile", "pyproject.toml", "README.md", "LICENSE", "gateway", "web"),
    *("docs/install/mediaserver.lock", "docs/install/requirements.lock"),
)
IMAGE: Final = "camera-gateway-mediaserver:test"
GATEWAY_IMAGE: Final = "camera-gateway:test"


@dataclass(slots=True)
class Engine:
    """One running engine; ``name`` is also that of its network namespace (the Docker host).

    ``own_run`` gives it a folder ``/run`` and a host name of its own: two members of a Swarm on one
    machine would take the same files there.
    """

    name: str
    folder: Path
    data: Path
    process: subprocess.Popen[bytes] | None = None
    made: list[str] = field(default_factory=list)
    options: tuple[str, ...] = ()
    own_run: bool = False

    @property
    def url(self) -> str:
        """Where the engine listens."""
        return f"unix://{self.folder}/docker.sock"

    @property
    def log(self) -> Path:
        """What the daemon says."""
        return self.folder / "dockerd.log"

    def client(self) -> docker.APIClient:
        """Return a client of its own for a test's own questions; close it."""
        return docker.APIClient(base_url=self.url, version="auto", timeout=120)

    def start(self) -> None:
        """Start the daemon and wait until it answers; to be called in the main thread."""
        self.launch()
        _wait(self.answers, _START_S, f"the engine does not answer, see {self.log}")

    def launch(self) -> None:
        """Start the daemon; to be called in the main thread, with whose end it ends."""
        commands = self.folder / "bin"
        if not commands.exists():
            commands.mkdir()
            for name in ("iptables", "ip6tables"):
                # The daemon speaks to the packet filter that every kernel has.
                (commands / name).symlink_to(f"/usr/sbin/{name}-legacy")
        environment = {**os.environ, "PATH": f"{commands}:{os.environ['PATH']}:/usr/sbin:/sbin"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *("nsenter", f"--net=/run/netns/{self.name}"),
                    *((*_OWN_RUN, self.name) if self.own_run else ()),
                    "dockerd",
                    *("--data-root", str(self.data), "--exec-root", str(self.folder / "exec")),
                    *("-H", self.url, "-p", str(self.folder / "pid"), "--bridge=none"),
                    *("--default-address-pool", "base=172.30.0.0/16,size=20"),
                    *("--default-address-pool", "base=172.31.0.0/16,size=20"),
                    *self.options,
                ],
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
                preexec_fn=_end_with_parent,  # noqa: PLW1509  # nothing but one system call
            )

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End the daemon; its containers end with it on SIGTERM."""
        if self.process is None:
            return
        self.process.send_signal(number)
        try:
            self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self.process = None

    def lan(self, parent: str, *hosts: tuple[str, str], host_address: str = "") -> None:
        """Make a LAN: ``parent`` is the Docker host's interface, ``hosts`` name and address.

        The hosts are network namespaces on a switch in a namespace of its own.
        """
        switch = f"{self.name}s"
        self._namespace(switch)
        _run("ip", "-n", switch, "link", "add", "sw", "type", "bridge")
        _run("ip", "-n", switch, "link", "set", "sw", "up")
        ends = [(self.name, parent, host_address)]
        ends += [(self.host(name), "lan0", address) for name, address in hosts]
        for number, (namespace, interface, address) in enumerate(ends):
            if number:
                self._namespace(namespace)
            port = f"p{number}"
            _run(
                *("ip", "-n", namespace, "link", "add", interface, "type", "veth"),
                *("peer", "name", port, "netns", switch),
            )
            _run("ip", "-n", switch, "link", "set", port, "master", "sw", "up")
            if address:
                _run("ip", "-n", namespace, "address", "add", address, "dev", interface)
            _run("ip", "-n", namespace, "link", "set", interface, "up")

    def join(self, other: "Engine", parent: str, address: str) -> None:
        """Stand in the LAN of another engine, with an interface of its own there."""
        switch, port = f"{other.name}s", self.name[-6:]
        _run(
            *("ip", "-n", self.name, "link", "add", parent, "type", "veth"),
            *("peer", "name", port, "netns", switch),
        )
        _run("ip", "-n", switch, "link", "set", port, "master", "sw", "up")
        _run("ip", "-n", self.name, "address", "add", address, "dev", parent)
        _run("ip", "-n", self.name, "link", "set", parent, "up")

    def host(self, name: str) -> str:
        """Return the namespace of one of the LAN's hosts."""
        return f"{self.name}{name}"

    def clean(self) -> None:
        """Remove containers, networks and volumes of the run."""
        with contextlib.suppress(DockerException), contextlib.closing(self.client()) as client:
            for container in client.containers(all=True):
                client.remove_container(container["Id"], force=True, v=True)
            client.prune_networks()
            for volume in client.volumes()["Volumes"] or ():
                client.remove_volume(volume["Name"], force=True)

    def answers(self) -> bool:
        """Tell whether it answers; raises RuntimeError when it has ended."""
        if self.process is not None and self.process.poll() is not None:
            tail = self.log.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"the engine has ended: {tail}")
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(self.url.removeprefix("unix://")) != 0:
                return False
        try:
            with contextlib.closing(docker.APIClient(base_url=self.url, timeout=5)) as client:
                return bool(client.ping())
        except DockerException:
            return False

    def _namespace(self, name: str) -> None:
        _run("ip", "netns", "add", name)
        self.made.append(name)
        _run("ip", "-n", name, "link", "set", "lo", "up")


@contextlib.contextmanager
def engine(*, images: bool = True, own_run: bool = False) -> Iterator[Engine]:
    """Run an engine for as long as the context lasts; ``images`` makes :data:`IMAGE` ready."""
    CACHE.mkdir(parents=True, exist_ok=True)
    name = f"cg-{uuid.uuid4().hex[:6]}"
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    with _layers(folder) as data:
        one = Engine(name, folder, data, own_run=own_run)
        try:
            one._namespace(name)
            one.start()
            one.clean()
            if images:
                make_images(one)
            yield one
        finally:
            _end(one)


@contextlib.contextmanager
def _layers(folder: Path) -> Iterator[Path]:
    """Yield a folder for an engine's layers: kept ones that no other engine has, else a new one."""
    for kept in ("engine", "engine-2"):
        with (CACHE / f"{kept}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            # Networks of a run whose engine was killed would stand in the way of new ones.
            for left in ("network", "swarm"):
                shutil.rmtree(CACHE / kept / left, ignore_errors=True)
            yield CACHE / kept
            return
    yield folder / "data"


def _end_with_parent() -> None:
    """Ask the kernel for SIGTERM when the thread that starts us ends: no engine outlives a test."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _end(one: Engine) -> None:
    if one.process is not None:
        one.clean()
    one.stop()
    for line in reversed(Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()):
        place = line.split()[1]
        if place.startswith((f"{one.folder}/", f"{one.data}/")):
            _run("umount", "-l", place, check=False)
    for namespace in reversed(one.made):
        _run("ip", "netns", "delete", namespace, check=False)
    shutil.rmtree(one.folder, ignore_errors=True)


@contextlib.contextmanager
def inside(namespace: str) -> Iterator[None]:
    """Move this thread, and the threads and processes that it starts, into a namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        _enter(libc, there)
        yield
    finally:
        _enter(libc, home)
        os.close(there)
        os.close(home)


def _enter(libc: ctypes.CDLL, descriptor: int) -> None:
    if libc.setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def base_image() -> str:
    """Return the name of the minimal Debian with Python."""
    return f"{_BASE}-{_key(_PACKAGES)}"


def make_images(one: Engine) -> None:
    """Build the media server's image on the minimal Debian; unchanged layers are kept."""
    _make(one, "mediaserver", IMAGE)


def make_gateway_image(one: Engine) -> str:
    """Build the gateway's image on the minimal Debian and return its name."""
    _make(one, "gateway", GATEWAY_IMAGE)
    return GATEWAY_IMAGE


def _make(one: Engine, target: str, tag: str) -> None:
    with contextlib.closing(one.client()) as client:
        base = base_image()
        try:
            client.inspect_image(base)
        except ImageNotFound:
            with _base_archive().open("rb") as archive:
                client.import_image_from_data(
                    archive, repository=base.partition(":")[0], tag=base.partition(":")[2]
                )
        with tempfile.TemporaryDirectory(prefix="cg-context-") as folder:
            # Docker's layer cache looks at modes and contents, not at times.
            for name in _CONTEXT:
                _copy(ROOT / name, Path(folder) / name)
            shutil.copytree(wheels(), Path(folder) / "wheels")
            _build(client, folder, target=target, tag=tag, base=base)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def copy_image(source: Engine, target: Engine) -> None:
    """Bring :data:`IMAGE` from one engine to another, if it is not there as it is."""
    with (
        contextlib.closing(source.client()) as first,
        contextlib.closing(target.client()) as second,
    ):
        wanted = first.inspect_image(IMAGE)["Id"]
        if any(image["Id"] == wanted for image in second.images(IMAGE)):
            return
        for _ in second.load_image(first.get_image(IMAGE)):
            pass


def _build(client: docker.APIClient, context: str, *, target: str, tag: str, base: str) -> None:
    said: list[str] = []
    for line in client.build(
        path=context,
        target=target,
        tag=tag,
        rm=True,
        forcerm=True,
        decode=True,
        network_mode="none",
        buildargs={
            "BASE": base,
            "BUILD_BASE": base,
            "PIP_OPTIONS": "--no-index --find-links /src/wheels",
            "PACKAGES": "",
        },
    ):
        said.append(str(line.get("stream", "")))
        if "error" in line:
            raise RuntimeError("".join(said[-20:]) + str(line["error"]))


def _base_archive() -> Path:
    """Return a tar of a minimal Debian, made once (about a minute)."""
    archive = CACHE / f"base-{_key(_PACKAGES)}.tar"
    if archive.exists():
        return archive
    with tempfile.TemporaryDirectory(prefix="cg-rootfs-", dir=CACHE) as work:
        rootfs = Path(work) / "rootfs"
        _run(
            *("debootstrap", "--variant=minbase", f"--include={_PACKAGES}"),
            *("bookworm", str(rootfs), "http://deb.debian.org/debian"),
            within=900,
        )
        shutil.rmtree(rootfs / "var/cache/apt/archives", ignore_errors=True)
        draft = Path(work) / "base.tar"
        _run("tar", "-C", str(rootfs), "-cf", str(draft), ".", within=300)
        draft.rename(archive)
    return archive


def unpack_base(root: Path) -> None:
    """Put the minimal Debian with Python into a folder."""
    CACHE.mkdir(parents=True, exist_ok=True)
    _run("tar", "-C", str(root), "-xf", str(_base_archive()), within=300)


def wheels() -> Path:
    """Return a folder with the locked libraries and what builds a wheel, downloaded once."""
    locked = ROOT / "docs/install/requirements.lock"
    folder = CACHE / f"wheels-requirements-{_key(locked.read_text(encoding='utf-8'))}"
    if folder.exists():
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    pip = (sys.executable, "-m", "pip", "download", "--quiet")
    with tempfile.TemporaryDirectory(prefix="cg-wheels-", dir=CACHE) as work:
        target = Path(work) / "wheels"
        exactly = ("--require-hashes", "--no-deps", "-r", str(locked))
        _run(*pip, "--dest", str(target), *exactly, within=600)
        _run(*pip, "--dest", str(target), "hatchling>=1.27", "setuptools", "wheel", within=300)
        target.rename(folder)
    return folder


def _key(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:10]


def _run(*command: str, check: bool = True, within: float = 60.0) -> None:
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=within, errors="replace"
    )
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout[-800:]}{done.stderr[-800:]}")


def _wait(condition: Callable[[], bool], within: float, what: str) -> None:
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.1)


def run_in(namespace: str, command: Sequence[str], within: float = 60.0) -> str:
    """Run a command as a host of the LAN and return what it prints."""
    done = subprocess.run(
        ["nsenter", f"--net=/run/netns/{namespace}", *command],
        check=False,
        capture_output=True,
        text=True,
        timeout=within,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout[-800:]}{done.stderr[-1500:]}")
    return done.stdout
