"""A ticket opens what it says, as long as it says; what only looks like one opens nothing."""

import base64
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api import tickets
from gateway.kit.secret import Secret
from gateway.model.errors import ErrorKind, GatewayError

SECRET = Secret("a secret of tests that is long enough for every hash that is tried on it")
NOW = datetime(2026, 5, 5, 12, tzinfo=UTC)
LATER = int(NOW.timestamp()) + 600


def signed(claims: dict[str, Any], *, key: str = SECRET.reveal(), alg: str = "HS256") -> str:
    return jwt.encode(claims, key, algorithm=alg)


def raw(header: dict[str, Any], claims: object) -> str:
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), b"")
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def test_a_minted_ticket_says_what_was_asked() -> None:
    token = tickets.mint(
        SECRET,
        sites=["a", "b"],
        cameras=["yard"],
        valid_s=60,
        watch_s=600,
        subject="flat 7",
        now=NOW,
    )
    ticket = tickets.verify(token, SECRET, now=NOW)
    assert ticket == tickets.Ticket(
        sites=frozenset({"a", "b"}),
        cameras=frozenset({"yard"}),
        expires=NOW.timestamp() + 60,
        watch_until=NOW.timestamp() + 600,
        subject="flat 7",
        issued=NOW.timestamp(),
    )
    assert ticket.allows("a", "yard")
    assert not ticket.allows("a", "entrance-1")
    assert not ticket.allows("c", "yard")


def test_the_website_may_mint_with_any_jwt_library() -> None:
    ticket = tickets.verify(signed({"sites": ["a"], "exp": LATER, "x": 1}), SECRET, now=NOW)
    assert ticket.allows("a", "whatever")


def test_the_clocks_may_differ_a_little() -> None:
    token = tickets.mint(SECRET, sites=["a"], valid_s=10, now=NOW)
    tickets.verify(token, SECRET, now=NOW + timedelta(seconds=39))
    with pytest.raises(GatewayError, match="expired"):
        tickets.verify(token, SECRET, now=NOW + timedelta(seconds=41))


GOOD = {"sites": ["a"], "exp": LATER}
BAD_TOKENS = {
    "another key": signed(GOOD, key="another secret of tests, long enough"),
    "another algorithm": signed(GOOD, alg="HS512"),
    "no algorithm": raw({"alg": "none", "typ": "JWT"}, GOOD),
    "no algorithm, in capitals": raw({"alg": "NONE"}, GOOD),
    "signature cut off": signed(GOOD).rpartition(".")[0] + ".",
    "claims that are no object": raw({"alg": "HS256"}, [1]),
    "unknown critical header": jwt.encode(
        GOOD, SECRET.reveal(), algorithm="HS256", headers={"crit": ["magic"], "magic": 1}
    ),
    "expired": signed(GOOD | {"exp": LATER - 3600}),
    "no end": signed({"sites": ["a"]}),
    "an end that is text": signed(GOOD | {"exp": str(LATER)}),
    "an end that is true": signed(GOOD | {"exp": True}),
    "an end beyond all time": signed(GOOD | {"exp": 10**30}),
    "an end that is no number": signed(GOOD | {"exp": float("nan")}),
    "not yet": signed(GOOD | {"nbf": LATER}),
    "watched to the end": signed(GOOD | {"watch_until": LATER - 3600}),
    "no sites": signed({"exp": LATER}),
    "an empty list": signed(GOOD | {"sites": []}),
    "one site as text": signed(GOOD | {"sites": "a"}),
    "a site that is a number": signed(GOOD | {"sites": [1]}),
    "a site's id without end": signed(GOOD | {"sites": ["a" * 65]}),
    "cameras that are text": signed(GOOD | {"cameras": "yard"}),
    "too many cameras": signed(GOOD | {"cameras": ["c"] * 201}),
    "sub without end": signed(GOOD | {"sub": "x" * 129}),
    "huge": signed(GOOD | {"x": "x" * 5000}),
    "no token": "abc",
    "not even letters": "\udcff.\x00.💥",
    "dots": "....",
    "nothing": "",
}


@pytest.mark.parametrize("name", BAD_TOKENS)
def test_a_bad_ticket_is_refused(name: str) -> None:
    with pytest.raises(GatewayError) as caught:
        tickets.verify(BAD_TOKENS[name], SECRET, now=NOW)
    assert caught.value.kind is ErrorKind.UNAUTHORIZED
    assert SECRET.reveal() not in str(caught.value)


@pytest.mark.slow
@given(st.text(max_size=200))
def test_no_text_gets_in_or_breaks_the_door(token: str) -> None:
    with pytest.raises(GatewayError):
        tickets.verify(token, SECRET, now=NOW)


@given(
    st.dictionaries(
        st.sampled_from(["sites", "cameras", "exp", "nbf", "watch_until", "sub", "iat", "aud"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=3),
            max_leaves=5,
        ),
    )
)
def test_odd_claims_are_a_ticket_or_refused(claims: dict[str, Any]) -> None:
    body = jwt.api_jws.encode(
        json.dumps(claims).encode(), SECRET.reveal(), algorithm="HS256", headers={"typ": "JWT"}
    )
    with suppress(GatewayError):
        ticket = tickets.verify(body, SECRET, now=NOW)
        assert ticket.sites
        assert ticket.expires + tickets.LEEWAY_S >= NOW.timestamp()


def test_a_short_secret_is_named_as_the_mistake() -> None:
    with pytest.raises(GatewayError, match="32 bytes") as caught:
        tickets.mint(Secret("short"), sites=["a"], valid_s=1, now=NOW)
    assert caught.value.kind is ErrorKind.CONFIG_INVALID


@pytest.mark.parametrize("sites", [[], ["x" * 65], ["a"] * 201])
def test_a_ticket_that_would_be_refused_is_not_minted(sites: list[str]) -> None:
    with pytest.raises(GatewayError) as caught:
        tickets.mint(SECRET, sites=sites, valid_s=60, now=NOW)
    assert caught.value.kind is ErrorKind.BAD_REQUEST
