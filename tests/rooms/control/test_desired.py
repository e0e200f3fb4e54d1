"""What a site wants: servers, addresses with credentials, on-demand streams."""

from dataclasses import replace
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.control.desired import desired, streams_of, with_credential
from gateway.kit.secret import Secret
from gateway.model.company import MediaServers, Settings
from gateway.model.site import Credential, MediaServerSettings, Pull
from tests.rooms.control.world import camera, site

BOB = Credential("bob", Secret("p@ss/w:rd"), "env:X")


@given(st.text(min_size=1), st.text(min_size=1))
def test_any_user_and_password_arrive_as_they_are(user: str, password: str) -> None:
    try:
        (user + password).encode()
    except UnicodeEncodeError:
        return
    uri = with_credential(
        "rtsp://10.0.0.1:554/a?b=c#d", Credential(user, Secret(password), "env:X")
    ).reveal()
    parts = urlsplit(uri)
    assert (unquote(parts.username or ""), unquote(parts.password or "")) == (user, password)
    assert (parts.hostname, parts.port) == ("10.0.0.1", 554)
    assert uri.isascii()
    assert uri.endswith("/a?b=c#d")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("rtsp://host/x", "rtsp://bob:p%40ss%2Fw%3Ard@host/x"),
        ("rtsp://[fd00::1]:8554/x", "rtsp://bob:p%40ss%2Fw%3Ard@[fd00::1]:8554/x"),
        ("rtsp://old:one@host/x", "rtsp://bob:p%40ss%2Fw%3Ard@host/x"),
    ],
)
def test_credentials_stand_before_the_host(address: str, expected: str) -> None:
    assert with_credential(address, BOB).reveal() == expected


def test_an_open_camera_keeps_its_address() -> None:
    assert with_credential("rtsp://host/x", None).reveal() == "rtsp://host/x"


def test_both_streams_of_every_enabled_camera_are_wanted() -> None:
    one = site("s", camera("a", sub=True), replace(camera("off"), enabled=False), camera("b"))
    want = desired(one, Settings(), ())
    assert [capture.stream for capture in want.captures] == ["s-a", "s-a-sub", "s-b"]
    assert streams_of("s", one.cameras[0]) == ("s-a", "s-a-sub")


def test_on_demand_streams_are_wanted_one_by_one() -> None:
    one = site("s", camera("a", sub=True, pull=Pull.ON_DEMAND))
    assert desired(one, Settings(), ()).captures == ()
    want = desired(one, Settings(), {"s-a-sub", "t-a"})
    assert [capture.stream for capture in want.captures] == ["s-a-sub"]


def test_an_address_is_pulled_once() -> None:
    twin = replace(camera("b"), rtsp=camera("a").rtsp)
    want = desired(site("s", camera("a"), twin), Settings(), ())
    assert [capture.stream for capture in want.captures] == ["s-a"]
    assert want.shadowed == (("s-b", "s-a"),)


def test_a_site_that_is_switched_off_wants_nothing_but_its_place() -> None:
    want = desired(site("s", camera("a"), enabled=False), Settings(), ())
    assert (want.servers, want.captures, want.parked) == ((), (), True)


def test_a_sites_own_settings_come_before_the_companys() -> None:
    company = Settings(media_servers=MediaServers(max_viewers=300))
    one = site("s", sound=True)
    assert desired(one, company, ()).servers[0].max_viewers == 300
    own = replace(one, media_server=MediaServerSettings("10.0.0.9", "203.0.113.1", None, 7))
    spec = desired(own, company, ()).servers[0]
    assert (spec.address, spec.external_address, spec.max_viewers, spec.sound) == (
        "10.0.0.9",
        "203.0.113.1",
        7,
        True,
    )
