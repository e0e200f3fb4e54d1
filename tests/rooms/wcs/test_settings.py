"""The configuration files are read back by whoever they are for."""

from pathlib import Path

import pytest

from gateway.kit.secret import Secret
from gateway.mediaserver.settings import parse
from gateway.model.errors import GatewayError
from gateway.model.server import ServerSpec
from gateway.wcs.settings import PROPERTIES, embedded_files, wcs_files

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
