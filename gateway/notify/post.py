"""The post: each channel has a queue of its own, so that a dead one never holds up another."""

import asyncio
import uuid
from typing import Final

import structlog
from aiohttp import ClientSession, ClientTimeout

from gateway.kit.backoff import Backoff
from gateway.kit.tasks import Tasks
from gateway.model.errors import GatewayError
from gateway.model.notify import Channel, Mail, Notice, Telegram, Webhook
from gateway.notify import mail, telegram, webhook
from gateway.notify.words import sentence

WAITING: Final = 200
"""Messages that wait for one channel; the oldest ones go first."""

_WITHIN_S: Final = 15.0
_GIVE_UP_S: Final = 6 * 3600.0


class Post:
    """Sends messages in the background and tries again for hours."""

    def __init__(self, *, backoff: Backoff | None = None) -> None:
        self._pause = backoff or Backoff(first=2, most=300)
        self._queues: dict[Channel, asyncio.Queue[tuple[Notice, str]]] = {}
        self._tasks = Tasks("post")
        self._session: ClientSession | None = None
        self._carried = 0
        self._log = structlog.get_logger("notify")

    @property
    def waiting(self) -> int:
        """How many messages are not delivered yet, with those that are being tried."""
        return self._carried + sum(queue.qsize() for queue in self._queues.values())

    def send(self, notice: Notice, channels: tuple[Channel, ...], language: str) -> None:
        """Tell everybody; returns at once."""
        for channel in channels:
            queue = self._queues.get(channel)
            if queue is None:
                queue = self._queues[channel] = asyncio.Queue(WAITING)
                self._tasks.spawn(self._carry(channel, queue), name_of(channel))
            if queue.full():
                queue.get_nowait()
                self._log.warning("a message is lost, too many wait", channel=name_of(channel))
            queue.put_nowait((notice, language))

    async def deliver(self, channel: Channel, notice: Notice, language: str) -> None:
        """Send one message now, once; raises GatewayError."""
        await self._try(channel, notice, language, str(uuid.uuid4()))

    async def close(self) -> None:
        """Drop what waits, and let go of the connections."""
        await self._tasks.close()
        if self._session is not None:
            await self._session.close()

    async def _carry(self, channel: Channel, queue: asyncio.Queue[tuple[Notice, str]]) -> None:
        while True:
            notice, language = await queue.get()
            self._carried += 1
            try:
                await self._insist(channel, notice, language)
            except Exception:  # noqa: BLE001  # the edge: one message must not end the channel
                self._log.exception("a message could not be sent", channel=name_of(channel))
            finally:
                self._carried -= 1

    async def _insist(self, channel: Channel, notice: Notice, language: str) -> None:
        loop = asyncio.get_running_loop()
        key, until = str(uuid.uuid4()), loop.time() + _GIVE_UP_S
        backoff = Backoff(self._pause.first, self._pause.most)
        while True:
            try:
                await self._try(channel, notice, language, key)
            except GatewayError as error:
                name = name_of(channel)
                if loop.time() > until:
                    self._log.error("a message is given up", channel=name, reason=str(error))
                    return
                if not backoff.failures:
                    self._log.warning(
                        "a message waits for its channel", channel=name, reason=str(error)
                    )
                await asyncio.sleep(backoff.next())
            else:
                return

    async def _try(self, channel: Channel, notice: Notice, language: str, key: str) -> None:
        text = sentence(notice, language)
        if isinstance(channel, Mail):
            await mail.send(channel, notice, text)
            return
        if self._session is None:
            self._session = ClientSession(timeout=ClientTimeout(total=_WITHIN_S))
        if isinstance(channel, Webhook):
            await webhook.send(self._session, channel, notice, text, key=key)
        else:
            await telegram.send(self._session, channel, text)


def name_of(channel: Channel) -> str:
    """Return what a channel is called in the log; an address may hold a key in its path."""
    match channel:
        case Webhook():
            return f"webhook {channel.url.split('/')[2]}"
        case Telegram():
            return f"telegram {channel.chat}"
        case Mail():
            return f"mail {', '.join(channel.to)}"
