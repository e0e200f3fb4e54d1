"""Tickets of the company's own keys: each algorithm goes with its own kind of key, and no other."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm

from gateway.api import jwks, tickets
from gateway.api.ticket_keys import TicketDesk
from gateway.api.tickets import Ticket, TicketRefused
from gateway.model.company import Settings, TicketRules
from tests.rooms.api.stage import TICKET_SECRET, HandClock
from tests.waiting import until

EC = ec.generate_private_key(ec.SECP256R1())
OTHER_EC = ec.generate_private_key(ec.SECP256R1())
BIG_EC = ec.generate_private_key(ec.SECP384R1())
ED = ed25519.Ed25519PrivateKey.generate()
RSA = rsa.generate_private_key(65537, 2048)


def pem(key: Any) -> str:
    public = key.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def claims(**more: Any) -> dict[str, Any]:
    return {"sites": ["a"], "exp": int(time.time()) + 600, "iat": int(time.time())} | more


def signed(key: Any, algorithm: str, headers: dict[str, Any] | None = None, **more: Any) -> str:
    return jwt.encode(claims(**more), key, algorithm=algorithm, headers=headers)


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def desk(**rules: Any) -> TicketDesk:
    settings = Settings(ticket_secret=TICKET_SECRET, ticket_rules=TicketRules(**rules))
    return TicketDesk(lambda: settings, HandClock())


BOTH = (pem(EC), pem(ED))


@pytest.mark.parametrize(
    "token",
    [
        signed(EC, "ES256"),
        signed(EC, "ES256", {"kid": "a name that files do not have"}),
        signed(ED, "EdDSA"),
        signed(TICKET_SECRET.reveal(), "HS256"),
    ],
)
async def test_every_kind_of_key_opens(token: str) -> None:
    assert isinstance(await desk(keys=BOTH).check(token), Ticket)


def confused(public: str) -> str:
    """Sign with the text of a public key as if it were a secret (CVE-2015-9235)."""
    head, body = part({"alg": "HS256", "typ": "JWT"}), part(claims())
    key = public.encode()
    digest = hmac.new(key, f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


REFUSED = {
    "another key": signed(OTHER_EC, "ES256"),
    "a public key as a secret": confused(pem(EC)),
    "no algorithm": f"{part({'alg': 'none'})}.{part(claims())}.",
    "an algorithm that is a list": f"{part({'alg': ['ES256']})}.{part(claims())}.AAAA",
    "an algorithm of nobody": f"{part({'alg': 'XX999'})}.{part(claims())}.AAAA",
    "RSA": signed(RSA, "RS256"),
    "a larger curve": signed(BIG_EC, "ES384"),
    "its own key inside": signed(
        OTHER_EC, "ES256", {"jwk": json.loads(ECAlgorithm.to_jwk(OTHER_EC.public_key()))}
    ),
    "its own key set": signed(OTHER_EC, "ES256", {"jku": "https://evil.example/jwks.json"}),
    "its own certificate": signed(OTHER_EC, "ES256", {"x5u": "https://evil.example/", "x5c": []}),
    "a kid that is a path": signed(OTHER_EC, "ES256", {"kid": "../../../../dev/null"}),
    "a kid that is SQL": signed(OTHER_EC, "ES256", {"kid": "' UNION SELECT 'secret' --"}),
    "a kid without end": signed(EC, "ES256", {"kid": "k" * 500}),
    "an empty signature": signed(EC, "ES256").rpartition(".")[0] + ".",
    "a signature of zeros": signed(EC, "ES256").rpartition(".")[0]
    + "."
    + base64.urlsafe_b64encode(bytes(64)).rstrip(b"=").decode(),
    "issued in the future": signed(EC, "ES256", iat=int(time.time()) + 3600),
    "not yet": signed(EC, "ES256", nbf=int(time.time()) + 3600),
    "expired": signed(EC, "ES256", exp=int(time.time()) - 3600),
    "issued at a text": jwt.api_jws.encode(
        json.dumps(claims(iat="now")).encode(), EC, algorithm="ES256", headers={"typ": "JWT"}
    ),
    "huge": signed(EC, "ES256", x="x" * 8000),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_only_looks_like_a_ticket_opens_nothing(name: str) -> None:
    with pytest.raises(TicketRefused) as caught:
        await desk(keys=BOTH).check(REFUSED[name])
    assert caught.value.reason
    assert TICKET_SECRET.reveal() not in str(caught.value)


async def test_without_a_secret_nothing_is_signed_by_it() -> None:
    settings = Settings(ticket_rules=TicketRules(keys=BOTH))
    with pytest.raises(TicketRefused):
        await TicketDesk(lambda: settings, HandClock()).check(confused(""))


@pytest.mark.parametrize(
    ("rules", "more", "reason"),
    [
        ({"issuer": "https://uk"}, {"iss": "https://uk"}, None),
        ({"issuer": "https://uk"}, {"iss": "https://evil"}, "issuer"),
        ({"issuer": "https://uk"}, {}, "issuer"),
        ({"audience": "cams"}, {"aud": "cams"}, None),
        ({"audience": "cams"}, {"aud": ["bank", "cams"]}, None),
        ({"audience": "cams"}, {"aud": ["bank"]}, "audience"),
        ({"audience": "cams"}, {}, "audience"),
        ({}, {"iss": "anybody", "aud": "anything"}, None),
    ],
)
async def test_issuer_and_audience(
    rules: dict[str, str], more: dict[str, Any], reason: str | None
) -> None:
    token = signed(EC, "ES256", **more)
    if reason is None:
        await desk(keys=BOTH, **rules).check(token)
        return
    with pytest.raises(TicketRefused) as caught:
        await desk(keys=BOTH, **rules).check(token)
    assert caught.value.reason == reason


class Website:
    """The company's website with its key set, and every way it can be wrong."""

    def __init__(self) -> None:
        self.body: bytes = b""
        self.status = 200
        self.asked = 0
        self.headers: dict[str, str] = {}

    def publish(self, **named: Any) -> None:
        items = []
        for kid, key in named.items():
            reader = ECAlgorithm if isinstance(key, ec.EllipticCurvePrivateKey) else OKPAlgorithm
            item = json.loads(reader.to_jwk(key.public_key()))
            items.append(item | {"kid": kid, "use": "sig"})
        self.body = json.dumps({"keys": items}).encode()

    async def answer(self, _request: web.Request) -> web.Response:
        self.asked += 1
        return web.Response(body=self.body, status=self.status, headers=self.headers)


@pytest.fixture
async def website() -> AsyncIterator[tuple[Website, str]]:
    """Give a website on a port of its own."""
    site = Website()
    app = web.Application()
    app.router.add_get("/jwks.json", site.answer)
    server = TestServer(app)
    await server.start_server()
    yield site, str(server.make_url("/jwks.json"))
    await server.close()


async def test_a_rotated_key_is_found_and_unknown_ones_do_not_hammer_the_website(
    website: tuple[Website, str],
) -> None:
    site, url = website
    site.publish(one=EC)
    clock = HandClock()
    settings = Settings(ticket_rules=TicketRules(jwks_url=url))
    checked = TicketDesk(lambda: settings, clock)
    await checked.check(signed(EC, "ES256", {"kid": "one"}))
    site.publish(one=EC, two=ED)
    for _ in range(20):
        with pytest.raises(TicketRefused):
            await checked.check(signed(ED, "EdDSA", {"kid": "two"}))
    assert site.asked == 1
    clock.ahead += jwks.PAUSE_S + 1
    await checked.check(signed(ED, "EdDSA", {"kid": "two"}))
    assert site.asked == 2
    with pytest.raises(TicketRefused):
        await checked.check(signed(OTHER_EC, "ES256", {"kid": "one"}))
    with pytest.raises(TicketRefused):
        await checked.check(signed(EC, "ES256", {"kid": "two"}))
    await checked.close()


async def test_a_withdrawn_key_dies_and_a_broken_website_kills_none(
    website: tuple[Website, str],
) -> None:
    site, url = website
    site.publish(one=EC, two=ED)
    clock = HandClock()
    settings = Settings(ticket_rules=TicketRules(jwks_url=url))
    checked = TicketDesk(lambda: settings, clock)
    token = signed(EC, "ES256", {"kid": "one"}, exp=int(time.time()) + 86_400)
    await checked.check(token)
    for status, body in ((500, b""), (200, b"no json"), (200, b"[" * 300_000), (302, b"")):
        site.status, site.body = status, body
        site.headers = {"Location": "http://127.0.0.1:1/"} if status == 302 else {}
        asked = site.asked
        clock.ahead += jwks.FRESH_S + 1

        async def asked_again(before: int = asked) -> bool:
            # A question that is still under way is not asked twice, so one check may not do.
            await checked.check(token)
            return site.asked > before

        await until(asked_again)
        await checked.check(token)
    site.status, site.headers = 200, {}
    site.publish(two=ED)
    clock.ahead += jwks.FRESH_S + 1
    await checked.check(token)

    async def dead() -> bool:
        clock.ahead += jwks.PAUSE_S
        try:
            await checked.check(token)
        except TicketRefused as error:
            return error.reason == "signature"
        return False

    await until(dead)
    await checked.close()


async def test_a_website_that_is_away_is_a_refusal(website: tuple[Website, str]) -> None:
    _, url = website
    settings = Settings(ticket_rules=TicketRules(jwks_url=url.replace("jwks", "missing")))
    checked = TicketDesk(lambda: settings, HandClock())
    with pytest.raises(TicketRefused):
        await checked.check(signed(EC, "ES256"))
    settings = replace(settings, ticket_rules=TicketRules(keys=BOTH))
    await checked.check(signed(EC, "ES256"))
    await checked.close()


def jwk(key: Any, **more: Any) -> dict[str, Any]:
    return json.loads(ECAlgorithm.to_jwk(key)) | more


@pytest.mark.parametrize(
    "item",
    [
        jwk(EC),  # a private key has no place in a published set
        jwk(EC.public_key(), use="enc"),
        jwk(EC.public_key(), alg="ES384"),
        jwk(BIG_EC.public_key()),
        jwk(EC.public_key(), kid=7),
        jwk(EC.public_key(), x="AAAA"),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "hs"},
        {"kty": "EC", "crv": "P-256"},
        {"kty": ["EC"], "crv": {}},
        {},
    ],
)
def test_keys_that_cannot_be_used_are_left_out(item: dict[str, Any]) -> None:
    good = jwk(OTHER_EC.public_key(), kid="good")
    found = jwks.parse(json.dumps({"keys": [item, "text", None, good]}).encode())
    assert [kid for kid, _, _ in found] == ["good"]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"keys": 1}', b'{"keys": %s}' % (b"[" * 9000)])
def test_what_is_no_key_set_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        jwks.parse(body)


def test_the_minted_ticket_names_issuer_and_audience() -> None:
    rules = TicketRules(issuer="https://uk", audience="cams")
    now = datetime.now(UTC)
    token = tickets.mint(TICKET_SECRET, sites=["a"], valid_s=60, now=now, rules=rules)
    assert tickets.verify(token, TICKET_SECRET, now=now, rules=rules).allows_site("a")
    with pytest.raises(TicketRefused):
        tickets.verify(token, TICKET_SECRET, now=now, rules=replace(rules, audience="bank"))
