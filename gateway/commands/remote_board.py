"""A board that follows a gateway in another process, by asking its API."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

from gateway import ask
from gateway.control.board import Board
from gateway.kit.clock import Clock, SystemClock
from gateway.kit.secret import Secret
from gateway.kit.tasks import Tasks
from gateway.model.errors import GatewayError
from gateway.model.status import CameraState, CameraStatus, SiteState, SiteStatus
from gateway.model.text import LocalText

_LOOK_S: Final = 0.3


@asynccontextmanager
async def remote_board(url: str, token: Secret | None) -> AsyncIterator[tuple[Board, bool]]:
    """Give a board, and whether a gateway answers at ``url`` at all.

    Its times are when a state was first seen from here: the API tells whole seconds only.
    """
    board, clock = Board(), SystemClock()
    tasks = Tasks("remote board")
    try:
        answers = await _look(board, url, token, clock)
        if answers:
            tasks.spawn(_follow(board, url, token, clock), url)
        yield board, answers
    finally:
        await tasks.close()


async def _follow(board: Board, url: str, token: Secret | None, clock: Clock) -> None:
    while True:
        await clock.sleep(_LOOK_S)
        await _look(board, url, token, clock)


async def _look(board: Board, url: str, token: Secret | None, clock: Clock) -> bool:
    first = not board.sites()
    try:
        sites = await ask.sites(url, token)
    except GatewayError:
        return False
    for told in sites:
        board.publish(_status(told, board.site(str(told["id"])), clock.now(), first=first))
    return True


def _status(
    told: Mapping[str, Any], before: SiteStatus | None, now: datetime, *, first: bool
) -> SiteStatus:
    cameras = []
    for one in told["cameras"]:
        state = CameraState(one["state"])
        known = before.camera(one["id"]) if before else None
        since = known.since if known is not None and known.state is state else now
        if first:
            since = datetime.min.replace(tzinfo=UTC)
        cameras.append(
            CameraStatus(
                id=one["id"],
                name=LocalText.of(one["name"]),
                state=state,
                since=since,
                reason=str(one["reason"]),
                hint=str(one["hint"]),
                code=str(one.get("code", "")),
                about=str(one.get("about", "")),
            )
        )
    whole = SiteState(told["state"])
    since = before.since if before is not None and before.state is whole else now
    return SiteStatus(told["id"], LocalText.of(told["name"]), whole, since, tuple(cameras))
