"""A Swarm's services, names, ranges and tasks: what is asked for, and what is read from answers."""

import ipaddress
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.kit.secret import Secret
from gateway.model.company import Limits, MediaServers, Network, NetworkDriver, RuntimeKind
from gateway.model.errors import GatewayError
from gateway.model.server import Role, ServerSpec, ServerState
from gateway.model.site import MediaServerSettings, Site
from gateway.model.text import LocalText
from gateway.runtime import doctor_swarm
from gateway.runtime.docker import names as labels_of
from gateway.runtime.docker.images import Image, Kind
from gateway.runtime.doctor_swarm import Node
from gateway.runtime.swarm import names, networks, ranges, service, start
from gateway.runtime.swarm.networks import Legs, Overlay
from gateway.runtime.swarm.objects import Held, Wish
from gateway.runtime.swarm.service import Wanted
from gateway.runtime.swarm.tasks import seen

LAN = Network(
    driver=NetworkDriver.IPVLAN,
    parent="eth0",
    subnet="192.168.23.0/24",
    gateway="192.168.23.1",
    ip_range="192.168.23.96/27",
)
_DNS = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?")
_OBJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
ids = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?(\.edge[1-9][0-9]?)?", fullmatch=True)


@given(ids, ids)
def test_names_fit_and_differ(one: str, other: str) -> None:
    for name in (names.service(one), names.service(other)):
        assert len(name) <= 63
        assert _DNS.fullmatch(name)
    assert (names.service(one) == names.service(other)) == (one == other)


@given(ids, st.text(), st.text())
def test_another_content_has_another_name(server: str, one: str, other: str) -> None:
    first, second = (names.versioned(server, "password", "salt", text) for text in (one, other))
    assert _OBJECT.fullmatch(first)
    assert (first == second) == (one == other)
    assert names.versioned(server, "password", "other salt", one) != first


def wanted(kind: Kind = Kind.EMBEDDED, **more: Any) -> Wanted:
    user = (10001, 10001) if kind is Kind.EMBEDDED else (0, 0)
    return Wanted(
        spec=ServerSpec(id="lenina-12", site="lenina-12", image="server:1", **more),
        image=Image("server:1", "sha256:1", kind, user),
        arguments=["serve", "--home"],
        fingerprint="f00d",
        legs=Legs("media-id", Overlay("control-id", "10.0.1.0/24"), Overlay("cdn", "10.0.2.0/24")),
        subnet="192.168.23.0/24",
        media=(31001, 31001),
        held=[
            Held(Wish("password", "/run/secrets/PASSWORD", "x", secret=True), "s1", "name-1"),
            Held(Wish("start", start.SCRIPT, "y", mode=0o555), "c1", "name-2"),
        ],
    )


def test_a_service_has_limits_placement_and_no_secret() -> None:
    one = wanted(
        limits=Limits(cpus=1.5, memory=1 << 30),
        nodes=(("lan", "north"), ("fast", "yes")),
        license=Secret("a licence"),
        external_address="203.0.113.7",
    )
    template = service.task_template(one)
    container = template["ContainerSpec"]
    limits = template["Resources"]["Limits"]
    assert limits == {"NanoCPUs": 1_500_000_000, "MemoryBytes": 1 << 30, "Pids": 256}
    assert template["Placement"]["Constraints"] == [
        "node.labels.lan == north",
        "node.labels.fast == yes",
    ]
    assert [one["Target"] for one in template["Networks"]] == ["media-id", "control-id", "cdn"]
    assert container["Command"] == ["sh", start.SCRIPT]
    assert container["Args"] == ["serve", "--home"]
    assert container["Secrets"][0]["SecretID"] == "s1"
    assert container["Configs"][0]["File"]["Mode"] == 0o555
    assert "EXTERNAL_IP=203.0.113.7" in container["Env"]
    assert container["ReadOnly"]
    assert container["CapabilityDrop"] == ["ALL"]
    assert "a licence" not in json.dumps(template)
    assert labels_of.SERVER not in container["Labels"], "the runtime on one engine looks for it"
    assert service.UPDATE["Order"] == "stop-first"


def test_a_wcs_keeps_a_volume_and_its_own_rights() -> None:
    container = service.task_template(wanted(Kind.WCS))["ContainerSpec"]
    assert container["Mounts"][0]["Source"] == labels_of.volume("lenina-12")
    assert "CapabilityDrop" not in container
    assert "RUN_AS=" in container["Env"]


def test_an_origin_of_edges_lets_them_in() -> None:
    alone = service.task_template(wanted())["ContainerSpec"]["Env"]
    feeds = service.task_template(wanted(feeds_edges=True))["ContainerSpec"]["Env"]
    assert "CDN_PORT=" in alone
    assert "CDN_PORT=8084" in feeds
    edge = service.labels(wanted(role=Role.EDGE, origin="lenina-12"))
    assert edge[labels_of.ROLE] == "edge"


def test_routes_are_written_as_the_kernel_does() -> None:
    assert start.route("10.0.1.0/24") == "0001000A"
    assert start.route("192.168.23.0/24") == "0017A8C0"


def task(n: int, *, state: str = "running", meant: str = "running", **more: Any) -> dict[str, Any]:
    mark = more.pop("mark", "f00d")
    network = {
        "Network": {"Spec": {"Name": names.CONTROL_NETWORK}},
        "Addresses": [f"10.0.1.{n}/24"],
    }
    return {
        "ID": f"t{n}",
        "CreatedAt": f"2026-01-01T00:00:{n:02}Z",
        "DesiredState": meant,
        "NodeID": more.pop("node", "n1"),
        "Spec": {"ContainerSpec": {"Labels": {labels_of.FINGERPRINT: mark}}},
        "Status": {"State": state, "Timestamp": f"2026-01-01T00:01:{n:02}.123456789Z", **more},
        "NetworksAttachments": [network],
    }


SERVICE = {
    "ID": "s1",
    "Version": {"Index": 7},
    "UpdatedAt": "2026-01-01T00:00:00Z",
    "Spec": {
        "Labels": {
            labels_of.SERVER: "lenina-12",
            labels_of.SITE: "lenina-12",
            labels_of.FINGERPRINT: "f00d",
        },
        "Mode": {"Replicated": {"Replicas": 1}},
    },
}
NODES = {"n1": "north", "n2": "south"}


@pytest.mark.parametrize(
    ("tasks", "state", "address", "detail"),
    [
        ([], "starting", None, ""),
        ([task(2)], "running", "10.0.1.2", ""),
        ([task(2, state="preparing")], "starting", None, ""),
        # The node of the older one has gone: nobody can tell it to end.
        ([task(2, meant="shutdown"), task(3, node="n2")], "running", "10.0.1.3", ""),
        ([task(2, meant="shutdown"), task(3, state="preparing")], "starting", None, ""),
        # A change of the service: the task of its former form still runs.
        ([task(2, mark="old")], "starting", None, ""),
        (
            [task(2, state="pending", Err="no suitable node")],
            "starting",
            None,
            "no suitable node",
        ),
        (
            [
                task(
                    2,
                    state="failed",
                    meant="shutdown",
                    Err="task: non-zero exit (72)",
                    ContainerStatus={"ExitCode": start.NO_ADDRESS},
                ),
                task(3, state="ready", meant="ready"),
            ],
            "starting",
            None,
            f"{start.ENDS[start.NO_ADDRESS]} (on north)",
        ),
    ],
)
def test_the_newest_task_that_is_meant_to_run_is_the_server(
    tasks: list[dict[str, Any]], state: str, address: str | None, detail: str
) -> None:
    for order in (tasks, tasks[::-1]):
        found = seen(SERVICE, order, NODES)
        assert (found.state, found.address, found.detail) == (ServerState(state), address, detail)


def test_a_service_without_tasks_to_run_is_stopped() -> None:
    spec = {**SERVICE["Spec"], "Mode": {"Replicated": {"Replicas": 0}}}  # type: ignore[dict-item]  # a test's own dict
    found = seen({**SERVICE, "Spec": spec}, [task(2, meant="shutdown")], NODES)
    assert found.state is ServerState.STOPPED


def test_networks_that_differ_are_named() -> None:
    media, control, _ = networks.wanted(LAN)
    there = {"Scope": "swarm", "Driver": "", "ConfigFrom": {"Network": names.CONFIG_NETWORK}}
    assert not networks.differences(media, there), "no task has used it yet"
    assert networks.differences(media, {**there, "Driver": "macvlan"}) == [
        "driver is macvlan, not ipvlan"
    ]
    wrong = networks.differences(control, {"Scope": "swarm", "Driver": "overlay"})
    assert wrong == ["internal is False, not True", "attachable is False, not True"]
    with pytest.raises(GatewayError, match="driver bridge"):
        networks.check(Network(driver=NetworkDriver.BRIDGE))


@given(st.integers(1, 20), st.integers(0, 3))
def test_ranges_of_nodes_never_overlap(waiting: int, labelled: int) -> None:
    taken = {f"old-{n}": f"192.168.23.{96 + 4 * n}/30" for n in range(labelled)}
    found = ranges.propose(LAN, taken, [f"new-{n}" for n in range(waiting)])
    assert not ranges.overlapping({**taken, **found})
    whole = ipaddress.IPv4Network("192.168.23.96/27")
    assert all(ipaddress.IPv4Network(one).subnet_of(whole) for one in found.values())
    if labelled == 0 and waiting <= 8:
        assert len(found) == waiting


def test_commands_are_complete() -> None:
    label, make = ranges.commands(LAN, "north", "192.168.23.96/28")
    assert label == "docker node update --label-add camera-gateway.ip-range=192.168.23.96/28 north"
    assert make == (
        "docker network create --config-only --subnet 192.168.23.0/24 --gateway 192.168.23.1 "
        "--ip-range 192.168.23.96/28 -o parent=eth0 camera-gateway-media-node"
    )


def node(name: str, *, usable: bool = True, **labels: str) -> Node:
    return Node(name, "192.0.2.1", usable, manager=False, labels=labels)


def site(name: str, **labels: str) -> Site:
    settings = MediaServerSettings(nodes=tuple(sorted(labels.items())) or None)
    return Site(id=name, name=LocalText.of(name), cameras=(), media_server=settings)


def test_doctor_says_where_sites_may_run() -> None:
    servers = MediaServers(runtime=RuntimeKind.SWARM)
    nodes = [node("a", lan="n"), node("b", lan="n"), node("c", lan="s", usable=False)]
    sites = [site("one", lan="n"), site("two", lan="s"), site("three")]
    said = {str(one.health): one.message for one in doctor_swarm.placement(nodes, servers, sites)}
    assert "two" in said["fail"]
    assert "a, b" in said["ok"]
    only = doctor_swarm.placement([node("a")], servers, [site("three")])
    assert "only a" in only[0].message


def test_doctor_gives_the_missing_commands() -> None:
    ranged = {names.RANGE_LABEL: "192.168.23.96/28"}
    nodes = [Node("a", "192.0.2.1", usable=True, manager=True, labels=ranged), node("b")]
    (found,) = doctor_swarm.addresses(nodes, LAN, [])
    assert "192.168.23.112/28 b" in found.fix
    twice = Node("b", "192.0.2.2", usable=True, manager=False, labels=ranged)
    (found,) = doctor_swarm.addresses([nodes[0], twice], LAN, [])
    assert found.health == "fail"
