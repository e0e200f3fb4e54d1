"""What people are told of outages, and where."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from gateway.kit.secret import Secret
from gateway.model.text import LocalText

TELEGRAM_API: Final = "https://api.telegram.org"


@dataclass(frozen=True, slots=True)
class Webhook:
    """An HTTP address that gets each message as JSON, signed if there is a ``secret``."""

    url: str
    secret: Secret | None = None


@dataclass(frozen=True, slots=True)
class Telegram:
    """A Telegram chat. ``api`` is the Bot API's address."""

    token: Secret
    chat: str
    api: str = TELEGRAM_API


class MailSecurity(StrEnum):
    """How the connection to a mail server is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Mail:
    """People who get e-mail through a mail server."""

    server: str
    port: int
    sender: str
    to: tuple[str, ...]
    security: MailSecurity = MailSecurity.STARTTLS
    username: str | None = None
    password: Secret | None = None


Channel = Webhook | Telegram | Mail


@dataclass(frozen=True, slots=True)
class Notifications:
    """Who is told of outages.

    An outage shorter than ``after_s`` is not told, and is over when the camera has been good for
    ``calm_s`` seconds.
    """

    channels: tuple[Channel, ...] = ()
    after_s: float = 120.0
    calm_s: float = 120.0
    language: str = "ru"


class NoticeKind(StrEnum):
    """What a message says."""

    BEGAN = "outage.began"
    ENDED = "outage.ended"
    TRIAL = "trial"


@dataclass(frozen=True, slots=True)
class Missing:
    """A camera that cannot be watched, ``since`` when, and why if that is known."""

    id: str
    name: LocalText
    since: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """One message: what happened at one building. ``whole``: to all of its cameras."""

    kind: NoticeKind
    site: str
    site_name: LocalText
    at: datetime
    cameras: tuple[Missing, ...] = ()
    whole: bool = False
    timezone: str | None = None
