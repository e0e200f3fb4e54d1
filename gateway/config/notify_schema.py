"""The keys of ``gateway.yaml`` that say who is told of outages."""

import re
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema

from gateway.config.addresses import Url, host_port
from gateway.config.fields import Duration, SecretField, Text, text, wrong
from gateway.config.site_schema import Keys
from gateway.model.notify import TELEGRAM_API, MailSecurity, Notifications

_DEFAULT: Final = Notifications()
_ADDRESS: Final = re.compile(r"[^\s@<>,;\"]{1,64}@[^\s@<>,;\"]{1,190}")
_MAIL_PORT: Final = 587


def _address(data: Any) -> str:
    value = text(data)
    if not _ADDRESS.fullmatch(value):
        raise wrong("is no e-mail address; write for example duty@uk.example.ru")
    return value


def _server(data: Any) -> tuple[str, int]:
    try:
        host, port = host_port(text(data))
    except ValueError:
        raise wrong("is no mail server; write for example mail.example.ru:587") from None
    return host, port or _MAIL_PORT


def _listed(data: Any) -> Any:
    return [data] if isinstance(data, str) else data


def _chat(data: Any) -> str:
    return str(data) if isinstance(data, int) and not isinstance(data, bool) else text(data)


Address = Annotated[str, PlainValidator(_address), WithJsonSchema({"type": "string"})]
Server = Annotated[
    tuple[str, int], PlainValidator(_server), WithJsonSchema({"type": "string", "minLength": 1})
]
Chat = Annotated[str, PlainValidator(_chat), WithJsonSchema({"type": ["string", "integer"]})]


class WebhookKeys(Keys):
    """An address that gets each message as JSON."""

    url: Url = Field(
        description="Where each message is sent by POST.",
        examples=["https://uk.example.ru/hooks/cameras"],
    )
    secret: SecretField | None = Field(
        default=None,
        description="Reference to the secret that messages are signed with (Standard Webhooks).",
        examples=["{env: WEBHOOK_SECRET}"],
    )


class TelegramKeys(Keys):
    """A Telegram chat."""

    token: SecretField = Field(
        description="Reference to the bot's token.", examples=["{env: TELEGRAM_TOKEN}"]
    )
    chat: Chat = Field(
        description="Number or @name of the chat; the bot is a member of it.",
        examples=['"-1001234567890"'],
    )
    api: Url = Field(
        default=TELEGRAM_API,
        description="Address of the Bot API, if the company runs one of its own.",
        examples=["https://telegram.example.ru"],
    )


class EmailKeys(Keys):
    """People who get e-mail."""

    server: Server = Field(
        description="Mail server and port (587 if none is written).",
        examples=["mail.example.ru:587"],
    )
    sender: Address = Field(
        alias="from", description="Address that the messages come from.", examples=["cams@uk.ru"]
    )
    to: Annotated[tuple[Address, ...], BeforeValidator(_listed)] = Field(
        min_length=1,
        max_length=50,
        description="Addresses that the messages go to.",
        examples=["[duty@uk.example.ru]"],
        json_schema_extra={
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
        },
    )
    security: MailSecurity = Field(
        default=MailSecurity.STARTTLS,
        description="Protection of the connection: starttls, tls or none.",
        examples=["tls"],
    )
    username: Text | None = Field(
        default=None, description="User name at the mail server.", examples=["cams"]
    )
    password: SecretField | None = Field(
        default=None,
        description="Reference to the password at the mail server.",
        examples=["{env: MAIL_PASSWORD}"],
    )


class NotificationsKeys(Keys):
    """Who is told when a camera or a building cannot be watched."""

    after: Duration = Field(
        default=_DEFAULT.after_s,
        description="How long a camera is out before people are told.",
        examples=["2m"],
        json_schema_extra={"default": "2m"},
    )
    calm: Duration = Field(
        default=_DEFAULT.calm_s,
        description="How long it is back before the outage counts as over.",
        examples=["2m"],
        json_schema_extra={"default": "2m"},
    )
    language: Literal["ru", "en"] = Field(
        default="ru", description="Language of the messages: ru or en.", examples=["en"]
    )
    webhooks: tuple[WebhookKeys, ...] = Field(
        default=(), max_length=10, description="Programs of the company that are told."
    )
    telegram: tuple[TelegramKeys, ...] = Field(
        default=(), max_length=10, description="Telegram chats that are told."
    )
    email: tuple[EmailKeys, ...] = Field(
        default=(), max_length=10, description="People who are told by e-mail."
    )
