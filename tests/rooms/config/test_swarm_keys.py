"""What the files say for a Docker Swarm, and what it does in another way than one engine."""

from pathlib import Path

import pytest

from gateway.config.load import load
from gateway.control.desired import origin_spec

COMPANY = """\
media_servers:
  runtime: swarm
  image: wcs:1
  network: {driver: ipvlan, parent: e0, subnet: 192.168.23.0/24, ip_range: 192.168.23.96/27}
"""
SITE = "name: A\ncameras:\n  - {id: y, name: Y, onvif: 10.0.0.1}\n"


def problems(folder: Path, company: str = COMPANY, site: str = SITE) -> list[str]:
    (folder / "gateway.yaml").write_text(company)
    (folder / "a.yaml").write_text(site)
    return [str(one) for one in load(folder).problems]


def test_nodes_of_the_company_hold_for_sites_without_their_own(tmp_path: Path) -> None:
    company = f"{COMPANY}  nodes: {{lan: north, fast: yes, big: true}}\n"
    assert problems(tmp_path, company) == []
    fleet = load(tmp_path)
    servers = fleet.settings.media_servers
    labels = (("big", "true"), ("fast", "yes"), ("lan", "north"))
    assert origin_spec(fleet.sites["a"], servers).nodes == labels
    assert problems(tmp_path, company, f"{SITE}media_server: {{nodes: {{house: 12}}}}\n") == []
    assert origin_spec(load(tmp_path).sites["a"], servers).nodes == (("house", "12"),)


@pytest.mark.parametrize(
    ("company", "site", "said"),
    [
        ("", "media_server: {address: 192.168.23.101}\n", "gives no fixed addresses"),
        ("", "media_server: {external_address: 203.0.113.7}\n", "through a TURN server"),
        ("", "media_server: {engine: north}\n", "write nodes: with labels"),
        ("  limits: {cpuset: 0-1}\n", "", "write cpus"),
        ("  engines: [{name: n, url: 'unix:///run/n.sock'}]\n", "", "a manager of the Swarm"),
    ],
)
def test_what_a_swarm_does_not_do_is_a_warning(
    tmp_path: Path, company: str, site: str, said: str
) -> None:
    (found,) = problems(tmp_path, COMPANY + company, SITE + site)
    assert "warning: " in found
    assert said in found


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        ("north", "must name labels of nodes"),
        ("{'a b': c}", "must name labels by letters"),
        ("{a: 'b == c'}", "has no value for a"),
        ("{a: [b]}", "has no value for a"),
    ],
)
def test_no_label_can_change_the_rule(tmp_path: Path, nodes: str, said: str) -> None:
    assert said in problems(tmp_path, f"{COMPANY}  nodes: {nodes}\n")[0]


def test_other_runtimes_and_networks_say_so(tmp_path: Path) -> None:
    docker = COMPANY.replace("swarm", "docker")
    assert "runtime: swarm only" in problems(tmp_path, f"{docker}  nodes: {{a: b}}\n")[0]
    site = f"{SITE}media_server: {{nodes: {{a: b}}}}\n"
    assert "runtime: swarm only" in problems(tmp_path, docker, site)[0]
    bridge = COMPANY.replace("ipvlan, parent: e0", "bridge")
    assert any("write ipvlan or macvlan" in one for one in problems(tmp_path, bridge))
