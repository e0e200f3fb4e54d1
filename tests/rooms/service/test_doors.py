"""The public door, the staff's own, and the certificate on both."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import ClientSession, TCPConnector
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from gateway import ask
from gateway.config.load import Loader, load
from gateway.front_door import Doors
from gateway.kit.secret import Secret
from gateway.model.company import Tls
from gateway.service import Options, Service
from tests.e2e.company import free_port
from tests.rooms.api.people import ANNA
from tests.rooms.api.stage import STAFF, Stage, site_of

LOCAL = ("127.0.0.1", 0)


def certified(name: str) -> Tls:
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC).replace(microsecond=0)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode().strip()
    chain = made.public_bytes(Encoding.PEM).decode().strip()
    return Tls(chain, Secret(pem), made.not_valid_after_utc)


def written(folder: Path, tls: Tls) -> Path:
    (folder / "cert.pem").write_text(tls.certificate)
    (folder / "key.pem").write_text(tls.key.reveal())
    (folder / "gateway.yaml").write_text("tls: {certificate: cert.pem, key: {file: key.pem}}\n")
    return folder


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    web = tmp_path / "web"
    web.mkdir()
    for page in ("index", "watch", "console"):
        (web / f"{page}.html").write_text("<!doctype html><title>page</title>")
    made = Stage(web)
    made.settings = replace(made.settings, accounts=(ANNA,))
    made.add(site_of("open"))
    return made


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as made:
        yield made


async def shown(port: int) -> str:
    """Return the name on the certificate that a door shows."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.close()
        await writer.wait_closed()
    name = x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(name[0].value)


async def test_the_street_does_not_see_the_office(stage: Stage, stack: AsyncExitStack) -> None:
    doors = Doors()
    await doors.open(stack, stage.app(), listen=LOCAL, staff_listen=LOCAL, tls=None)
    session = await stack.enter_async_context(ClientSession())

    async def status(port: int | None, path: str, method: str = "GET") -> int:
        async with session.request(
            method, f"http://127.0.0.1:{port}{path}", headers=STAFF
        ) as answer:
            return answer.status

    office = ["/console", "/api/v1/session", "/api/v1/openapi.json", "/api/v1/revocations"]
    for path in office:
        assert await status(doors.port, path) == 404, path
        assert await status(doors.staff_port, path) == 200, path
    assert await status(doors.port, "/api/v1/revocations", "POST") == 404
    assert await status(doors.port, "/api/v1/revocations", "HEAD") == 404
    for path in ("/", "/watch/open", "/api/v1/sites/open", "/healthz"):
        assert await status(doors.port, path) == 200, path
        assert await status(doors.staff_port, path) == 200, path


async def test_a_stolen_staff_token_is_nobodys_in_the_street(
    stage: Stage, stack: AsyncExitStack
) -> None:
    doors = Doors()
    await doors.open(stack, stage.app(), listen=LOCAL, staff_listen=LOCAL, tls=None)
    session = await stack.enter_async_context(ClientSession())

    async def keys(port: int | None) -> set[str]:
        url = f"http://127.0.0.1:{port}/api/v1/sites/open"
        async with session.get(url, headers=STAFF) as answer:
            return set(await answer.json())

    assert "servers" in await keys(doors.staff_port)
    assert "servers" not in await keys(doors.port)


async def test_one_door_serves_everybody(stage: Stage, stack: AsyncExitStack) -> None:
    doors = Doors()
    await doors.open(stack, stage.app(), listen=LOCAL, staff_listen=None, tls=None)
    session = await stack.enter_async_context(ClientSession())
    async with session.get(f"http://127.0.0.1:{doors.port}/console") as answer:
        assert answer.status == 200
    assert doors.scheme == "http"


async def test_a_renewed_certificate_is_shown_without_a_restart(
    stage: Stage, stack: AsyncExitStack
) -> None:
    first, second = certified("first.example"), certified("second.example")
    doors = Doors()
    await doors.open(stack, stage.app(), listen=LOCAL, staff_listen=LOCAL, tls=first)
    assert doors.scheme == "https"
    assert await shown(doors.port) == "first.example"
    doors.renew(replace(first, certificate="rubbish"))
    assert await shown(doors.port) == "first.example"
    doors.renew(second)
    assert await shown(doors.port) == "second.example"
    assert doors.staff_port is not None
    assert await shown(doors.staff_port) == "second.example"
    found = await ask.sites(f"https://127.0.0.1:{doors.port}", None, second)
    assert [site["id"] for site in found] == ["open"]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_old_tls_is_refused(stage: Stage, stack: AsyncExitStack) -> None:
    doors = Doors()
    await doors.open(stack, stage.app(), listen=LOCAL, staff_listen=None, tls=certified("x"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    connector = TCPConnector(ssl=context)
    session = await stack.enter_async_context(ClientSession(connector=connector))
    with pytest.raises(OSError, match=r"(?i)ssl|protocol"):
        await session.get(f"https://127.0.0.1:{doors.port}/healthz")


async def test_metrics_tell_when_the_certificate_expires(tmp_path: Path) -> None:
    tls, port = certified("cams.example"), free_port()
    folder = tmp_path / "sites"
    folder.mkdir()
    settings = written(folder, tls) / "gateway.yaml"
    with settings.open("a") as more:
        more.write(f"data_dir: {tmp_path / 'data'}\nmetrics_listen: 127.0.0.1:{port}\n")
    service = Service(Options(directory=folder, listen=LOCAL))
    try:
        await service.start()
        assert service.url.startswith("https://")
        metrics = f"http://127.0.0.1:{port}/metrics"
        async with ClientSession() as session, session.get(metrics) as answer:
            text = await answer.text()
        [line] = re.findall(r"^camera_gateway_certificate_expiry\S+ (\S+)$", text, re.MULTILINE)
        expires = datetime.fromtimestamp(float(line), UTC)
        shown = x509.load_pem_x509_certificate(tls.certificate.encode())
        assert expires == shown.not_valid_after_utc
        assert 29 <= (expires - datetime.now(UTC)).days <= 30
    finally:
        await service.close(remove=True)


def test_the_files_of_a_certificate_are_checked_together(tmp_path: Path) -> None:
    tls = certified("cams.example")
    assert load(written(tmp_path, tls)).settings.tls == tls
    (tmp_path / "key.pem").write_text(certified("other").key.reveal())
    (problem,) = load(tmp_path).problems
    assert "does not belong" in problem.message
    assert problem.key == "tls.key"
    (tmp_path / "cert.pem").write_text("nothing")
    (tmp_path / "key.pem").write_text("PLANTED")
    problems = load(tmp_path).problems
    assert [one.key for one in problems] == ["tls.certificate", "tls.key"]
    assert "PLANTED" not in str(problems)


def test_a_half_renewed_pair_leaves_the_last_good_one(tmp_path: Path) -> None:
    first, second = certified("first"), certified("second")
    loader = Loader(written(tmp_path, first))
    assert loader.load().settings.tls == first
    (tmp_path / "cert.pem").write_text(second.certificate)
    assert loader.load().settings.tls == first
    (tmp_path / "key.pem").write_text(second.key.reveal())
    assert loader.load().settings.tls == second
    assert {tmp_path / "cert.pem", tmp_path / "key.pem"} <= set(loader.watched())
