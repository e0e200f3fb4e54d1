"""Several plays on one signalling connection: who shares, what is lost together, what is not."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from gateway.kit.secret import Secret
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.server import ControlAddress
from gateway.wcs.server import WcsServer
from gateway.wcs.session import LOST, PLAYS_PER_LINE
from tests.rooms.mediaserver.fanout.browser import Browser
from tests.rooms.mediaserver.shell.conftest import Served
from tests.rooms.wcs.test_server import live
from tests.waiting import until


class Wcs:
    """A bare WCS: it answers each play as told, and tells its connections apart."""

    def __init__(self) -> None:
        self.sockets: list[web.WebSocketResponse] = []
        self.asked: list[tuple[web.WebSocketResponse, str, dict[str, Any]]] = []
        self.answers: Callable[[str], bool] = lambda _name: True
        self.lets_in = True

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        async for frame in socket:
            if frame.type is not WSMsgType.TEXT:
                break
            said = json.loads(frame.data)
            body = said["data"][0]
            self.asked.append((socket, said["message"], body))
            if said["message"] == "connection" and self.lets_in:
                await socket.send_json({"message": "getUserData", "data": [{}]})
            if said["message"] == "playStream" and self.answers(body["name"]):
                await self.tell(socket, "setRemoteSDP", body["mediaSessionId"], body["sdp"] + "!")
        self.sockets.remove(socket)
        return socket

    @staticmethod
    async def tell(socket: web.WebSocketResponse, message: str, *data: Any) -> None:
        await socket.send_json({"message": message, "data": list(data)})

    def socket_of(self, play_id: str) -> web.WebSocketResponse:
        return next(
            socket
            for socket, message, body in self.asked
            if message == "playStream" and body["mediaSessionId"] == play_id
        )


@asynccontextmanager
async def _running(wcs: Wcs) -> AsyncIterator[WcsServer]:
    app = web.Application()
    app.router.add_get("/", wcs.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host = f"127.0.0.1:{runner.addresses[0][1]}"
    driver = WcsServer(ControlAddress(f"http://{host}", f"ws://{host}/"))
    try:
        yield driver
    finally:
        await driver.close()
        await runner.cleanup()


async def test_a_crowd_shares_connections_and_each_gets_its_own_answer() -> None:
    wcs = Wcs()
    async with _running(wcs) as driver:
        count = PLAYS_PER_LINE + 1
        plays = await asyncio.gather(*(driver.play("yard", f"offer {n}") for n in range(count)))
        assert [play.answer for play in plays] == [f"offer {n}!" for n in range(count)]
        assert len({play.id for play in plays}) == count
        assert len(wcs.sockets) == 2
        introductions = [body for _, message, body in wcs.asked if message == "connection"]
        assert len(introductions) == 2
        # A seat that is free is taken before another connection is opened.
        await wcs.tell(
            wcs.socket_of(plays[0].id),
            "notifyStreamStatusEvent",
            {"mediaSessionId": plays[0].id, "status": "STOPPED", "info": "Stopped by user"},
        )
        assert await asyncio.wait_for(plays[0].ended, 5) == "Stopped by user"
        await driver.play("yard", "one more")
        assert len(wcs.sockets) == 2


async def test_a_word_about_one_play_leaves_the_others_alone() -> None:
    wcs = Wcs()
    async with _running(wcs) as driver:
        first, second, third = [await driver.play("yard", "offer") for _ in range(3)]
        socket = wcs.socket_of(first.id)
        ends = {"mediaSessionId": first.id, "status": "FAILED", "info": "Failed by ICE timeout"}
        await wcs.tell(socket, "notifyStreamStatusEvent", ends)
        assert await asyncio.wait_for(first.ended, 5) == "Failed by ICE timeout"
        warning = {"apiMethod": "StreamStatusEvent", "id": second.id, "info": "Restricted access"}
        await wcs.tell(socket, "fail", warning)
        assert await asyncio.wait_for(second.ended, 5) == "Restricted access"
        for stray in ({}, {"mediaSessionId": "nobody", "status": "STOPPED"}, None, {"status": 7}):
            await wcs.tell(socket, "notifyStreamStatusEvent", stray)
        await wcs.tell(socket, "setRemoteSDP", third.id, "another answer")
        await wcs.tell(socket, "ping", None)
        await until(lambda: any(message == "pong" for _, message, _ in wcs.asked))
        assert not third.ended.done()
        assert third.answer == "offer!"


async def test_a_lost_connection_ends_its_plays_and_no_others() -> None:
    wcs = Wcs()
    async with _running(wcs) as driver:
        plays = [await driver.play("yard", "offer") for _ in range(PLAYS_PER_LINE + 1)]
        await wcs.socket_of(plays[0].id).close()
        reasons = [await asyncio.wait_for(play.ended, 5) for play in plays[:-1]]
        assert set(reasons) == {LOST}
        assert not plays[-1].ended.done()
        again = await driver.play("yard", "again")
        assert again.answer == "again!"
        assert wcs.socket_of(again.id) is wcs.socket_of(plays[-1].id)


async def test_a_connection_that_is_lost_before_the_answer_is_an_error() -> None:
    wcs = Wcs()
    wcs.answers = lambda name: name == "yard"
    async with _running(wcs) as driver:
        running = await driver.play("yard", "offer")
        waiting = asyncio.create_task(driver.play("gate", "offer"))
        await until(lambda: [m for _, m, _ in wcs.asked].count("playStream") == 2)
        await wcs.socket_of(running.id).close()
        with pytest.raises(GatewayError) as caught:
            await waiting
        assert caught.value.kind is ErrorKind.SERVER_NOT_READY
        assert await asyncio.wait_for(running.ended, 5) == LOST


async def test_a_play_that_nobody_waits_for_is_withdrawn() -> None:
    wcs = Wcs()
    wcs.answers = lambda name: name == "yard"
    async with _running(wcs) as driver:
        running = await driver.play("yard", "offer")
        waiting = asyncio.create_task(driver.play("gate", "offer"))
        await until(lambda: [m for _, m, _ in wcs.asked].count("playStream") == 2)
        waiting.cancel()
        await until(lambda: any(message == "stopStream" for _, message, _ in wcs.asked))
        stopped = [body["name"] for _, message, body in wcs.asked if message == "stopStream"]
        assert stopped == ["gate"]
        assert not running.ended.done()


async def test_an_answer_that_is_overdue_costs_the_connection_its_newcomers_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wcs = Wcs()
    wcs.answers = lambda name: name == "yard"
    async with _running(wcs) as driver:
        running = await driver.play("yard", "offer")
        monkeypatch.setattr("gateway.wcs.session.ANSWER_S", 0.2)
        with pytest.raises(GatewayError) as caught:
            await driver.play("gate", "offer")
        assert caught.value.kind is ErrorKind.SERVER_NOT_READY
        monkeypatch.setattr("gateway.wcs.session.ANSWER_S", 5.0)
        other = await driver.play("yard", "offer")
        assert wcs.socket_of(other.id) is not wcs.socket_of(running.id)
        assert not running.ended.done()


async def test_a_server_that_lets_nobody_in_is_told_to_all_who_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wcs = Wcs()
    wcs.lets_in = False
    monkeypatch.setattr("gateway.wcs.session.ANSWER_S", 0.3)
    async with _running(wcs) as driver:
        found = await asyncio.gather(
            *(driver.play("yard", "offer") for _ in range(3)), return_exceptions=True
        )
        kinds = [error.kind for error in found if isinstance(error, GatewayError)]
        assert kinds == [ErrorKind.SERVER_NOT_READY] * 3
        assert not any(message == "playStream" for _, message, _ in wcs.asked)


async def test_an_idle_connection_is_used_again_and_ends_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wcs = Wcs()
    async with _running(wcs) as driver:
        for _ in range(2):
            play = await driver.play("yard", "offer")
            (socket,) = wcs.sockets
            ends = {"mediaSessionId": play.id, "status": "STOPPED", "info": "Stopped by user"}
            await wcs.tell(socket, "notifyStreamStatusEvent", ends)
            await asyncio.wait_for(play.ended, 5)
        monkeypatch.setattr("gateway.wcs.session.IDLE_S", 0.0)
        await wcs.tell(socket, "ping", None)
        await until(lambda: not wcs.sockets)


async def test_two_viewers_of_the_embedded_server_share_a_connection(
    served: Served, driver: WcsServer, camera: Secret
) -> None:
    await driver.startup(camera, "yard")
    await live(driver)
    async with Browser() as one, Browser() as other:
        first = await driver.play("yard", await one.offer())
        second = await driver.play("yard", await other.offer())
        _, (connection,) = await served.call("connection/find_all")
        assert connection["plays"] == 2
        await first.stop()
        assert first.ended.result() == "Stopped by user"
        assert not second.ended.done()
        await served.call("connection/terminate", {"sessionId": connection["sessionId"]})
        assert await asyncio.wait_for(second.ended, 5) == LOST
