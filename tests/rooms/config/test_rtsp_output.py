"""What a site's file may say of recorders."""

from pathlib import Path

from gateway.config.load import load

GOOD = "a long password"
SITE = """
name: Lenina 12
cameras: [{{id: door, name: Door, rtsp: "rtsp://10.0.0.1/1"}}]
media_server:
  rtsp_output: {output}
"""


def problems(tmp_path: Path, output: str, password: str = GOOD) -> list[str]:
    (tmp_path / "lenina-12.yaml").write_text(SITE.format(output=output), encoding="utf-8")
    return [str(one) for one in load(tmp_path, {"RECORDER": password}).problems]


USER = "{username: recorder, password: {env: RECORDER}}"


def test_recorders_get_a_port_and_users(tmp_path: Path) -> None:
    assert problems(tmp_path, f"{{port: 8554, users: [{USER}]}}") == []
    output = load(tmp_path, {"RECORDER": GOOD}).sites["lenina-12"].media_server.rtsp_output
    assert output is not None
    assert output.port == 8554
    assert [(one.username, one.password.reveal()) for one in output.users] == [("recorder", GOOD)]


def test_without_users_nothing_is_offered(tmp_path: Path) -> None:
    assert problems(tmp_path, "{port: 8554}")
    assert problems(tmp_path, "{port: 8554, users: []}")


def test_a_short_or_broken_password_is_refused(tmp_path: Path) -> None:
    for password in ("short", "long enough\nbut in lines"):
        (found,) = problems(tmp_path, f"{{port: 8554, users: [{USER}]}}", password)
        assert "printable characters" in found
        assert password not in found


def test_a_users_name_is_no_puzzle(tmp_path: Path) -> None:
    odd = '{username: "re:corder", password: {env: RECORDER}}'
    (found,) = problems(tmp_path, f"{{port: 8554, users: [{odd}]}}")
    assert "colon" in found
    (found,) = problems(tmp_path, f"{{port: 8554, users: [{USER}, {USER}]}}")
    assert "twice" in found


def test_a_port_that_is_needed_elsewhere_is_refused(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, f"{{port: 31005, users: [{USER}]}}")
    assert "media_ports 31001-32000" in found
    control = f"{{port: 8084, users: [{USER}]}}"
    assert problems(tmp_path, control) == []
    (tmp_path / "gateway.yaml").write_text(
        "media_servers: {runtime: docker, image: 'x:1', network: {driver: bridge}}",
        encoding="utf-8",
    )
    assert any("port of the media server's own" in one for one in problems(tmp_path, control))
