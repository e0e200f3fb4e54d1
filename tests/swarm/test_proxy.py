"""What a gateway that somebody has taken over can ask of a manager: the shipped proxy's list."""

import contextlib
import json
import socket
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.swarm.cluster import Cluster

pytestmark = [pytest.mark.docker, pytest.mark.swarm, pytest.mark.xdist_group("docker")]

_REFUSED = 403


class _Unix(HTTPConnection):
    """HTTP over a socket of the file system."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=20)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


def ask(swarm: Cluster, method: str, target: str, body: object = None) -> int:
    connection = _Unix(swarm.proxied)
    text = body if isinstance(body, str) else json.dumps(body)
    try:
        with contextlib.suppress(BrokenPipeError):  # it has answered before it has seen the body
            connection.request(method, target, text, {"Content-Type": "application/json"})
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/v1.41/swarm"),
        ("GET", "/v1.41/swarm/unlockkey"),
        ("POST", "/v1.41/swarm/update"),
        ("POST", "/v1.41/swarm/leave?force=true"),
        ("POST", "/v1.41/nodes/x/update"),
        ("DELETE", "/v1.41/nodes/x"),
        ("POST", "/v1.41/containers/create"),
        ("POST", "/v1.41/volumes/create"),
        ("POST", "/v1.41/plugins/pull"),
        ("POST", "/v1.41/build"),
        ("GET", "/v1.41/containers/x/archive"),
        ("PUT", "/v1.41/containers/x/archive"),
        ("PATCH", "/v1.41/services"),
        ("GET", "/v1.41/services/../swarm"),
    ],
)
def test_the_proxy_refuses_what_is_not_listed(swarm: Cluster, method: str, target: str) -> None:
    assert ask(swarm, method, target, {}) == _REFUSED


CONTAINERS = {
    "a folder of the node": {"Mounts": [{"Type": "bind", "Source": "/", "Target": "/host"}]},
    "a mount without a type": {"Mounts": [{"Source": "/", "Target": "/host"}]},
    "a mount in other letters": {"mounts": [{"tYpe": "BIND", "sOurce": "/", "Target": "/host"}]},
    "a volume that is a folder": {
        "Mounts": [
            {
                "Type": "volume",
                "Source": "v",
                "Target": "/host",
                "VolumeOptions": {"DriverConfig": {"Options": {"o": "bind", "device": "/"}}},
            }
        ]
    },
    "all rights": {"CapabilityAdd": ["CAP_SYS_ADMIN"]},
    "one right too many": {"CapabilityAdd": ["CAP_NET_ADMIN", "CAP_SYS_PTRACE"]},
    "no profile": {"Privileges": {"Seccomp": {"Mode": "unconfined"}}},
    "kernel settings": {"Sysctls": {"net.ipv4.ip_forward": "1"}},
}


@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS.keys())
@pytest.mark.parametrize("target", ["create", "x/update?version=1"])
def test_no_service_with_rights_over_its_node(
    swarm: Cluster, container: dict[str, object], target: str
) -> None:
    body = {"Name": "x", "TaskTemplate": {"ContainerSpec": {"Image": "x", **container}}}
    assert ask(swarm, "POST", f"/v1.41/services/{target}", body) == _REFUSED


@pytest.mark.parametrize(
    "template",
    [
        {"Runtime": "plugin", "PluginSpec": {"Remote": "x"}},
        {"ContainerSpec": {"Image": "x"}, "Networks": [{"Target": "host"}]},
    ],
)
def test_no_plugin_and_no_network_of_the_host(swarm: Cluster, template: object) -> None:
    body = {"Name": "x", "TaskTemplate": template}
    assert ask(swarm, "POST", "/v1.41/services/create", body) == _REFUSED


def test_keys_cannot_be_hidden(swarm: Cluster) -> None:
    body = '{"TaskTemplate": {"ContainerSpec": {"M\\u006funts": []}}}'
    assert ask(swarm, "POST", "/v1.41/services/create", body) == _REFUSED


def test_questions_are_answered(swarm: Cluster) -> None:
    for target in ("services", "tasks", "nodes", "secrets", "configs", "networks", "info"):
        assert ask(swarm, "GET", f"/v1.41/{target}") == 200
