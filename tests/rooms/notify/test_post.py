"""Messages arrive, signed and in order, at a real HTTP server and a real mail server."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any

import pytest
from aiohttp import web
from aiosmtpd.smtp import SMTP

from gateway.kit.backoff import Backoff
from gateway.kit.secret import Secret
from gateway.model.errors import GatewayError
from gateway.model.notify import (
    Mail,
    MailSecurity,
    Missing,
    Notice,
    NoticeKind,
    Telegram,
    Webhook,
)
from gateway.model.text import LocalText
from gateway.notify.post import WAITING, Post
from gateway.notify.words import sentence
from tests.waiting import until

YARD = Missing(
    "yard",
    LocalText.of({"ru": "Двор", "en": "Yard"}),
    datetime(2026, 5, 5, 11, 2, tzinfo=UTC),
    "The camera does not answer.",
)
NOTICE = Notice(
    NoticeKind.BEGAN,
    "lenina-12",
    LocalText.of({"ru": "Ленина, 12", "en": "Lenina 12"}),
    datetime(2026, 5, 5, 11, 4, tzinfo=UTC),
    (YARD,),
    timezone="Europe/Moscow",
)


@dataclass
class Inbox:
    """An HTTP server that keeps what it gets; ``refuse`` answers so many posts by 503."""

    url: str = ""
    refuse: int = 0
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.got.append((request.path, dict(request.headers), body))
        if self.refuse:
            self.refuse -= 1
            return web.Response(status=503)
        return web.json_response({"ok": True})


@asynccontextmanager
async def inbox(refuse: int = 0) -> AsyncIterator[Inbox]:
    box, app = Inbox(refuse=refuse), web.Application()
    app.router.add_post("/{path:.*}", box.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    box.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield box
    finally:
        await runner.cleanup()


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    made = Post(backoff=Backoff(first=0.05, most=0.1))
    yield made
    await made.close()


async def test_a_webhook_is_signed_so_that_a_receiver_can_check_it(post: Post) -> None:
    key = b"0123456789abcdef0123456789abcdef"
    secret = Secret("whsec_" + base64.b64encode(key).decode())
    async with inbox() as box:
        post.send(NOTICE, (Webhook(f"{box.url}/hook", secret),), "en")
        await until(lambda: box.got)
    path, headers, body = box.got[0]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert (path, headers["webhook-signature"]) == ("/hook", f"v1,{wanted}")
    said = json.loads(body)
    assert said["type"] == "outage.began"
    assert said["data"]["cameras"][0]["id"] == "yard"
    assert said["data"]["text"].startswith("Lenina 12: no picture since 14:02 (05.05): Yard.")


async def test_a_message_is_tried_again_with_the_same_id(post: Post) -> None:
    async with inbox(refuse=2) as box:
        post.send(NOTICE, (Webhook(f"{box.url}/hook"),), "en")
        await until(lambda: len(box.got) == 3)
    assert len({headers["webhook-id"] for _, headers, _ in box.got}) == 1


async def test_what_is_not_delivered_is_counted(post: Post) -> None:
    assert post.waiting == 0
    async with inbox() as box:
        dead, alive = Webhook("http://127.0.0.1:9/hook"), Webhook(f"{box.url}/hook")
        for _ in range(3):
            post.send(NOTICE, (dead, alive), "en")
        await until(lambda: len(box.got) == 3)
        await until(lambda: post.waiting == 3)


async def test_a_dead_channel_holds_up_no_other(post: Post) -> None:
    async with inbox() as box:
        dead, alive = Webhook("http://127.0.0.1:9/hook"), Webhook(f"{box.url}/hook")
        for _ in range(WAITING + 5):
            post.send(NOTICE, (dead, alive), "en")
        await until(lambda: len(box.got) >= WAITING)


async def test_telegram_gets_the_sentence_and_errors_never_hold_the_token(post: Post) -> None:
    async with inbox() as box:
        channel = Telegram(Secret("123:PLANTED"), "-100", box.url)
        await post.deliver(channel, NOTICE, "ru")
        path, _, body = box.got[0]
        said: dict[str, Any] = json.loads(body)
        assert path == "/bot123:PLANTED/sendMessage"
        assert said["chat_id"] == "-100"
        assert said["text"].startswith("Ленина, 12: нет изображения")
        box.refuse = 1
        with pytest.raises(GatewayError, match="answered 503") as refused:
            await post.deliver(channel, NOTICE, "ru")
    with pytest.raises(GatewayError) as unreachable:
        await post.deliver(replace(channel, api="http://127.0.0.1:9"), NOTICE, "ru")
    for error in (refused.value, unreachable.value):
        assert "PLANTED" not in f"{error!r}{error}{error.__cause__!r}"


class Letters:
    """Keeps the letters that a mail server gets."""

    def __init__(self) -> None:
        self.got: list[bytes] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        self.got.append(envelope.content)
        return "250 OK"


async def test_mail_arrives_whole(post: Post) -> None:
    letters = Letters()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(letters, loop=loop), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        channel = Mail(
            "127.0.0.1", port, "cams@uk.example", ("duty@uk.example",), MailSecurity.NONE
        )
        await post.deliver(channel, NOTICE, "ru")
        with pytest.raises(GatewayError, match="did not take the message"):
            await post.deliver(replace(channel, security=MailSecurity.STARTTLS), NOTICE, "ru")
    letter = message_from_bytes(letters.got[0], policy=policy.default)
    assert letter["To"] == "duty@uk.example"
    assert letter["Subject"].startswith("Ленина, 12: нет изображения")
    body = letter.get_body()
    assert body is not None
    assert "The camera does not answer." in body.get_content()


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize("kind", list(NoticeKind))
@pytest.mark.parametrize("whole", [True, False])
def test_every_message_is_a_sentence(language: str, kind: NoticeKind, whole: bool) -> None:  # noqa: FBT001  # a parameter of the test
    many = tuple(replace(YARD, id=str(n), name=LocalText.of(f"cam {n}")) for n in range(30))
    text = sentence(replace(NOTICE, kind=kind, whole=whole, cameras=many), language)
    assert "{" not in text
    assert text.partition("\n")[0].endswith(".")
    assert len(text) < 500
