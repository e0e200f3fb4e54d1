"""STUN checks: what is answered, what is passed over."""

import struct
import zlib

import aioice.stun
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mediaserver.transport import stun
from gateway.mediaserver.transport.ice import IceLite
from tests.rooms.mediaserver.fanout.lean import binding_request

WIFI = ("192.0.2.10", 4000)
MOBILE = ("198.51.100.9", 5000)


def check(ice: IceLite, *, use_candidate: bool = False, extra: bytes = b"") -> stun.Request:
    return stun.parse_request(
        binding_request(
            f"{ice.ufrag}:lean", ice.password.decode(), use_candidate=use_candidate, extra=extra
        )
    )


def understood(message: bytes, password: bytes) -> aioice.stun.Message:
    """Read an answer with another implementation, which checks the signature too."""
    parsed = aioice.stun.parse_message(message)
    assert parsed.check_message_integrity(password)
    assert "FINGERPRINT" in parsed.attributes
    return parsed


@pytest.mark.parametrize("address", [WIFI, ("2001:db8::1", 1)])
def test_a_check_is_answered_with_the_address_seen(address: tuple[str, int]) -> None:
    ice = IceLite(0)
    answer = ice.answer(check(ice), address, 1)
    assert answer is not None
    message = understood(answer, ice.password)
    assert message.message_class is aioice.stun.Class.RESPONSE
    assert message.attributes["XOR-MAPPED-ADDRESS"] == address
    assert ice.chosen == address
    assert ice.checked == 1


def test_a_check_with_another_password_proves_nothing() -> None:
    ice, other = IceLite(0), IceLite(0)
    assert ice.answer(check(other), WIFI, 1) is None
    assert ice.chosen is None
    assert ice.checked == 0


def test_a_controlled_peer_is_told_of_the_conflict() -> None:
    ice = IceLite(0)
    answer = ice.answer(check(ice, extra=struct.pack("!HHQ", 0x8029, 8, 1)), WIFI, 1)
    assert answer is not None
    assert understood(answer, ice.password).attributes["ERROR-CODE"] == (487, "Role Conflict")
    assert ice.chosen is None


def test_an_unknown_required_attribute_is_named() -> None:
    ice = IceLite(0)
    answer = ice.answer(check(ice, extra=struct.pack("!HH4x", 0x7777, 4)), WIFI, 1)
    assert answer is not None
    assert understood(answer, ice.password).attributes["ERROR-CODE"][0] == 420
    assert ice.chosen is None


def test_the_browser_nominates() -> None:
    ice = IceLite(0)
    ice.answer(check(ice), WIFI, 1)
    ice.answer(check(ice), MOBILE, 1)
    assert ice.chosen == WIFI
    ice.answer(check(ice, use_candidate=True), MOBILE, 1)
    assert ice.chosen == MOBILE
    assert ice.addresses == (WIFI, MOBILE)


def test_a_silent_address_gives_way_to_one_that_speaks() -> None:
    ice = IceLite(0)
    ice.answer(check(ice), WIFI, 1)
    ice.answer(check(ice), MOBILE, 7)
    assert ice.chosen == WIFI
    ice.answer(check(ice), MOBILE, 9)
    assert ice.chosen == MOBILE


def test_few_addresses_are_remembered() -> None:
    ice = IceLite(0)
    for port in range(1, 100):
        ice.answer(check(ice), ("192.0.2.1", port), 1)
    assert len(ice.addresses) == 16
    assert ice.chosen in ice.addresses


def test_an_address_whose_connection_is_closed_is_forgotten() -> None:
    ice = IceLite(0)
    ice.answer(check(ice), WIFI, 1)
    ice.answer(check(ice), MOBILE, 1)
    ice.forget(WIFI)
    assert ice.addresses == (MOBILE,)
    assert ice.chosen is None
    ice.answer(check(ice), MOBILE, 2)
    assert ice.chosen == MOBILE


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    with pytest.raises(stun.StunError):
        stun.parse_request(data)
    with pytest.raises(stun.StunError):
        stun.parse_request(b"\x00\x01" + len(data).to_bytes(2, "big") + data)


@given(st.data())
def test_a_damaged_check_is_refused(data: st.DataObject) -> None:
    ice = IceLite(0)
    message = bytearray(binding_request(f"{ice.ufrag}:lean", ice.password.decode()))
    place = data.draw(st.integers(0, len(message) - 9))
    message[place] ^= data.draw(st.integers(1, 255))
    message[-4:] = struct.pack("!I", zlib.crc32(message[:-8]) ^ 0x5354554E)
    try:
        request = stun.parse_request(bytes(message))
    except stun.StunError:
        return
    assert ice.answer(request, WIFI, 1) is None
