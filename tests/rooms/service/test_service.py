"""The service in this process: it begins, answers, and leaves nothing behind."""

import gc
import json
import os
import resource
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog
from aiohttp import ClientSession

from gateway import ask, cli
from gateway.kit.secret import Secret
from gateway.kit.signals import until_told
from gateway.model.company import Fleet
from gateway.model.errors import ErrorKind, GatewayError
from gateway.service import Options, Service
from gateway.webfolder import web_folder
from tests.waiting import until


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    sites = tmp_path / "sites"
    sites.mkdir()
    settings = {"listen": "127.0.0.1:8080", "data_dir": str(tmp_path / "data")}
    (sites / "gateway.yaml").write_text(json.dumps(settings))
    (sites / "house.yaml").write_text("name: House\nenabled: false\nviewing: {access: public}\n")
    one = Service(Options(directory=sites, listen=("127.0.0.1", 0)))
    yield one
    await one.close(remove=True)


async def test_it_serves_the_page_and_the_sites(service: Service) -> None:
    await service.start()
    async with ClientSession() as session, session.get(service.url) as page:
        assert page.status == 200
        assert "text/html" in page.headers["Content-Type"]
    await until(lambda: service.board.site("house"))
    sites = await ask.sites(service.url, None)
    assert [site["state"] for site in sites] == ["disabled"]
    assert ask.as_text(sites).startswith("house: disabled since")
    assert "staff_token" in ask.as_text([])


async def test_it_sweeps_up_after_itself(service: Service) -> None:
    await service.start()
    assert gc.get_freeze_count() > 0, "full sweeps leave out what the start has made"
    await service.close(remove=True)
    assert gc.get_freeze_count() == 0


async def test_the_mistakes_of_files_are_shown_to_staff(service: Service, tmp_path: Path) -> None:
    with (tmp_path / "sites/gateway.yaml").open("w") as file:
        json.dump({"data_dir": str(tmp_path / "data"), "staff_token": {"file": "../staff"}}, file)
    (tmp_path / "staff").write_text("s" * 40)
    await service.start()
    (tmp_path / "sites/house.yaml").write_text("name: House\ncameras:\n  - {id: a, rtps: x}\n")

    async def shown() -> bool:
        text = ask.as_text(await ask.sites(service.url, Secret("s" * 40)))
        return "house.yaml:3: cameras[0].rtps" in text

    await until(shown)


async def test_new_files_take_effect_while_it_runs(service: Service, tmp_path: Path) -> None:
    await service.start()
    await until(lambda: service.board.site("house"))
    (tmp_path / "sites/other.yaml").write_text("name: Other\nenabled: false\n")
    await until(lambda: service.board.site("other"))
    (tmp_path / "sites/other.yaml").unlink()
    await until(lambda: service.board.site("other") is None)
    assert set(service.fleet.sites) == {"house"}


async def test_an_unforeseen_error_does_not_freeze_the_configuration(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.service._REREAD_S", 0.05)
    await service.start()
    sound = service._loader.load
    stumbles = iter([ZeroDivisionError()])

    def load() -> Fleet:
        for error in stumbles:
            raise error
        return sound()

    service._loader.load = load  # type: ignore[method-assign]  # an error that nobody foresaw
    with structlog.testing.capture_logs() as logs:
        (tmp_path / "sites/other.yaml").write_text("name: Other\nenabled: false\n")
        await until(lambda: service.board.site("other"))
    assert "following the files has failed" in {line["event"] for line in logs}


async def test_a_second_one_in_the_same_folder_is_refused(service: Service) -> None:
    await service.start()
    second = Service(Options(directory=service.options.directory, listen=("127.0.0.1", 0)))
    with pytest.raises(GatewayError) as caught:
        await second.start()
    await second.close(remove=True)
    assert caught.value.kind is ErrorKind.CONFLICT
    assert (await ask.sites(service.url, None))[0]["id"] == "house"


async def test_it_takes_as_many_sockets_as_the_machine_gives(service: Service) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, hard), hard))
    try:
        await service.start()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_signal_ends_even_a_beginning() -> None:
    ended = []

    async def begin() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        try:
            await until(lambda: False, within=60)
        finally:
            ended.append("cancelled")

    assert await until_told(begin()) is signal.SIGTERM
    assert ended == ["cancelled"]


async def test_nobody_who_answers_is_said() -> None:
    with pytest.raises(GatewayError, match="No gateway answers"):
        await ask.sites("http://127.0.0.1:9", None)


def test_the_page_is_found() -> None:
    assert (web_folder() / "index.html").is_file()


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0.0.0.0:80", ("0.0.0.0", 80)), ("[::1]:8080", ("::1", 8080))],
)
def test_an_address_to_listen_on_is_read(text: str, expected: tuple[str, int]) -> None:
    assert cli._listen_of({"LISTEN": text}) == expected


@pytest.mark.parametrize("text", ["", "host", ":80", "host:", "host:x", "host:70000"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(GatewayError, match="LISTEN"):
        cli._listen_of({"LISTEN": text})


def test_an_unset_address_is_the_usual_one() -> None:
    assert cli._listen_of({}) == ("127.0.0.1", 8080)
    assert ask.reachable("::") == "[::1]"
