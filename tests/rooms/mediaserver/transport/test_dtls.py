"""DTLS against another implementation's client, and against nonsense."""

import contextlib
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL

from gateway.mediaserver.transport.certificate import make_certificate
from gateway.mediaserver.transport.dtls import (
    MAX_DATAGRAMS,
    MTU,
    DtlsError,
    DtlsServer,
    FingerprintError,
    Handshake,
)
from gateway.mediaserver.transport.srtp import GCM, SHA1

OURS = make_certificate()
THEIRS = make_certificate()
SERVER = DtlsServer(OURS, (GCM, SHA1))


def client(profiles: bytes, *, certificate: bool = True) -> SSL.Connection:
    context = SSL.Context(SSL.DTLS_CLIENT_METHOD)
    context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    if certificate:
        context.use_certificate(THEIRS.x509)
        context.use_privatekey(THEIRS.key)
    context.set_tlsext_use_srtp(profiles)
    connection = SSL.Connection(context, None)
    connection.set_connect_state()
    return connection


def flight(connection: SSL.Connection) -> bytes:
    """Let the client work and return what it wants to send."""
    with contextlib.suppress(SSL.WantReadError):
        connection.do_handshake()
    try:
        return connection.bio_read(65_536)
    except SSL.WantReadError:
        return b""


def shake(connection: SSL.Connection, handshake: Handshake) -> None:
    for _ in range(4):
        for datagram in handshake.receive(flight(connection)):
            assert len(datagram) <= MTU
            connection.bio_write(datagram)
        if handshake.keys is not None:
            flight(connection)
            return


@pytest.mark.parametrize(
    ("offered", "expected"),
    [
        (b"SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM", GCM),
        (b"SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80", SHA1),
    ],
)
def test_keys_are_agreed_and_the_server_chooses(offered: bytes, expected: object) -> None:
    handshake = SERVER.handshake({"sha-1": "00", "sha-256": THEIRS.fingerprint})
    browser = client(offered)
    shake(browser, handshake)
    keys = handshake.keys
    assert keys is not None
    assert keys.profile is expected
    key, salt = keys.profile.key, keys.profile.salt
    material = browser.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (key + salt))
    assert keys.inbound == material[:key] + material[2 * key : 2 * key + salt]
    assert keys.outbound == material[key : 2 * key] + material[2 * key + salt :]
    shown = browser.get_peer_certificate(as_cryptography=True)
    assert shown == OURS.x509


def test_a_goodbye_is_said() -> None:
    handshake = SERVER.handshake({"sha-256": THEIRS.fingerprint.lower()})
    assert handshake.goodbye() == []
    browser = client(b"SRTP_AEAD_AES_128_GCM")
    shake(browser, handshake)
    for datagram in handshake.goodbye():
        browser.bio_write(datagram)
    with pytest.raises(SSL.ZeroReturnError):
        browser.recv(100)


def test_a_last_flight_that_was_lost_is_sent_again() -> None:
    handshake = SERVER.handshake({"sha-256": THEIRS.fingerprint})
    browser = client(b"SRTP_AEAD_AES_128_GCM")
    lost: list[bytes] = []
    while handshake.keys is None:
        said = flight(browser)
        lost = handshake.receive(said)
        if handshake.keys is None:
            for datagram in lost:
                browser.bio_write(datagram)
    assert handshake.receive(b"") == handshake.receive(b"\x17other") == []
    assert handshake.retransmit() == []
    with pytest.raises(SSL.WantReadError):
        browser.do_handshake()
    for datagram in handshake.receive(said):
        browser.bio_write(datagram)
    browser.do_handshake()
    assert browser.get_finished()


def test_openssl_is_let_go_with_the_last_word() -> None:
    handshake = SERVER.handshake({"sha-256": THEIRS.fingerprint})
    connection = weakref.ref(handshake._connection)
    shake(client(b"SRTP_AEAD_AES_128_GCM"), handshake)
    assert handshake.keys is not None
    assert connection() is None


def test_another_certificate_is_refused() -> None:
    with pytest.raises(FingerprintError):
        shake(client(b"SRTP_AEAD_AES_128_GCM"), SERVER.handshake({"sha-256": OURS.fingerprint}))


def test_a_hash_that_is_too_weak_proves_nothing() -> None:
    with pytest.raises(FingerprintError):
        shake(client(b"SRTP_AEAD_AES_128_GCM"), SERVER.handshake({"sha-1": THEIRS.fingerprint}))


def test_no_certificate_and_no_profile_are_refused() -> None:
    with pytest.raises(DtlsError, match="certificate"):
        shake(
            client(b"SRTP_AEAD_AES_128_GCM", certificate=False),
            SERVER.handshake({"sha-256": THEIRS.fingerprint}),
        )
    with pytest.raises(DtlsError, match="profile"):
        shake(client(b"SRTP_AEAD_AES_256_GCM"), SERVER.handshake({"sha-256": THEIRS.fingerprint}))


def test_a_handshake_that_never_ends_is_cut() -> None:
    handshake = SERVER.handshake({"sha-256": THEIRS.fingerprint})
    for _ in range(MAX_DATAGRAMS):
        assert handshake.receive(b"\x16nothing") == []
    assert handshake.retransmit() == []
    with pytest.raises(DtlsError, match="never ends"):
        handshake.receive(b"\x16nothing")


@given(st.lists(st.binary(max_size=300), max_size=8), st.booleans())
def test_any_bytes(datagrams: list[bytes], begun: bool) -> None:  # noqa: FBT001  # hypothesis
    handshake = SERVER.handshake({"sha-256": THEIRS.fingerprint})
    if begun:
        handshake.receive(flight(client(b"SRTP_AEAD_AES_128_GCM")))
    try:
        for datagram in datagrams:
            handshake.receive(b"\x16\xfe\xfd" + datagram)
            handshake.receive(datagram)
    except DtlsError:
        pass
    assert handshake.keys is None


@given(st.data())
def test_a_damaged_hello(data: st.DataObject) -> None:
    hello = bytearray(flight(client(b"SRTP_AEAD_AES_128_GCM")))
    for _ in range(data.draw(st.integers(1, 5))):
        hello[data.draw(st.integers(0, len(hello) - 1))] = data.draw(st.integers(0, 255))
    handshake = SERVER.handshake({"sha-256": THEIRS.fingerprint})
    with contextlib.suppress(DtlsError):
        handshake.receive(bytes(hello))
    assert handshake.keys is None
