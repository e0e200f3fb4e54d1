"""Messages to a Telegram chat (Bot API, method sendMessage)."""

from aiohttp import ClientError, ClientSession

from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.notify import Telegram

_OK = 200
_MAX_TEXT = 4000


async def send(session: ClientSession, channel: Telegram, text: str) -> None:
    """Send a message; raises GatewayError, whose words never hold the token."""
    url = f"{channel.api}/bot{channel.token.reveal()}/sendMessage"
    body = {"chat_id": channel.chat, "text": text[:_MAX_TEXT]}
    try:
        async with session.post(url, json=body, allow_redirects=False) as answer:
            if answer.status != _OK:
                raise GatewayError(
                    ErrorKind.INTERNAL,
                    f"Telegram answered {answer.status} for chat {channel.chat}",
                    "check the bot's token, and that the bot is a member of the chat",
                )
    except (ClientError, TimeoutError, OSError) as error:
        # Not chained: the library's words hold the address, and the address the token.
        raise GatewayError(
            ErrorKind.INTERNAL,
            f"Telegram cannot be reached: {type(error).__name__}",
            "check the network, or set notifications.telegram.api to a server of your own",
        ) from None
