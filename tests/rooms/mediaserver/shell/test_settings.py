"""What the properties file says, and how a mistake in it is told."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gateway.mediaserver.settings import Settings, load, parse
from gateway.model.errors import ErrorKind, GatewayError


def read(text: str, home: Path = Path("/nowhere"), **environment: str) -> Settings:
    return parse(text, home=home, environment=environment)


def test_nothing_said_means_wcs_defaults_on_the_loopback() -> None:
    settings = read("")
    assert settings == Settings()
    assert (settings.http_port, settings.ws_port, settings.media_port) == (8081, 8080, 31001)
    assert settings.control_address == "127.0.0.1"


def test_a_file_of_a_real_wcs_is_understood() -> None:
    settings = read(
        "# written for WCS\nip = 203.0.113.7\nip_local=0.0.0.0\nhold_ip_settings=true\n"
        "media_port_from=31001\nmedia_port_to=32000\nws.port=8080\nwss.port=8443\n"
        "cdn_enabled=false\n! another comment\n\nkeep_alive.server_interval=2500\n"
    )
    assert settings.announced_address == "203.0.113.7"
    assert settings.bind_address is None
    assert settings.ping_interval_s == 2.5


def test_tcp_is_closed_on_demand() -> None:
    assert read("embedded.tcp=").tcp
    assert not read("embedded.tcp=false").tcp


def test_secrets_come_from_files(tmp_path: Path) -> None:
    (tmp_path / "user").write_text("gateway:pass:word\n")
    (tmp_path / "token").write_text("t0ken\n")
    settings = read("embedded.rest_user_file=user\nembedded.token_file=token\n", tmp_path)
    assert settings.rest_user is not None
    assert settings.rest_user.name == "gateway"
    assert settings.rest_user.password.reveal() == "pass:word"
    assert settings.signalling_token is not None
    assert settings.signalling_token.reveal() == "t0ken"
    assert "t0ken" not in repr(settings)
    assert "pass:word" not in repr(settings)
    open_to_all = read("disable_rest_auth=true\nembedded.rest_user_file=user\n", tmp_path)
    assert open_to_all.rest_user is None


def test_the_container_variables_win() -> None:
    settings = read(
        "ip=1.1.1.1\n",
        LOCAL_IP="192.168.23.101",
        EXTERNAL_IP="203.0.113.7",
        PASSWORD="pw",
        LICENSE="unused",
    )
    assert settings.bind_address == "192.168.23.101"
    assert settings.announced_address == "203.0.113.7"
    assert settings.rest_user is not None
    assert settings.rest_user.name == "admin"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("http.port=70000", ":1: http.port: write a port"),
        ("\nip=door", ":2: ip: write an IP address"),
        ("embedded.max_viewer=5", "embedded.max_viewer: unknown; the names are"),
        ("embedded.max_viewers=0", "at least 1"),
        ("embedded.lease_s=inf", "seconds"),
        ("embedded.sound=perhaps", "true or false"),
        ("embedded.allowed_cameras=10.0.0.1/24", "hosts or networks"),
        ("just words", "key=value"),
        ("disable_rest_auth=false", "needs a user"),
        ("embedded.token_file=missing", "cannot be read"),
    ],
)
def test_a_mistake_names_file_line_key_and_remedy(text: str, said: str) -> None:
    with pytest.raises(GatewayError) as caught:
        read(text)
    assert caught.value.kind is ErrorKind.CONFIG_INVALID
    assert said in caught.value.message + caught.value.hint


def test_a_bad_variable_is_named() -> None:
    with pytest.raises(GatewayError, match="LOCAL_IP"):
        read("", LOCAL_IP="door")


def test_a_missing_file_means_defaults_and_a_binary_one_is_refused(tmp_path: Path) -> None:
    assert load(tmp_path, {}) == Settings()
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/flashphoner.properties").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(GatewayError, match="cannot be read"):
        load(tmp_path, {})


KEYS = st.sampled_from(
    [
        *("ip", "ip_local", "http.port", "ws.port", "media_port_from", "disable_rest_auth"),
        *("embedded.lease_s", "embedded.sound", "embedded.allowed_cameras", "embedded.x"),
        *("embedded.rest_user_file", "keep_alive.probes"),
    ]
)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(KEYS, st.text()) | st.text()))
def test_any_text_is_read_or_refused_in_words(
    tmp_path: Path, lines: list[tuple[str, str] | str]
) -> None:
    text = "\n".join(line if isinstance(line, str) else f"{line[0]}={line[1]}" for line in lines)
    with contextlib.suppress(GatewayError):
        assert read(text, tmp_path).http_port in range(65536)


def test_a_file_of_wcs_opens_no_output_and_makes_no_edge(tmp_path: Path) -> None:
    settings = parse("rtsp.port=5555\ncdn_port=8084\n", home=tmp_path, environment={})
    assert (settings.recorders, settings.edges, settings.edge) == (None, None, None)


def test_an_edge_without_an_origin_is_told_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(GatewayError, match="needs an origin") as caught:
        parse("cdn_enabled=true\n", home=tmp_path, environment={})
    assert "embedded.origin_file" in caught.value.hint


@pytest.mark.parametrize("content", ["no password", ":pw", "user:", "good:pw\nbad"])
def test_a_file_of_users_is_read_line_by_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "users").write_text(content)
    with pytest.raises(GatewayError, match="line without user and password") as caught:
        parse("embedded.rtsp_users_file=users\n", home=tmp_path, environment={})
    assert "pw" not in str(caught.value).replace("password", "")
