"""What browsers are told."""

import pytest

from gateway.mediaserver.fanout.addresses import to_announce


def test_the_external_address_comes_first_and_none_comes_twice() -> None:
    assert to_announce(("203.0.113.7", "127.0.0.1"), ("127.0.0.1", "::1")) == (
        "203.0.113.7",
        "127.0.0.1",
        "::1",
    )


def test_a_wildcard_stands_for_an_address_of_the_machine() -> None:
    (address,) = to_announce((), ("0.0.0.0",))
    assert address != "0.0.0.0"


def test_what_is_no_address_is_an_error() -> None:
    with pytest.raises(ValueError, match="does not appear"):
        to_announce(("example.org",), ())
