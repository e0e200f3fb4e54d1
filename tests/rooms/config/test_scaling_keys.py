"""The keys of growth: limits, licences of edges, the machine's cap; and mistakes in them."""

from pathlib import Path

import pytest

from gateway.config.load import load
from gateway.kit.secret import Secret
from gateway.model.company import Fleet, Machine

ENV = {"ONE": "key-one", "TWO": "key-two", "SAME": "key-one"}
HEAD = "name: A\ncameras:\n  - {id: yard, name: Yard, onvif: 10.0.0.1}\n"
OTHER = "name: B\ncameras:\n  - {id: yard, name: Yard, onvif: 10.0.0.2}\n"


def loaded(folder: Path, company: str = "", **sites: str) -> Fleet:
    if company:
        (folder / "gateway.yaml").write_text(company)
    for name, text in sites.items():
        (folder / f"{name}.yaml").write_text(text)
    return load(folder, ENV)


def said(fleet: Fleet) -> list[str]:
    return [str(problem) for problem in fleet.problems]


def test_a_site_takes_the_companys_limits_and_its_own_instead(tmp_path: Path) -> None:
    company = (
        "scaling: {max_servers: 5, shrink_after: 1h, licenses: [{env: ONE}]}\n"
        "machine: {cpu: 60%, memory: 90 %}\n"
    )
    own = "scaling: {min_servers: 2, max_servers: 3, licenses: [{env: TWO}]}\n"
    fleet = loaded(tmp_path, company, a=HEAD, b=OTHER + own)
    assert said(fleet) == []
    assert fleet.settings.machine == Machine(0.6, 0.9)
    a, b = fleet.sites["a"].scaling, fleet.sites["b"].scaling
    assert (a.min_servers, a.max_servers, a.shrink_after_s) == (1, 5, 3600)
    assert (a.licenses, a.own_licenses) == ((Secret("key-one"),), False)
    assert (b.min_servers, b.max_servers, b.shrink_after_s) == (2, 3, 3600)
    assert (b.licenses, b.own_licenses) == ((Secret("key-two"),), True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "scaling: {min_servers: 3, max_servers: 2}\n",
            "4: scaling.max_servers: is below scaling.min_servers (3); write 3 or more",
        ),
        (
            "scaling: {max_servers: 3, licenses: [{env: ONE}, {env: SAME}]}\n",
            (
                "4: scaling.licenses[1]: is the same licence key as one above; every media server "
                "needs its own"
            ),
        ),
        (
            (
                "scaling: {max_servers: 2, licenses: [{env: ONE}]}\n"
                "media_server: {license: {env: SAME}}\n"
            ),
            (
                "5: media_server.license: is also one of scaling.licenses, which are for further "
                "media servers; write it in one place"
            ),
        ),
        (
            "scaling: {max_servers: 2}\nmedia_server: {license: {env: ONE}}\n",
            (
                "4: scaling.max_servers: warning: has no licence for a second media server, so the "
                "site never grows; write scaling.licenses: [{env: NAME}]"
            ),
        ),
        (
            "scaling: {shrink_after: 10}\n",
            (
                "4: scaling.shrink_after: must be a time with its unit (s, m, h, d); write for "
                "example 10m"
            ),
        ),
        (
            "scaling: {licenses: [{env: NOWHERE}]}\n",
            (
                "4: scaling.licenses[0]: the environment variable NOWHERE is not set; set it for "
                "the gateway and start it again"
            ),
        ),
    ],
)
def test_mistakes_of_a_site(tmp_path: Path, text: str, expected: str) -> None:
    assert said(loaded(tmp_path, a=HEAD + text)) == [f"a.yaml:{expected}"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "scaling: {min_servers: 2}\n",
            "1: scaling.max_servers: is below min_servers; write 2 or more",
        ),
        (
            "scaling: {licenses: [{env: ONE}, {env: SAME}]}\n",
            (
                "1: scaling.licenses[1]: is the same licence key as one above; every media server "
                "needs its own"
            ),
        ),
        (
            "machine: {cpu: 0.8}\n",
            "1: machine.cpu: must be a share from 1% to 100%; write for example 80%",
        ),
        (
            "machine: {memory: 120%}\n",
            "1: machine.memory: must be a share from 1% to 100%; write for example 80%",
        ),
    ],
)
def test_mistakes_of_the_company(tmp_path: Path, text: str, expected: str) -> None:
    assert said(loaded(tmp_path, text)) == [f"gateway.yaml:{expected}"]


def test_two_sites_may_not_own_the_same_key_of_an_edge(tmp_path: Path) -> None:
    own = "scaling: {max_servers: 2, licenses: [{env: ONE}]}\n"
    fleet = loaded(tmp_path, a=HEAD + own, b=OTHER + own)
    assert len(fleet.errors) == 1
    assert "is the same licence key as that of a.yaml" in said(fleet)[0]
    assert set(fleet.sites) == {"a"}


def test_edges_on_a_lan_are_not_behind_the_origins_outer_address(tmp_path: Path) -> None:
    company = (
        "media_servers:\n  runtime: docker\n  image: flashphoner/webcallserver:5.2.2124\n"
        "  network: {parent: eth0, subnet: 192.168.23.0/24, ip_range: 192.168.23.96/27}\n"
    )
    site = (
        "media_server: {address: 192.168.23.101, external_address: 203.0.113.7}\n"
        "scaling: {max_servers: 2}\n"
    )
    fleet = loaded(tmp_path, company, a=HEAD + site)
    assert any("is the address of the first media server only" in words for words in said(fleet))
