"""Joins what looks after registered cameras, beside the videos: full looks, and moves."""

from contextlib import AsyncExitStack

from gateway.control.checkups import Checkups
from gateway.control.fieldwork import Fieldwork
from gateway.control.following import Follower
from gateway.control.posters import Posters
from gateway.control.siteloop import World
from gateway.control.streams import Streams


async def look_after(
    stack: AsyncExitStack, fieldwork: Fieldwork, streams: Streams, *, world: World, posters: Posters
) -> None:
    """Begin to look after the cameras; ``stack`` ends it."""
    surveys = fieldwork.surveys
    await surveys.restore()
    checkups = Checkups(
        tools=surveys.tools,
        given=lambda: streams.given,
        fleet=lambda: streams.fleet,
        board=world.board,
        notes=world.notes,
        surveying=lambda site: surveys.running(site) is not None,
        pictures=posters,
    )
    stack.push_async_callback(checkups.close)

    follower = Follower(
        tools=surveys.tools,
        streams=streams,
        board=world.board,
        notes=world.notes,
        edit=fieldwork.registrations.change,
        surveying=lambda site: surveys.running(site) is not None,
        changed=checkups.refresh,
    )
    stack.push_async_callback(follower.close)

    def changed() -> None:
        streams.refresh_soon()
        checkups.refresh()

    surveys.changed = changed
    checkups.start()
    follower.start()
