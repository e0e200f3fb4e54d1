"""Logging in, with the examples of the RFCs."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.kit.secret import Secret
from gateway.rtsp.auth import Login, challenges, digest

NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
RFC7616 = (
    f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={{}}, '
    f'nonce="{NONCE}", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)


def answered(header: str, password: str) -> str:
    login = Login("Mufasa", Secret(password))
    return digest(
        challenges([header])[0],
        login=login,
        method="GET",
        uri="/dir/index.html",
        count=1,
        cnonce=CNONCE,
    )


def test_the_examples_of_rfc_7616_section_3_9_1() -> None:
    md5 = answered(RFC7616.format("MD5"), "Circle of Life")
    assert 'response="8ca523f5e9506fed4657c9700eebdbec"' in md5
    assert "nc=00000001" in md5
    sha = answered(RFC7616.format("SHA-256"), "Circle of Life")
    assert 'response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"' in sha
    assert "algorithm=SHA-256" in sha


def test_the_example_of_rfc_2069_as_corrected_by_its_erratum() -> None:
    header = 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'
    reply = answered(header, "CircleOfLife")
    assert 'response="1949323746fe6a43ef61f9606e7febea"' in reply
    assert "qop" not in reply
    assert "cnonce" not in reply


def test_the_strongest_offer_is_taken() -> None:
    login = Login("u", Secret("p"))
    offers = ['Basic realm="x", Digest realm="x", nonce="1"', 'digest nonce=2,algorithm="sha-256"']
    assert len(challenges(offers)) == 3
    assert login.challenged(offers, tries=0)
    header = login.header("DESCRIBE", "rtsp://h/")
    assert header is not None
    assert header.startswith("Digest")
    assert "algorithm=SHA-256" in header


def test_basic() -> None:
    login = Login("Aladdin", Secret("open sesame"))
    assert login.header("DESCRIBE", "x") is None
    assert login.challenged(["Basic"], tries=0)
    assert login.header("DESCRIBE", "x") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


def test_a_refused_password_is_not_sent_again() -> None:
    login = Login("u", Secret("p"))
    assert login.challenged(['Digest realm="r", nonce="1"'], tries=0)
    assert not login.challenged(['Digest realm="r", nonce="2"'], tries=1)


def test_an_aged_nonce_is_renewed_once() -> None:
    login = Login("u", Secret("p"))
    assert login.challenged(['Digest realm="r", nonce="1"'], tries=0)
    assert login.challenged(['Digest realm="r", nonce="2", stale=TRUE'], tries=1)
    assert not login.challenged(['Digest realm="r", nonce="3", stale=true'], tries=2)


def test_a_password_that_was_accepted_is_proven() -> None:
    login = Login("u", Secret("p"))
    assert login.challenged(['Digest realm="r", nonce="1"'], tries=0)
    login.accepted()
    assert login.challenged(['Digest realm="r", nonce="2"'], tries=1)
    assert not login.challenged(['Digest realm="r", nonce="3"'], tries=2)


def test_unknown_ways_are_left_out() -> None:
    assert not challenges(
        [
            "NTLM",
            'Digest realm="r"',
            'Digest realm="r", nonce="1", algorithm=SHA-512-256',
            'Digest realm="r", nonce="1", qop="auth-int"',
        ]
    )
    assert not Login("u", Secret("p")).challenged([], tries=0)


@given(st.lists(st.text(max_size=200), max_size=4))
def test_hostile_challenges_break_nothing(headers: list[str]) -> None:
    login = Login('u"\\', Secret("p"))
    for tries in range(3):
        login.challenged(["Digest " + text for text in headers] + headers, tries=tries)
        header = login.header("DESCRIBE", "rtsp://h/")
        assert header is None or header.startswith(("Digest ", "Basic "))
