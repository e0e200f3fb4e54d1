"""The keys that say whose tickets and which people are believed: what they mean and refuse."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from argon2.low_level import Type
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from gateway.config.load import load
from gateway.model.company import AccountRole, SignOn, TicketRules
from gateway.model.site import PrivacyHours

HASH = PasswordHasher(time_cost=1, memory_cost=19 * 1024, parallelism=1).hash("correct horse")
WEAK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("correct horse")
OLD = PasswordHasher(time_cost=1, memory_cost=19 * 1024, parallelism=1, type=Type.I).hash("x")
KEYS = {
    "p256.pem": ec.generate_private_key(ec.SECP256R1()),
    "ed25519.pem": ed25519.Ed25519PrivateKey.generate(),
    "p384.pem": ec.generate_private_key(ec.SECP384R1()),
}
SITE = "name: a\ncameras: [{id: yard, name: Yard, rtsp: 'rtsp://10.0.0.1/'%s}]\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a directory with keys, good ones and others."""
    for name, key in KEYS.items():
        public = key.public_key()
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (tmp_path / name).write_bytes(pem)
    private = KEYS["p256.pem"].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "private.pem").write_bytes(private)
    (tmp_path / "text.pem").write_text("no key at all")
    return tmp_path


def test_every_key_has_its_meaning(folder: Path) -> None:
    (folder / "gateway.yaml").write_text(f"""
tickets:
  keys: [p256.pem, ed25519.pem]
  jwks_url: https://uk.example/jwks.json
  issuer: https://uk.example
  audience: cams
accounts:
  - {{name: anna, role: administrator, hash: "{HASH}"}}
  - {{name: timur, role: technician, hash: {{env: TIMUR}}, sites: [a]}}
  - {{name: olga, role: administrator}}
sign_on: {{header: X-User, role_header: X-Role, sites_header: X-Sites, from: [10.0.0.0/8]}}
trusted_proxies: [127.0.0.1/32]
audit: {{days: 30}}
ice_servers: [{{urls: "turn:t.example", secret: {{env: TURN}}}}]
""")
    (folder / "a.yaml").write_text(
        SITE % ", privacy_hours: [{from: 22:00, to: '07:30'}, {from: 0:00, to: 24:00}]"
        + "timezone: Europe/Moscow\nviewing: {tickets_since: 2026-05-05T12:00:00+03:00}\n"
    )
    fleet = load(folder, {"TIMUR": HASH, "TURN": "north"})
    assert fleet.problems == ()
    settings = fleet.settings
    assert settings.ticket_rules == TicketRules(
        keys=(
            (folder / "p256.pem").read_text().rstrip(),
            (folder / "ed25519.pem").read_text().rstrip(),
        ),
        jwks_url="https://uk.example/jwks.json",
        issuer="https://uk.example",
        audience="cams",
    )
    anna, timur, olga = settings.accounts
    assert (anna.role, anna.hash and anna.hash.reveal()) == (AccountRole.ADMINISTRATOR, HASH)
    assert (timur.sites, timur.hash and timur.hash.reveal()) == (("a",), HASH)
    assert olga.hash is None
    assert settings.sign_on == SignOn("X-User", ("10.0.0.0/8",), "X-Role", "X-Sites")
    assert (settings.trusted_proxies, settings.audit_days) == (("127.0.0.1/32",), 30)
    assert settings.ice_servers[0].secret
    site = fleet.sites["a"]
    assert site.viewing.tickets_since == datetime(2026, 5, 5, 9, tzinfo=UTC)
    assert site.cameras[0].privacy_hours == (PrivacyHours(1320, 450), PrivacyHours(0, 1440))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tickets: {keys: [private.pem]}", "private key"),
        ("tickets: {keys: [p384.pem]}", "another kind"),
        ("tickets: {keys: [text.pem]}", "no public key"),
        ("tickets: {keys: [missing.pem]}", "cannot be read"),
        ("tickets: {jwks_url: 'http://uk.example/'}", "https://"),
        ("tickets: {jwks_url: 'https://u:p@uk.example/'}", "in clear"),
        ("accounts: [{name: anna, role: king}]", "administrator or technician"),
        ("accounts: [{name: anna, role: technician}]", "has no sites"),
        ("accounts: [{name: 'a b', role: administrator}]", "must be letters"),
        ("accounts: [{name: anna, role: administrator, hash: secret}]", "no argon2 hash"),
        (f"accounts: [{{name: a, role: administrator, hash: '{WEAK}'}}]", "weak"),
        (f"accounts: [{{name: a, role: administrator, hash: '{OLD}'}}]", "weak"),
        ("accounts: [{name: a, role: administrator, hash: {env: WEAK}}]", "weak"),
        ("accounts: [{name: a, role: administrator}, {name: A, role: administrator}]", "twice"),
        ("sign_on: {header: X-User}", "is missing"),
        ("sign_on: {header: X-User, from: []}", "from"),
        ("sign_on: {header: Authorization, from: [10.0.0.0/8]}", "browsers send"),
        ("sign_on: {header: 'X User', from: [10.0.0.0/8]}", "no name of an HTTP header"),
        ("audit: {days: 0}", "at least 1"),
        ("trusted_proxies: [everybody]", "no network"),
        ("ice_servers: [{urls: 'turn:t', credential: {env: WEAK}, secret: {env: WEAK}}]", "beside"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_companys_file(folder: Path, text: str, words: str) -> None:
    (folder / "gateway.yaml").write_text(text)
    problems = [str(problem) for problem in load(folder, {"WEAK": WEAK}).problems]
    assert any(words in problem for problem in problems), problems
    for secret in (WEAK, OLD, "PRIVATE KEY"):
        assert secret not in "\n".join(problems)


@pytest.mark.parametrize(
    ("hours", "more", "words"),
    [
        (", privacy_hours: [{from: 22:00, to: 07:00}]", "", "time zone"),
        (", privacy_hours: [{from: 25:00, to: 07:00}]", "timezone: UTC\n", "time of the day"),
        (", privacy_hours: [{from: 22:00}]", "timezone: UTC\n", "is missing"),
        (", privacy_hours: [{from: 22:00, to: 22:00}]", "timezone: UTC\n", "begins when it ends"),
        ("", "timezone: Moscow\n", "no time zone"),
        ("", "timezone: ../../etc/passwd\n", "no time zone"),
        ("", "viewing: {tickets_since: yesterday}\n", "is no time"),
        ("", "viewing: {tickets_since: '2026-05-05T12:00:00'}\n", "lacks its time zone"),
    ],
)
def test_what_is_wrong_in_a_buildings_file(folder: Path, hours: str, more: str, words: str) -> None:
    (folder / "a.yaml").write_text(SITE % hours + more)
    problems = [str(problem) for problem in load(folder, {}).problems]
    assert any(words in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("at", "private"),
    [
        ("2026-05-05T18:59:00+00:00", False),
        ("2026-05-05T19:00:00+00:00", True),
        ("2026-05-06T03:59:59+00:00", True),
        ("2026-05-06T04:00:00+00:00", False),
    ],
)
def test_privacy_hours_are_in_the_buildings_time(folder: Path, at: str, *, private: bool) -> None:
    (folder / "a.yaml").write_text(
        SITE % ", privacy_hours: [{from: 22:00, to: 07:00}]" + "timezone: Europe/Moscow\n"
    )
    site = load(folder, {}).sites["a"]
    assert site.is_private("yard", datetime.fromisoformat(at)) is private
    assert not site.is_private("another", datetime.fromisoformat(at))
