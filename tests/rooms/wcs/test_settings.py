"""The configuration files are read back by whoever they are for."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.kit.secret import Secret
from gateway.mediaserver.settings import parse
from gateway.model.errors import GatewayError
from gateway.model.server import Role, ServerSpec, edge_id
from gateway.model.site import RtspOutput
from gateway.wcs.settings import (
    PROPERTIES,
    embedded_container_files,
    embedded_files,
    wcs_files,
)

SPEC = ServerSpec(
    id="lenina-12",
    site="lenina-12",
    address="192.168.23.101",
    external_address="203.0.113.7",
    license=Secret("planted-licence"),
    max_viewers=50,
    sound=True,
)


def test_the_embedded_server_reads_what_is_written_for_it(tmp_path: Path) -> None:
    (tmp_path / "user").write_text("gateway:pw")
    (tmp_path / "token").write_text("t")
    files = embedded_files(
        SPEC, media_port=40001, fingerprint="f1", rest_user_file="user", token_file="token"
    )
    settings = parse(files[PROPERTIES], home=tmp_path, environment={})
    assert settings.bind_address == "192.168.23.101"
    assert settings.announced_address == "203.0.113.7"
    assert (settings.media_port, settings.http_port, settings.ws_port) == (40001, 0, 0)
    assert (settings.max_viewers, settings.sound, settings.fingerprint) == (50, True, "f1")
    assert settings.rest_user is not None
    assert settings.signalling_token == Secret("t")
    assert settings.lease_s == 900
    assert settings.control_address == "127.0.0.1"


def test_wcs_gets_its_addresses_and_ports() -> None:
    text = wcs_files(SPEC, media_ports=(31001, 31100))[PROPERTIES]
    assert "ip=203.0.113.7\n" in text
    assert "ip_local=192.168.23.101\n" in text
    assert "media_port_to=31100\n" in text
    assert "planted-licence" not in text


def test_nothing_can_smuggle_a_line_in() -> None:
    with pytest.raises(GatewayError, match="control character"):
        wcs_files(ServerSpec(id="a", site="a", address="1.1.1.1\nrest=open"))


ORIGIN = ServerSpec(id="lenina-12", site="lenina-12", feeds_edges=True)
EDGE = ServerSpec(id=edge_id("lenina-12", 1), site="lenina-12", role=Role.EDGE, origin="lenina-12")


def lines(files: Mapping[str, str]) -> dict[str, str]:
    rows = (line.partition("=") for line in files[PROPERTIES].splitlines())
    return {key: value for key, _, value in rows}


def test_a_wcs_alone_has_no_part_in_a_cdn() -> None:
    assert not [key for key in lines(wcs_files(SPEC, node="a", origin_node="")) if "cdn_e" in key]


def test_a_wcs_origin_and_its_edge_find_each_other() -> None:
    origin = lines(wcs_files(ORIGIN, node="origin-node", origin_node=""))
    edge = lines(wcs_files(EDGE, node="edge-node", origin_node="origin-node"))
    assert (origin["cdn_enabled"], origin["cdn_role"]) == ("true", "origin")
    assert (edge["cdn_enabled"], edge["cdn_role"]) == ("true", "edge")
    assert edge["cdn_point_of_entry"] == origin["cdn_ip"] == "origin-node"
    assert "cdn_point_of_entry" not in origin
    assert origin["cdn_nodes_resolve_ip"] == edge["cdn_nodes_resolve_ip"] == "true"
    assert origin["cdn_groups"] == edge["cdn_groups"] == "lenina-12"
    assert int(edge["cdn_nodes_timeout"]) > 0
    assert origin["cdn_port"] == "8084"


def test_an_embedded_origin_and_its_edge_find_each_other(tmp_path: Path) -> None:
    for name, text in (("edges", "edge:pw"), ("origin", "rtsp://edge:pw@127.0.0.1:1")):
        (tmp_path / name).write_text(text)
    own = {"fingerprint": "", "rest_user_file": "", "token_file": ""}
    more = {"edges_file": "edges", "origin_file": "origin"}
    found = [
        parse(
            embedded_files(one, media_port=1, cdn_port=port, **own, **more)[PROPERTIES].replace(
                "disable_rest_auth=false\n", ""
            ),
            home=tmp_path,
            environment={},
        )
        for one, port in ((ORIGIN, 31_002), (EDGE, None), (SPEC, None))
    ]
    origin, edge, alone = found
    assert origin.edges is not None
    assert (origin.edges.address, origin.edges.port) == ("127.0.0.1", 31_002)
    assert edge.edge is not None
    assert edge.edge.origin_file == tmp_path / "origin"
    assert (origin.edge, edge.edges, alone.edge, alone.edges, alone.recorders) == (None,) * 5


def test_recorders_are_offered_what_the_spec_says(tmp_path: Path) -> None:
    (tmp_path / "recorders").write_text("one:pw1\ntwo:pw:2\n")
    spec = replace(SPEC, address=None, rtsp_output=RtspOutput(8554, ()))
    files = embedded_container_files(
        spec,
        media_ports=(31001, 31001),
        offset=0,
        bind=None,
        announced=None,
        control="127.0.0.1",
        token_file="",
        recorders_file="recorders",
    )
    found = parse(files[PROPERTIES], home=tmp_path, environment={}).recorders
    assert found is not None
    assert (found.address, found.port) == (None, 8554)
    assert [(user.name, user.password.reveal()) for user in found.users] == [
        ("one", "pw1"),
        ("two", "pw:2"),
    ]
