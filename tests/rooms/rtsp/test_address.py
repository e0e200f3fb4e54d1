"""RTSP addresses as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.kit.secret import Secret
from gateway.model.errors import ErrorKind, GatewayError
from gateway.rtsp.address import RtspAddress, join, parse


@pytest.mark.parametrize(
    ("text", "url", "login"),
    [
        ("rtsp://10.0.0.1", "rtsp://10.0.0.1/", (None, None)),
        ("RTSP://Cam.Local:554/Live", "rtsp://cam.local/Live", (None, None)),
        (" rtsp://10.0.0.1:8554/a?b=1&c=2 ", "rtsp://10.0.0.1:8554/a?b=1&c=2", (None, None)),
        ("rtsp://10.0.0.1?channel=1", "rtsp://10.0.0.1/?channel=1", (None, None)),
        ("rtsp://[fe80::1]:8554/x", "rtsp://[fe80::1]:8554/x", (None, None)),
        ("rtsp://u:p@10.0.0.1/x", "rtsp://10.0.0.1/x", ("u", "p")),
        ("rtsp://u:p@ss:w@10.0.0.1/x", "rtsp://10.0.0.1/x", ("u", "p@ss:w")),
        ("rtsp://u:p%40%2F%3F%23%3A@10.0.0.1/x", "rtsp://10.0.0.1/x", ("u", "p@/?#:")),
        ("rtsp://u@10.0.0.1/x", "rtsp://10.0.0.1/x", ("u", None)),
        ("rtsp://u:@10.0.0.1/x", "rtsp://10.0.0.1/x", ("u", "")),
        ("rtsp://@10.0.0.1/x", "rtsp://10.0.0.1/x", (None, None)),
        ("rtsp://10.0.0.1/user@home/x%20y#part", "rtsp://10.0.0.1/user@home/x%20y", (None, None)),
    ],
)
def test_addresses_that_are_taken(
    text: str, url: str, login: tuple[str | None, str | None]
) -> None:
    address = parse(text)
    password = address.password.reveal() if address.password is not None else None
    assert (address.url, address.username, password) == (url, *login)


@pytest.mark.parametrize(
    "text",
    [
        "", "10.0.0.1", "http://10.0.0.1/", "rtsp://", "rtsp:///x", "rtsp://10.0.0.1:0/",
        "rtsp://10.0.0.1:99999/", "rtsp://10.0.0.1:port/", "rtsp://a b/", "rtsp://a\r\nb/",
        "rtsp://[::1/", "rtsp://::1/", "rtsp://[10.0.0.1]/", "rtsp://10.0.0.1/" + 3000 * "x",
        "rtsp://u:secret/pass@10.0.0.1/x", "rtsp://-bad-/", "rtsp://ho$t/",
    ],
)  # fmt: skip
def test_addresses_that_are_refused_without_repeating_them(text: str) -> None:
    with pytest.raises(GatewayError) as caught:
        parse(text)
    assert caught.value.kind is ErrorKind.BAD_REQUEST
    assert "secret" not in str(caught.value)


def test_what_is_shown_holds_no_secret() -> None:
    address = parse("rtsp://admin:planted@10.0.0.1/user=admin&password=planted&channel=1")
    for shown in (str(address), address.display, repr(address.password), f"{address}"):
        assert "planted" not in shown
    assert address.display == "rtsp://***@10.0.0.1/user=admin&password=***&channel=1"


@given(st.text(min_size=1, max_size=40), st.text(max_size=40))
def test_any_login_survives_the_way_through_a_url(username: str, password: str) -> None:
    address = RtspAddress("10.0.0.1").with_login(username, Secret(password))
    try:
        canonical = address.secret_url
    except UnicodeEncodeError:
        return
    assert parse(canonical) == address


@given(st.text(max_size=80))
def test_whatever_is_written_is_taken_or_refused(text: str) -> None:
    for candidate in (text, "rtsp://" + text):
        try:
            address = parse(candidate)
        except GatewayError:
            continue
        assert parse(address.secret_url) == address


@given(st.text(max_size=80))
def test_joining_never_fails(text: str) -> None:
    joined = join("rtsp://10.0.0.1/live", text)
    assert joined.lower().startswith("rtsp://")
    assert "\r" not in joined
    assert "\n" not in joined
