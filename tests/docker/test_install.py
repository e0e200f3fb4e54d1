"""The gateway's own image, and the gateway behind a proxy that lets it do what it needs only."""

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docker import lan
from tests.docker.company import PORT, URL, Company
from tests.peers import engine as peer
from tests.peers.engine import ROOT, Engine
from tests.waiting import until

pytestmark = pytest.mark.docker
UID = 10001


@contextmanager
def gateway_container(engine: Engine, sites: Path, *arguments: str) -> Iterator[tuple[Any, str]]:
    """Run the gateway's image as compose.yaml does; yield the engine's client and its id."""
    os.chown(sites, UID, UID)
    for path in (sites, *sites.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    with closing(engine.client()) as client:
        made = client.create_container(
            peer.make_gateway_image(engine),
            command=list(arguments) or None,
            volumes=["/etc/camera-gateway"],
            host_config=client.create_host_config(
                network_mode="host",
                init=True,
                read_only=True,
                cap_drop=["ALL"],
                security_opt=["no-new-privileges"],
                tmpfs={"/tmp": "size=256m"},  # noqa: S108  # inside the container
                binds={str(sites): {"bind": "/etc/camera-gateway", "mode": "rw"}},
            ),
        )["Id"]
        client.start(made)
        try:
            yield client, made
        finally:
            print(client.logs(made).decode(errors="replace")[-4000:])
            client.remove_container(made, force=True, v=True)


def _company_file(sites: Path, **servers: Any) -> None:
    content = {"listen": f"0.0.0.0:{PORT}", "media_servers": servers}
    (sites / "gateway.yaml").write_text(json.dumps(content), encoding="utf-8")


async def test_one_container_holds_gateway_and_media_servers(
    engine: Engine, company: Company, tmp_path: Path
) -> None:
    # The test's machine has no default route that would tell which address is its own.
    company.write("lenina-12", 0, media_server={"external_address": lan.HOST})
    _company_file(company.sites, runtime="process")
    with gateway_container(engine, company.sites) as (client, container):
        await company.live("lenina-12")
        with lan.watching(engine, company.whep("lenina-12"), tmp_path / "viewer.log") as viewer:
            await viewer.more(25)
        top = client.top(container, ps_args="-eo uid,pid,args")["Processes"]
        ours = [" ".join(row[2:]) for row in top if row[0] == str(UID)]
        assert any("gateway.mediaserver" in command for command in ours), top
        assert len(ours) >= len(top) - 1, "only the engine's own init may be another's"
        page = await asyncio.to_thread(_get, f"{URL}/")
        assert "<script" in page
        config = client.inspect_container(container)["Config"]
        assert config["User"] == f"{UID}:{UID}"
        assert set(config["Volumes"]) == {"/var/lib/camera-gateway", "/etc/camera-gateway"}
        checks = config["Healthcheck"]["Test"]
        assert checks[0] == "CMD"
        assert _run_in(client, container, checks[1:])[0] == 0
        assert _run_in(client, container, ["gateway", "version"]) == (0, "0.1.0\n")
        client.stop(container, timeout=20)
        assert client.inspect_container(container)["State"]["ExitCode"] == 0
    assert not (company.sites / "data").exists()


@contextmanager
def engine_proxy(engine: Engine, folder: Path) -> Iterator[Path]:
    """Run HAProxy with the shipped file in front of the engine; yield its socket."""
    if not shutil.which("haproxy"):
        pytest.skip("needs the Debian package haproxy")
    listens, config = folder / "proxied.sock", folder / "engine-proxy.cfg"
    text = (ROOT / "docs/install/engine-proxy.cfg").read_text(encoding="utf-8")
    text = text.replace("/run/engine/docker.sock", str(listens))
    config.write_text(text.replace("/var/run/docker.sock", engine.url.removeprefix("unix://")))
    with lan.program(engine.name, ["haproxy", "-db", "-f", str(config)], folder / "haproxy.log"):
        try:
            yield listens
        finally:
            print((folder / "haproxy.log").read_text()[-3000:])


class _Unix(HTTPConnection):
    """HTTP over a socket of the file system."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=20)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


def _ask(path: Path, method: str, target: str, body: str | None = None) -> int:
    with closing(_Unix(path)) as connection:
        headers = {} if body is None else {"Content-Type": "application/json"}
        connection.request(method, target, body and body.encode(), headers)
        return connection.getresponse().status


async def test_the_gateway_lives_behind_the_proxy_of_the_engine(
    engine: Engine, company: Company, tmp_path: Path
) -> None:
    with engine_proxy(engine, tmp_path) as listens:
        await until(listens.exists, within=20)
        company.write("lenina-12", 0)
        written = json.loads((company.sites / "gateway.yaml").read_text())
        written["media_servers"]["engine"] = f"unix://{listens}"
        (company.sites / "gateway.yaml").write_text(json.dumps(written))
        company.begin()
        await company.live("lenina-12")
        with lan.watching(engine, company.whep("lenina-12"), tmp_path / "viewer.log") as viewer:
            await viewer.more(25)
        (company.sites / "lenina-12.yaml").unlink()
        with closing(engine.client()) as client:
            await until(lambda: not client.containers(all=True), within=60, every=0.5)
            assert not client.volumes()["Volumes"]
        company.end()
        assert "403" not in company.log.read_text()


_PROXY_IMAGE = """
FROM {base}
COPY haproxy /usr/local/bin/haproxy
COPY lib /usr/local/lib/
RUN ldconfig
CMD ["haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]
"""


def _make_proxy_image(client: Any, tag: str, folder: Path) -> None:
    """Make an image of this machine's HAProxy: the published one cannot be had without network."""
    program = shutil.which("haproxy")
    if program is None:
        pytest.skip("needs the Debian package haproxy")
    (folder / "lib").mkdir(parents=True)
    shutil.copy(program, folder / "haproxy")
    needs = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    for line in needs.splitlines():
        _, arrow, rest = line.partition(" => ")
        # The C library is the image's own.
        if arrow and not re.search(r"lib(c|m|dl|pthread|rt)\.so", rest):
            shutil.copy(rest.split()[0], folder / "lib")
    (folder / "Dockerfile").write_text(_PROXY_IMAGE.format(base=peer.base_image()))
    said = list(client.build(path=str(folder), tag=tag, rm=True, decode=True, network_mode="none"))
    assert not [line for line in said if "error" in line], said[-5:]


@pytest.mark.parametrize("profile", ["embedded", "wcs"])
async def test_the_compose_file_starts_the_gateway(
    engine: Engine, company: Company, tmp_path: Path, profile: str
) -> None:
    if not shutil.which("docker-compose"):
        pytest.skip("needs the Debian package docker-compose")
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    text = text.replace("/var/run/docker.sock:/", f"{engine.url.removeprefix('unix://')}:/")
    (tmp_path / "compose.yaml").write_text(text)
    (tmp_path / "secrets.env").touch()
    (tmp_path / "docs/install").mkdir(parents=True)
    shutil.copy(ROOT / "docs/install/engine-proxy.cfg", tmp_path / "docs/install")
    written = json.loads((company.sites / "gateway.yaml").read_text())
    del written["media_servers"]["engine"], written["data_dir"]
    if profile == "embedded":
        written["media_servers"] = {"runtime": "process"}
    (company.sites / "gateway.yaml").write_text(json.dumps(written))
    company.write("lenina-12", 0)
    for path in (company.sites, *company.sites.iterdir()):
        os.chown(path, UID, UID)
    services = yaml.safe_load(text)["services"]
    with closing(engine.client()) as client:
        client.tag(peer.make_gateway_image(engine), *services["gateway"]["image"].split(":"))
        if profile == "wcs":
            _make_proxy_image(client, services["engine-proxy"]["image"], tmp_path / "proxy")
    await asyncio.to_thread(_compose, engine, tmp_path, profile, "up", "-d", "--no-build")
    try:
        await company.live("lenina-12")
    finally:
        print(await asyncio.to_thread(_compose, engine, tmp_path, profile, "logs", "--no-color"))
        await asyncio.to_thread(_compose, engine, tmp_path, profile, "down", "-v", "-t", "20")


def _compose(engine: Engine, folder: Path, profile: str, *command: str) -> str:
    done = subprocess.run(
        ["docker-compose", "-H", engine.url, "-p", "cg", "--profile", profile, *command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


_IMAGE = '"Image": "camera-gateway-mediaserver:test"'


@pytest.fixture(scope="module")
def proxied(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with engine_proxy(engine, tmp_path_factory.mktemp("proxy")) as listens:
        for _ in range(200):
            if listens.exists():
                break
            subprocess.run(["sleep", "0.1"], check=True)
        yield listens


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", "/v1.41/build"),
        ("POST", "/v1.41/images/load"),
        ("GET", "/v1.41/containers/x/export"),
        ("POST", "/v1.41/containers/x/attach"),
        ("POST", "/v1.41/containers/x/update"),
        ("POST", "/v1.41/containers/../build"),
        ("POST", "/v1.41/containers/%2e%2e/build"),
        ("POST", "//v1.41/build"),
        ("POST", "/build"),
        ("POST", "/v1.23/containers/x/start"),
        ("POST", "/containers/create"),
        ("DELETE", "/v1.41/images/x"),
        ("DELETE", "/v1.41/networks/x"),
        ("PUT", "/v1.41/containers/x"),
        ("PATCH", "/v1.41/containers/create"),
        ("POST", "/v1.41/swarm/init"),
        ("POST", "/v1.41/plugins/pull"),
        ("GET", "/v1.41/secrets"),
    ],
)
def test_the_proxy_refuses_what_is_not_listed(proxied: Path, method: str, target: str) -> None:
    assert _ask(proxied, method, target) == 403


@pytest.mark.parametrize(
    "host",
    [
        '"Privileged": true',
        '"privileged":true',
        '"Privileged": false, "PRIVILEGED" : true',
        r'"Pr\u0069vileged": true',
        '"Binds": ["/:/host"]',
        '"Binds": ["camera-gateway-x:/y]", "/:/host"]',
        r'"Binds": ["\/:/host"]',
        '"Bind\u017f": ["x:/host"]',
        '"Mounts": [{"Type": "bind", "Source": "/", "Target": "/host"}]',
        '"Devices": [{"PathOnHost": "/dev/sda"}]',
        '"PidMode": "host"',
        '"IpcMode": "host"',
        '"VolumesFrom": ["other"]',
        '"CapAdd": ["SYS_ADMIN"]',
        '"CapAdd": ["NET_ADMIN", "SYS_ADMIN"]',
        '"CapAdd": ["NET_ADMIN"], "CapAdd": ["ALL"]',
        '"SecurityOpt": ["seccomp=unconfined"]',
        '"Sysctls": {"kernel.core_pattern": "x"}',
    ],
)
def test_no_container_with_rights_over_the_machine(proxied: Path, host: str) -> None:
    body = "{" + _IMAGE + ', "HostConfig": {' + host + "}}"
    assert _ask(proxied, "POST", "/v1.41/containers/create", body) == 403
    volume = '{"Name": "x", "DriverOpts": {"type": "none", "o": "bind", "device": "/"}}'
    assert _ask(proxied, "POST", "/v1.41/volumes/create", volume) == 403
    exec_ = '{"Cmd": ["sh"], "Privileged": true}'
    assert _ask(proxied, "POST", "/v1.41/containers/x/exec", exec_) == 403


def test_what_the_gateway_asks_is_let_through(proxied: Path) -> None:
    for target in ("/version", "/v1.41/info", "/v1.41/containers/json?all=1", "/v1.41/networks"):
        assert _ask(proxied, "GET", target) == 200
    for what in ("json", "stats?stream=False&one-shot=True"):
        # the engine's own answer
        assert _ask(proxied, "GET", f"/v1.41/containers/nobody/{what}") == 404
    digest = f"/v1.41/images/nobody%40sha256:{'0' * 64}/json"
    assert _ask(proxied, "GET", digest) == 404
    plain = "{" + _IMAGE + ', "HostConfig": {"CapAdd": ["NET_ADMIN", "NET_RAW"]}}'
    assert _ask(proxied, "POST", "/v1.41/containers/create", plain) == 201


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  # our own
        return str(answer.read().decode())


def _run_in(client: Any, container: str, command: list[str]) -> tuple[int, str]:
    made = client.exec_create(container, command)
    said = client.exec_start(made["Id"]).decode()
    return client.exec_inspect(made["Id"])["ExitCode"], said
