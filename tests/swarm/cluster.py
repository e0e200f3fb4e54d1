"""A Docker Swarm of two machines on one: ``north`` is the manager, ``south`` a worker."""

import contextlib
import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from docker.errors import APIError, DockerException

from gateway.runtime.docker import names as labels_of
from gateway.runtime.swarm import names
from tests.docker import lan
from tests.peers import engine as peer
from tests.peers.engine import IMAGE, ROOT, Engine
from tests.swarm import guide
from tests.waiting import until

NORTH: Final = "192.168.23.5"
SOUTH: Final = "192.168.23.6"
RANGES: Final = {NORTH: "192.168.23.96/28", SOUTH: "192.168.23.112/28"}
NETWORK: Final = {
    "driver": "macvlan",
    "parent": "lan0",
    "subnet": "192.168.23.0/24",
    "gateway": "192.168.23.1",
    "ip_range": "192.168.23.96/27",
}
PORT: Final = 8080
URL: Final = f"http://{NORTH}:{PORT}"
_STACK: Final = "cameras"
_UID: Final = 10001
_OURS: Final = (
    *(names.MEDIA_NETWORK, names.CONTROL_NETWORK, names.CDN_NETWORK),
    f"{_STACK}_outside",
    f"{_STACK}_nowhere",
)
_NETWORKS_S: Final = 60.0
_PROXY_S: Final = 20.0


@dataclass(slots=True)
class Cluster:
    """Both engines; ``nodes`` are their ids in the Swarm."""

    north: Engine
    south: Engine
    nodes: dict[str, str] = field(default_factory=dict)

    def label(self, engine: Engine, **labels: str) -> None:
        """Give a node further labels."""
        with contextlib.closing(self.north.client()) as client:
            node = client.inspect_node(self.nodes[engine.name])
            spec = node["Spec"]
            spec["Labels"] = {**(spec.get("Labels") or {}), **labels}
            client.update_node(node["ID"], node["Version"]["Index"], spec)

    def services(self) -> Mapping[str, dict[str, Any]]:
        """Return the services that the gateway has made, by server."""
        with contextlib.closing(self.north.client()) as client:
            found = client.services(filters={"label": labels_of.SERVER})
        return {one["Spec"]["Labels"][labels_of.SERVER]: one for one in found}

    def node_of(self, server: str) -> str:
        """Return the engine's name on which a server's task runs; empty if none does."""
        with contextlib.closing(self.north.client()) as client:
            tasks = client.tasks(
                filters={"service": names.service(server), "desired-state": "running"}
            )
        running = [one["NodeID"] for one in tasks if one["Status"]["State"] == "running"]
        by_id = {id_: name for name, id_ in self.nodes.items()}
        return by_id[running[0]] if running else ""

    def task_of(self, server: str) -> str:
        """Return the id of a server's running task."""
        with contextlib.closing(self.north.client()) as client:
            tasks = client.tasks(
                filters={"service": names.service(server), "desired-state": "running"}
            )
        return str(tasks[0]["ID"]) if tasks else ""

    def docker(self, *arguments: str, more: Mapping[str, str] | None = None) -> str:
        """Run the docker command on the manager and return what it prints."""
        done = subprocess.run(
            ["docker", "-H", self.north.url, *arguments],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=ROOT,
            env={**os.environ, **(more or {})},
        )
        if done.returncode:
            raise RuntimeError(f"docker {' '.join(arguments)}: {done.stderr[-1500:]}")
        return done.stdout

    def deploy(self, sites: Path, data: Path | None = None) -> None:
        """Run the gateway as the stack file says, with the buildings of ``sites``.

        ``data`` is its folder if it is to be no volume.
        """
        for path in (sites, *sites.iterdir(), *(data.rglob("*") if data else ())):
            os.chown(path, _UID, _UID)
        if data is not None:
            os.chown(data, _UID, _UID)
        if names.CONTROL_NETWORK not in self.docker("network", "ls", "--format", "{{.Name}}"):
            guide.typed(self.north, "--driver overlay", {})
        guide.typed(
            self.north,
            "stack deploy",
            {
                "DATA=/var/lib/camera-gateway": f"DATA={data or 'data'}",
                # No registry has the images here, and the proxy runs outside.
                "deploy -c stack.yaml": "deploy --resolve-image never -c stack.yaml "
                f"-c {self._without_proxy()}",
            },
            environment={
                "GATEWAY_IMAGE": peer.GATEWAY_IMAGE,
                "SITES": str(sites),
                "ENGINE": str(self.proxied.parent),
            },
        )

    @property
    def proxied(self) -> Path:
        """The manager's socket as the proxy shows it."""
        return self.north.folder / "proxied" / "docker.sock"

    def _without_proxy(self) -> Path:
        """Return what leaves the proxy's image out: no registry has it here, it runs outside."""
        path = self.north.folder / "without-proxy.yaml"
        left_out = {"services": {"engine-proxy": {"deploy": {"replicas": 0}}}}
        path.write_text(json.dumps({"version": "3.8", **left_out}), encoding="utf-8")
        return path

    def restart_gateway(self) -> None:
        """End the gateway's container; the Swarm makes another one."""
        with contextlib.closing(self.north.client()) as client:
            client.kill(self._gateway(client), "SIGKILL")

    def said(self) -> str:
        """Return the end of the gateway's log."""
        with (
            contextlib.suppress(DockerException, LookupError),
            contextlib.closing(self.north.client()) as client,
        ):
            return str(client.logs(self._gateway(client), tail=80).decode(errors="replace"))
        return ""

    def _gateway(self, client: Any) -> str:
        mine = {"label": f"com.docker.swarm.service.name={_STACK}_gateway"}
        return str(client.containers(all=True, filters=mine)[0]["Id"])

    def clean(self) -> None:
        """Remove all services, secrets and configs."""
        with contextlib.suppress(DockerException), contextlib.closing(self.north.client()) as one:
            for service in one.services():
                one.remove_service(service["ID"])
            for secret in one.secrets():
                one.remove_secret(secret["ID"])
            for config in one.configs():
                one.remove_config(config["ID"])

    def forget_networks(self) -> None:
        """Remove the networks between the nodes, once the last task has left them."""
        with contextlib.closing(self.north.client()) as one:
            deadline = time.monotonic() + _NETWORKS_S
            while time.monotonic() < deadline:
                left = [each["Id"] for each in one.networks() if each["Name"] in _OURS]
                if not left:
                    break
                for id_ in left:
                    with contextlib.suppress(APIError):  # its last task has not left it yet
                        one.remove_network(id_)
                time.sleep(0.3)

    def power_off(self, engine: Engine) -> None:
        """Let a machine lose its power: everything on it ends at once, and nobody says goodbye."""
        with contextlib.closing(engine.client()) as client:
            inits = [
                client.inspect_container(one["Id"])["State"]["Pid"] for one in client.containers()
            ]
        process = engine.process
        assert process is not None
        shims = {_parent(pid) for pid in inits}
        below = _children(process.pid)
        _link(engine, "down")
        for pid in (process.pid, *below, *shims, *inits):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait(20)
        engine.process = None

    async def power_on(self, engine: Engine) -> None:
        """Start a machine again and wait until the Swarm has it back; in the main thread."""
        _link(engine, "up")
        engine.start()
        await until(lambda: self._is_ready(engine), within=60, every=0.3)

    def _is_ready(self, engine: Engine) -> bool:
        with contextlib.closing(self.north.client()) as client:
            node = client.inspect_node(self.nodes[engine.name])
        return bool(node["Status"]["State"] == "ready")


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    """Run both machines for as long as the context lasts, with images and networks as needed."""
    with peer.engine(own_run=True) as north, peer.engine(images=False, own_run=True) as south:
        north.lan(
            "lan0",
            ("v", f"{lan.VIEWER}/24"),
            ("c", f"{lan.CAMERAS}/24"),
            host_address=f"{NORTH}/24",
        )
        south.join(north, "lan0", f"{SOUTH}/24")
        peer.make_gateway_image(north)
        peer.copy_image(north, south)
        one = Cluster(north, south)
        try:
            _form(one)
            with _proxy(one):
                yield one
        finally:
            one.clean()
            for engine in (south, north):
                with (
                    contextlib.suppress(DockerException),
                    contextlib.closing(engine.client()) as client,
                ):
                    client.leave_swarm(force=True)


@contextlib.contextmanager
def _proxy(one: Cluster) -> Iterator[None]:
    """Run HAProxy with the shipped file in front of the manager."""
    one.proxied.parent.mkdir()
    text = (ROOT / "docs/install/swarm-proxy.cfg").read_text(encoding="utf-8")
    text = text.replace("/run/engine/docker.sock mode 660", f"{one.proxied} mode 660 gid {_UID}")
    config = one.north.folder / "swarm-proxy.cfg"
    config.write_text(text.replace("/var/run/docker.sock", one.north.url.removeprefix("unix://")))
    log = one.north.folder / "haproxy.log"
    with lan.program(one.north.name, ["haproxy", "-db", "-f", str(config)], log):
        deadline = time.monotonic() + _PROXY_S
        while not one.proxied.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        yield


def _form(one: Cluster) -> None:
    with (
        contextlib.closing(one.north.client()) as north,
        contextlib.closing(one.south.client()) as south,
    ):
        north.init_swarm(advertise_addr=NORTH, listen_addr=f"{NORTH}:2377")
        token = north.inspect_swarm()["JoinTokens"]["Worker"]
        south.join_swarm(
            [f"{NORTH}:2377"], token, listen_addr=f"{SOUTH}:2377", advertise_addr=SOUTH
        )
        for engine, client, address in ((one.north, north, NORTH), (one.south, south, SOUTH)):
            one.nodes[engine.name] = client.info()["Swarm"]["NodeID"]
            here = {RANGES[NORTH]: RANGES[address], "enp0s3": NETWORK["parent"]}
            guide.typed(engine, "--config-only", here)
    guide.typed(one.north, "camera-gateway.home=true", {" north": f" {one.nodes[one.north.name]}"})


class Company:
    """The files of a company on the Swarm."""

    def __init__(self, folder: Path) -> None:
        self.sites = folder / "sites"
        self.sites.mkdir()
        self.write_gateway()

    def write_gateway(self, data: Path | None = None, **servers: Any) -> None:
        """Write the company's own file; ``servers`` go into ``media_servers``."""
        self._write(
            "gateway",
            {
                "listen": f"0.0.0.0:{PORT}",
                **({"data_dir": str(data)} if data else {}),
                "media_servers": {
                    "runtime": "swarm",
                    "image": IMAGE,
                    "network": NETWORK,
                    "limits": {"cpus": 1, "memory": "512m"},
                    **servers,
                },
            },
        )

    def write(self, site: str, camera: int, **more: Any) -> None:
        """Write a building with one camera; ``more`` are further keys of its file."""
        rtsp = f"rtsp://{lan.CAMERAS}:{8600 + camera}/stream2"
        self._write(
            site,
            {
                "name": site,
                "viewing": {"access": "public"},
                "cameras": [{"id": "door", "name": "door", "rtsp": rtsp}],
                **more,
            },
        )

    def _write(self, name: str, content: dict[str, Any]) -> None:
        draft = self.sites / f"{name}.new"
        draft.write_text(json.dumps(content), encoding="utf-8")
        os.chown(draft, _UID, _UID)
        draft.replace(self.sites / f"{name}.yaml")


def whep(site: str) -> str:
    """Return where a building's camera is played."""
    return f"{URL}/whep/{site}/door"


async def live(site: str, *, within: float = 60) -> None:
    """Wait until a building's camera is live."""
    await until(lambda: state(site) == "live", within=within, every=0.3)


def state(site: str) -> str:
    """Return what the gateway says of a building's camera."""
    try:
        with urllib.request.urlopen(f"{URL}/api/v1/sites/{site}", timeout=3) as answer:  # noqa: S310  # our own
            return str(json.load(answer)["cameras"][0]["state"])
    except (OSError, ValueError, KeyError):
        return ""


def clock() -> float:
    """Return seconds, to say how long something took."""
    return time.monotonic()


def _link(engine: Engine, state: str) -> None:
    subprocess.run(["ip", "-n", engine.name, "link", "set", "lan0", state], check=True)


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[1])


def _children(pid: int) -> Sequence[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [int(one) for one in found]
