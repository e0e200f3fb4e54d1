"""libsrtp: the private binding that the speed comes from, and the public way beside it."""

import os
import struct

import pylibsrtp
import pytest

from gateway.mediaserver.transport import in_place, srtp


def packet(number: int, size: int = 200) -> bytes:
    return struct.pack("!BBHII", 0x80, 96, number & 0xFFFF, 9, 77) + os.urandom(size)


def laid_out(protector: srtp.Protector, packets: list[bytes], tag: int) -> srtp.Batch:
    return protector.batch([item[:12] for item in packets], [item[12:] for item in packets], tag)


@pytest.fixture(params=[srtp.GCM, srtp.SHA1], ids=lambda profile: profile.name)
def profile(request: pytest.FixtureRequest) -> srtp.Profile:
    chosen: srtp.Profile = request.param
    return chosen


def test_this_machine_has_the_fast_way() -> None:
    """Fails loudly when a pylibsrtp release moves what the hot path stands on."""
    assert isinstance(in_place.protector(), in_place.InPlaceProtector)
    assert srtp.profiles() == (srtp.GCM, srtp.SHA1)


def test_without_the_binding_the_public_way_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_place.importlib, "import_module", lambda _: object())
    assert isinstance(in_place.protector(), srtp.SessionProtector)


def test_gcm_can_be_declined() -> None:
    assert srtp.profiles(gcm=False) == (srtp.SHA1,)


@pytest.mark.parametrize(
    "sizes", [(5, 1200, 1200, 1, 700), (1200,) * 9, (1200, 1200, 30), (30, 1200), (7,)]
)
@pytest.mark.parametrize("kind", [in_place.InPlaceProtector, srtp.SessionProtector])
def test_a_batch_is_what_one_by_one_is(
    profile: srtp.Profile, kind: type[srtp.Protector], sizes: tuple[int, ...]
) -> None:
    key = os.urandom(profile.key + profile.salt)
    protector, judge = kind(), srtp.SessionProtector()
    keys, judge_keys = protector.keys(profile, key, key), judge.keys(profile, key, key)
    packets = [packet(number, size) for number, size in enumerate(sizes)]
    batch = laid_out(protector, packets, profile.tag)
    assert protector.protect(keys, batch)
    expected = b"".join(judge.protect_one(judge_keys, item) or b"" for item in packets)
    assert bytes(protector.work[: batch.total]) == expected
    assert batch.octets == sum(map(len, packets)) - 12 * len(packets)
    assert list(batch.sizes) == [len(item) + profile.tag for item in packets]


@pytest.mark.parametrize("kind", [in_place.InPlaceProtector, srtp.SessionProtector])
def test_what_cannot_be_encrypted_is_not_sent(kind: type[srtp.Protector]) -> None:
    protector = kind()
    key = bytes(range(30))
    keys = protector.keys(srtp.SHA1, key, key)
    assert protector.protect(keys, laid_out(protector, [packet(3000)], 10))
    assert not protector.protect(keys, laid_out(protector, [packet(1)], 10))
    assert protector.protect_one(keys, b"\x80") is None
    assert protector.protect_rtcp(keys, bytes(5000)) is None


@pytest.mark.parametrize("kind", [in_place.InPlaceProtector, srtp.SessionProtector])
def test_the_same_packet_may_go_out_twice(
    profile: srtp.Profile, kind: type[srtp.Protector]
) -> None:
    key = os.urandom(profile.key + profile.salt)
    protector = kind()
    keys = protector.keys(profile, key, key)
    first = [packet(number) for number in range(1000)]
    sent = [protector.protect_one(keys, item) for item in first]
    assert [protector.protect_one(keys, item) for item in first] == sent


@pytest.mark.parametrize("kind", [in_place.InPlaceProtector, srtp.SessionProtector])
def test_rtcp_is_read_only_with_the_right_keys(
    profile: srtp.Profile, kind: type[srtp.Protector]
) -> None:
    length = profile.key + profile.salt
    ours, theirs = os.urandom(length), os.urandom(length)
    protector = kind()
    here = protector.keys(profile, ours, theirs)
    there = protector.keys(profile, theirs, ours)
    report = struct.pack("!BBHI", 0x80, 201, 1, 5)
    sealed = protector.protect_rtcp(there, report)
    assert sealed is not None
    assert protector.unprotect_rtcp(here, sealed) == report
    assert protector.unprotect_rtcp(here, sealed) is None, "replayed"
    assert protector.unprotect_rtcp(here, os.urandom(60)) is None
    assert protector.unprotect_rtcp(here, b"\x80\xc9") is None


@pytest.mark.parametrize("kind", [in_place.InPlaceProtector, srtp.SessionProtector])
def test_short_keys_are_refused(kind: type[srtp.Protector]) -> None:
    with pytest.raises((srtp.SrtpError, ValueError)):
        kind().keys(srtp.GCM, b"short", b"short")


ROW = 29_760


@pytest.mark.parametrize("sizes", [(1200,) * 9, (1200, 1200, 30), (7,)])
def test_rows_hold_what_each_viewer_gets_alone(
    profile: srtp.Profile, sizes: tuple[int, ...]
) -> None:
    keys = [os.urandom(profile.key + profile.salt) for _ in range(5)]
    protector, judge = in_place.InPlaceProtector(), srtp.SessionProtector()
    (rows,) = protector.rows([ROW], 5 * ROW)
    packets = [packet(number, size) for number, size in enumerate(sizes)]
    batch = laid_out(protector, packets, profile.tag)
    assert rows.count == 5
    assert rows.protect([protector.keys(profile, key, key) for key in keys], batch) == 5
    for row, key in enumerate(keys):
        judge_keys = judge.keys(profile, key, key)
        start = row * rows.stride + srtp.ROW_LEAD
        alone = b"".join(judge.protect_one(judge_keys, item) or b"" for item in packets)
        assert bytes(rows.memory[start : start + batch.total]) == alone


def test_rows_end_before_a_viewer_that_cannot_be_served() -> None:
    protector, key = in_place.InPlaceProtector(), bytes(range(30))
    (rows,) = protector.rows([ROW], 3 * ROW)
    keys = [protector.keys(srtp.SHA1, key, key) for _ in range(3)]
    assert protector.protect(keys[1], laid_out(protector, [packet(3000)], 10))
    assert rows.protect(keys, laid_out(protector, [packet(1)], 10)) == 1
    assert rows.protect(keys[2:], laid_out(protector, [packet(1)], 10)) == 1


def test_libsrtp_is_of_the_pinned_kind() -> None:
    assert pylibsrtp.__version__.split(".")[0] == "1"
