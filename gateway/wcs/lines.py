"""The signalling connections to one media server: as few as its plays need."""

import asyncio

from aiohttp import ClientError, ClientSession

from gateway.kit.tasks import Tasks
from gateway.model.errors import GatewayError
from gateway.model.server import ControlAddress
from gateway.wcs import session
from gateway.wcs.session import Line, WcsPlay


class Lines:
    """Opens a connection when none has room, and lets those end that nobody uses."""

    def __init__(self, http: ClientSession, control: ControlAddress) -> None:
        self._http = http
        self._control = control
        self._lines: list[Line] = []
        self._tasks = Tasks("wcs")

    async def play(self, stream: str, offer: str, *, tcp: bool = False) -> WcsPlay:
        """Play ``stream`` for a viewer who sent ``offer``; ``tcp``: over TCP.

        Raises the kinds of ``control.ports.MediaServer.play``.
        """
        line = self._with_room()
        play = line.seat(stream)
        try:
            async with asyncio.timeout(session.ANSWER_S):
                await line.introduced()
                await play.begin(offer, tcp=tcp)
        except (TimeoutError, ClientError, OSError) as error:
            # Its other plays may be well; the next viewer has better luck elsewhere.
            line.open = False
            self._give_up(line, play)
            raise session.not_ready(
                f"the media server at {self._control.ws_url} does not answer"
                f" ({type(error).__name__})"
            ) from error
        except GatewayError:
            line.leave(play)
            raise
        except asyncio.CancelledError:
            self._give_up(line, play)
            raise
        return play

    async def close(self) -> None:
        """Close all connections without ending the plays (they were asked to be kept alive)."""
        await self._tasks.close()

    def _with_room(self) -> Line:
        """Return the oldest connection that has room: the newer ones become empty, and end."""
        for line in self._lines:
            if line.has_room:
                return line
        line = Line(self._http, self._control)
        self._lines.append(line)
        task = self._tasks.spawn(line.run(), "signalling")
        task.add_done_callback(lambda _: self._ended(line))
        return line

    def _ended(self, line: Line) -> None:
        self._lines.remove(line)
        # It has said so itself, unless it was ended before it began.
        line.lose(session.not_ready(session.LOST))

    def _give_up(self, line: Line, play: WcsPlay) -> None:
        """Forget a play that nobody waits for any more; the server shall not begin it."""
        if play.ended.done():
            return
        line.leave(play)
        self._tasks.spawn(line.withdraw(play), "withdraw")
