"""Buildings through the doors: who may change them, what is foreseen, and what is written."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytest_aiohttp import AiohttpClient

from gateway.config.load import load
from gateway.model.company import MediaServers, Network, Problem, RuntimeKind, Severity
from tests.rooms.api.conftest import Client
from tests.rooms.api.people import ANNA, TIMUR, signed_in
from tests.rooms.api.stage import STAFF, Stage, problem_of
from tests.rooms.api.test_surveys import app_of
from tests.rooms.control.field import field

SITES = "/api/v1/sites"
ONE = SITES + "/open"
FILE = """\
# the corner house
name: {ru: Дом, en: House}   # for people
viewing: {access: public}
discovery:
  credentials:
    - {username: viewer, password: {env: CAMERAS}}
    - {username: viewer, password: {env: CAMERAS_OLD}}
cameras:
  - {id: entrance-1, name: One, rtsp: "rtsp://10.0.0.1/1",
     credential: {username: x, password: {env: CAMERAS}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "sites"
    made.mkdir()
    (made / "open.yaml").write_text(FILE, encoding="utf-8")
    return made


@pytest.fixture
async def doors(
    stage: Stage, folder: Path, aiohttp_client: AiohttpClient, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Client]:
    """Give a client at the doors of a gateway that edits real files."""
    for name in ("CAMERAS", "CAMERAS_OLD"):
        monkeypatch.setenv(name, "planted")
    stage.sites["open"] = load(folder).sites["open"]
    stage.settings = replace(stage.settings, accounts=(ANNA, replace(TIMUR, sites=("open",))))
    async with field() as net:
        yield await aiohttp_client(app_of(stage, net, folder))


async def asked(client: Client, method: str, path: str, **more: Any) -> dict[str, Any]:
    async with client.request(method, path, headers=STAFF, **more) as answer:
        assert answer.status in {200, 201}, await answer.text()
        body: dict[str, Any] = await answer.json()
        return body


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def text_of(folder: Path) -> str:
    return (folder / "open.yaml").read_text(encoding="utf-8")


ADMINISTRATORS_ONLY = (
    ("GET", "/api/v1/problems"),
    ("GET", "/api/v1/new-site"),
    ("POST", SITES),
    ("PATCH", ONE),
    ("DELETE", ONE),
)


@pytest.mark.parametrize(("method", "path"), ADMINISTRATORS_ONLY)
async def test_only_administrators_change_buildings(
    doors: Client, method: str, path: str, folder: Path
) -> None:
    async with doors.request(method, path) as answer:
        assert answer.status == 401
        await problem_of(answer)
    headers = {"X-CSRF-Token": (await signed_in(doors, "timur"))["csrf_token"]}
    async with doors.request(method, path, headers=headers) as answer:
        assert answer.status == 403, "a technician"
    headers = {"X-CSRF-Token": (await signed_in(doors, "anna"))["csrf_token"]}
    async with doors.request(method, path) as answer:
        assert answer.status == (200 if method == "GET" else 403), "without the token"
    foreign = {**headers, "Origin": "https://elsewhere.example"}
    if method != "GET":
        async with doors.request(method, path, headers=foreign) as answer:
            assert answer.status == 403
    assert text_of(folder) == FILE


async def test_switching_off_is_foreseen_then_done_and_comments_stay(
    doors: Client, folder: Path
) -> None:
    ahead = await asked(doors, "PATCH", ONE + "?preview=1", json={"enabled": False})
    assert text_of(folder) == FILE, "nothing is written"
    assert ahead["plan"]["viewers"] == 1
    assert [(one["kind"], one["viewers"]) for one in ahead["plan"]["steps"]] == [("stop", 1)]
    (folder / "open.yaml").write_text(FILE + "# by hand\n", encoding="utf-8")
    body = {"enabled": False, "version": ahead["version"]}
    async with doors.patch(ONE, json=body, headers=STAFF) as answer:
        problem = await problem_of(answer)
    assert (answer.status, problem["reason"]) == (409, "changed"), "not what was foreseen"
    ahead = await asked(doors, "PATCH", ONE + "?preview=1", json={"enabled": False})
    body["version"] = ahead["version"]
    done = await asked(doors, "PATCH", ONE, json=body)
    assert done["plan"] is None
    assert "# the corner house" in text_of(folder)
    assert "enabled: false" in text_of(folder)
    await asked(doors, "PATCH", ONE, json={"enabled": True})
    assert "enabled" not in text_of(folder)


async def test_a_building_gets_another_name(doors: Client, folder: Path) -> None:
    name = {"ru": "Ленина, 12", "en": "Lenina 12"}
    ahead = await asked(doors, "PATCH", ONE + "?preview=1", json={"name": name})
    assert ahead["plan"] == {"viewers": 0, "steps": []}, "a name interrupts nobody"
    await asked(doors, "PATCH", ONE, json={"name": name})
    assert "Ленина, 12" in text_of(folder)
    assert "# for people" in text_of(folder)


async def test_a_removed_building_leaves_its_file_beside(doors: Client, folder: Path) -> None:
    (folder / "open.yaml.removed").write_text("an older one", encoding="utf-8")
    ahead = await asked(doors, "DELETE", ONE + "?preview=1")
    assert text_of(folder) == FILE
    assert [(one["kind"], one["viewers"]) for one in ahead["plan"]["steps"]] == [("remove", 1)]
    await asked(doors, "DELETE", f"{ONE}?version={ahead['version']}")
    assert names_in(folder) == ["open.yaml.removed", "open.yaml.removed-2"]
    assert (folder / "open.yaml.removed-2").read_text(encoding="utf-8") == FILE
    assert load(folder).problems == (), "what was removed is no mistake"
    async with doors.delete(ONE, headers=STAFF) as answer:
        assert (await problem_of(answer))["reason"] == "no_site"


async def test_a_new_building(doors: Client, folder: Path) -> None:
    body = {
        "id": "sadovaya-3",
        "name": {"ru": "Садовая, 3"},
        "subnets": ["10.13.0.0/24"],
        "users": [{"username": "viewer", "reference": "env:CAMERAS"}],
        "access": "staff",
    }
    ahead = await asked(doors, "POST", SITES + "?preview=1", json=body)
    assert [one["kind"] for one in ahead["plan"]["steps"]] == ["create"]
    assert not (folder / "sadovaya-3.yaml").exists()
    async with doors.post(SITES, json=body, headers=STAFF) as answer:
        assert answer.status == 201
        assert answer.headers["Location"] == SITES + "/sadovaya-3"
    made = (await asyncio.to_thread(load, folder)).sites["sadovaya-3"]
    assert made.discovery.credentials[0].reference == "env:CAMERAS"
    assert str(made.viewing.access) == "staff"
    for path in (SITES, SITES + "?preview=1"):
        async with doors.post(path, json=body, headers=STAFF) as answer:
            assert (await problem_of(answer))["reason"] == "site_taken"


@pytest.mark.parametrize(
    "change",
    [
        {"id": "../evil"},
        {"id": "gateway"},
        {"id": ""},
        {"name": ""},
        {"access": "everybody"},
        {"address": "not an address"},
        {"subnets": ["10.0.0.0/8 "] * 100},
        {"subnets": "10.0.0.0/24"},
        {"subnets": ["nonsense"]},
        {"users": [{"username": "viewer", "password": "planted"}]},
        {"users": [{"username": "viewer", "reference": "planted"}]},
        {"users": [{"username": "viewer", "reference": "env:TICKET_SECRET"}]},
        {"users": [{"username": "viewer", "reference": "file:/etc/shadow"}]},
        {"unknown": 1},
    ],
)
async def test_new_buildings_that_make_no_sense(
    doors: Client, folder: Path, change: dict[str, Any]
) -> None:
    body = {"id": "new", "name": "New", **change}
    async with doors.post(SITES, json=body, headers=STAFF) as answer:
        problem = await problem_of(answer)
    assert answer.status in {400, 403}, problem
    assert "planted" not in str(problem).replace("env:planted", "")
    assert names_in(folder) == ["open.yaml"]


@pytest.mark.parametrize(
    ("network", "taken", "free"),
    [
        (Network(subnet="10.1.0.0/24", ip_range="10.1.0.96/30"), (), "10.1.0.97"),
        (Network(subnet="10.1.0.0/24", gateway="10.1.0.1"), ("10.1.0.2",), "10.1.0.3"),
        (Network(subnet="10.1.0.0/24", dhcp_range="10.1.0.1-10.1.0.9"), (), "10.1.0.10"),
        (Network(subnet="10.1.0.0/30", gateway="10.1.0.1"), ("10.1.0.2",), None),
        (Network(), (), None),
    ],
)  # fmt: skip
async def test_the_next_free_address_is_proposed(
    doors: Client, stage: Stage, network: Network, taken: tuple[str, ...], free: str | None
) -> None:
    servers = MediaServers(runtime=RuntimeKind.DOCKER, network=network)
    stage.settings = replace(stage.settings, media_servers=servers)
    for number, address in enumerate(taken):
        site = stage.sites["open"]
        own = replace(site.media_server, address=address)
        stage.sites[f"s{number}"] = replace(site, id=f"s{number}", media_server=own)
    told = await asked(doors, "GET", "/api/v1/new-site")
    assert (told["own_address"], told["address"]) == (True, free)
    assert "lo" in told["interfaces"]
    assert {one["reference"] for one in told["users"]} == {"env:CAMERAS", "env:CAMERAS_OLD"}


async def test_settings_name_users_and_never_their_passwords(doors: Client, folder: Path) -> None:
    told = await asked(doors, "GET", ONE + "/settings")
    assert "planted" not in str(told)
    assert [one["reference"] for one in told["users"]] == ["env:CAMERAS", "env:CAMERAS_OLD"]
    assert told["cameras"][0]["user"] == {"username": "x", "reference": "env:CAMERAS"}
    key = told["users"][1]["key"]
    camera = ONE + "/cameras/entrance-1"
    await asked(doors, "PATCH", camera, json={"credential": key, "version": told["version"]})
    entry = (await asyncio.to_thread(load, folder)).sites["open"].cameras[0]
    assert entry.credential is not None
    assert (entry.credential.username, entry.credential.reference) == ("viewer", "env:CAMERAS_OLD")


async def test_what_becomes_of_a_camera_is_foreseen(doors: Client, folder: Path) -> None:
    camera = ONE + "/cameras/entrance-1"
    asks: list[tuple[str, str, dict[str, Any], list[str]]] = [
        ("PATCH", camera, {"enabled": False}, ["drop"]),
        ("PATCH", camera, {"name": "Front"}, []),
        ("DELETE", camera, {}, ["drop"]),
        ("POST", camera + "/replace", {"rtsp": "rtsp://10.0.0.9/1"}, ["drop", "pull"]),
    ]
    for method, path, body, kinds in asks:
        ahead = await asked(doors, method, path + "?preview=1", json=body)
        found = [one["kind"] for one in ahead["plan"]["steps"]]
        assert found == kinds, method
    assert text_of(folder) == FILE


async def test_a_file_that_nobody_can_read_can_be_put_aside(
    doors: Client, stage: Stage, folder: Path
) -> None:
    (folder / "broken.yaml").write_text("password: planted\n  - [", encoding="utf-8")
    broken = "/api/v1/sites/broken"
    async with doors.delete(broken, headers=STAFF) as answer:
        assert answer.status == 404, "the fleet knows of no such file"
    stage.unreadable = load(folder).unreadable
    assert (await asked(doors, "GET", "/api/v1/problems"))["unreadable"] == ["broken"]
    ahead = await asked(doors, "DELETE", broken + "?preview=1")
    done = await asked(doors, "DELETE", f"{broken}?version={ahead['version']}")
    assert "planted" not in str((ahead, done))
    assert names_in(folder) == ["broken.yaml.removed", "open.yaml"]
    for method in ("PATCH", "GET"):
        path = broken + "/settings" if method == "GET" else broken
        body = {} if method == "GET" else {"json": {"enabled": False}}
        async with doors.request(method, path, headers=STAFF, **body) as answer:
            assert answer.status == 404, "nothing else can be done to it"


async def test_all_problems_of_the_files_are_told(doors: Client, stage: Stage) -> None:
    stage.problems = (
        Problem("gateway.yaml", 3, "listen", "must be a port"),
        Problem("a.yaml", 1, "x", "is old", Severity.WARNING),
    )
    told = await asked(doors, "GET", "/api/v1/problems")
    assert [(one["file"], one["line"], one["severity"]) for one in told["problems"]] == [
        ("gateway.yaml", 3, "error"),
        ("a.yaml", 1, "warning"),
    ]
