"""From checked keys to the model: who is told of outages."""

from collections.abc import Iterator

from gateway.config.convert_access import Report
from gateway.config.document import Path as KeyPath
from gateway.config.notify_schema import NotificationsKeys
from gateway.config.secrets import Reference, SecretError, Secrets
from gateway.kit.secret import Secret
from gateway.model.notify import Channel, Mail, Notifications, Telegram, Webhook


def notifications(keys: NotificationsKeys, secrets: Secrets, report: Report) -> Notifications:
    """Return who is told; references that do not resolve go to ``report``."""
    return Notifications(
        channels=tuple(_channels(keys, secrets, report)),
        after_s=keys.after,
        calm_s=keys.calm,
        language=keys.language,
    )


def _channels(keys: NotificationsKeys, secrets: Secrets, report: Report) -> Iterator[Channel]:
    def read(wanted: Reference | None, *path: str | int) -> Secret | None:
        return None if wanted is None else _secret(wanted, secrets, report, path)

    for i, hook in enumerate(keys.webhooks):
        yield Webhook(hook.url, read(hook.secret, "notifications", "webhooks", i, "secret"))
    for i, chat in enumerate(keys.telegram):
        token = read(chat.token, "notifications", "telegram", i, "token")
        yield Telegram(token or Secret(""), chat.chat, chat.api)
    for i, mail in enumerate(keys.email):
        path = ("notifications", "email", i)
        if (mail.username is None) != (mail.password is None):
            report(path, "needs username and password together, or neither")
        host, port = mail.server
        yield Mail(
            server=host,
            port=port,
            sender=mail.sender,
            to=mail.to,
            security=mail.security,
            username=mail.username,
            password=read(mail.password, *path, "password"),
        )


def _secret(wanted: Reference, secrets: Secrets, report: Report, path: KeyPath) -> Secret | None:
    try:
        return secrets.resolve(wanted)
    except SecretError as error:
        report(path, str(error))
        return None
