"""From checked keys to the model: who may take a site's streams over RTSP."""

from gateway.config.convert_access import Report
from gateway.config.document import Path as KeyPath
from gateway.config.secrets import SecretError, Secrets
from gateway.config.site_schema import RecorderKeys, RtspOutputKeys
from gateway.kit.secret import Secret
from gateway.model.site import Credential, RtspOutput

_PATH: KeyPath = ("media_server", "rtsp_output", "users")
_SHORTEST = 12
"""Whoever overhears one login may try passwords on it at home (RFC 7616 section 5.9)."""


def rtsp_output(keys: RtspOutputKeys | None, secrets: Secrets, report: Report) -> RtspOutput | None:
    """Return the output; what is wrong with its users goes to ``report``."""
    if keys is None:
        return None
    names = [user.username for user in keys.users]
    for index, name in enumerate(names):
        if ":" in name or '"' in name:
            report((*_PATH, index, "username"), "holds a colon or a quotation mark; write another")
        elif name in names[:index]:
            report((*_PATH, index, "username"), "is there twice; write each user once")
    users = tuple(_user(user, secrets, report, index) for index, user in enumerate(keys.users))
    return RtspOutput(keys.port, users)


def _user(keys: RecorderKeys, secrets: Secrets, report: Report, index: int) -> Credential:
    path = (*_PATH, index, "password")
    try:
        password = secrets.resolve(keys.password)
    except SecretError as error:
        report(path, str(error))
        password = Secret("")
    else:
        text = password.reveal()
        if len(text) < _SHORTEST or not text.isprintable():
            report(
                path,
                f"{keys.password} is not {_SHORTEST} printable characters or more; "
                "make one by `openssl rand -hex 16`",
            )
    return Credential(keys.username, password, str(keys.password))
