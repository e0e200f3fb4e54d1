"""Messages by e-mail (RFC 5321), in a thread: smtplib blocks."""

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Final

from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.notify import Mail, MailSecurity, Notice

_WITHIN_S: Final = 15.0
_MAX_SUBJECT: Final = 150


async def send(channel: Mail, notice: Notice, text: str) -> None:
    """Send a message to everybody of the channel; raises GatewayError."""
    letter = EmailMessage()
    letter["From"], letter["To"] = channel.sender, ", ".join(channel.to)
    letter["Subject"] = text.partition("\n")[0][:_MAX_SUBJECT]
    letter["Date"], letter["Message-ID"] = format_datetime(notice.at), make_msgid("gateway")
    letter.set_content(text)
    try:
        await asyncio.to_thread(_deliver, channel, letter)
    except (smtplib.SMTPException, OSError) as error:
        raise GatewayError(
            ErrorKind.INTERNAL,
            f"the mail server {channel.server}:{channel.port} did not take the message: "
            f"{type(error).__name__}",
            "check notifications.email in gateway.yaml",
        ) from error


def _deliver(channel: Mail, letter: EmailMessage) -> None:
    context = ssl.create_default_context()
    with (
        smtplib.SMTP_SSL(channel.server, channel.port, timeout=_WITHIN_S, context=context)
        if channel.security is MailSecurity.TLS
        else smtplib.SMTP(channel.server, channel.port, timeout=_WITHIN_S)
    ) as server:
        if channel.security is MailSecurity.STARTTLS:
            server.starttls(context=context)
        if channel.username is not None and channel.password is not None:
            server.login(channel.username, channel.password.reveal())
        server.send_message(letter)
