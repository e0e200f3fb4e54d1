"""What a WCS container uses of its processors, as a real engine tells it, makes a building grow."""

import asyncio
import json
import urllib.request
from contextlib import closing
from typing import Any

import pytest

from gateway.model.company import Limits
from gateway.runtime.docker import names
from gateway.runtime.docker.runtime import DockerRuntime
from tests.docker import lan
from tests.docker.company import MACVLAN, URL, Company
from tests.docker.lan import WCS, running, spec
from tests.peers.engine import Engine
from tests.waiting import until

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker")]

CPUS = 0.2
"""Little, so that all of it is to be had on a busy machine."""

HOT = 0.7


@pytest.fixture(autouse=True)
def image(engine: Engine) -> None:
    lan.make_wcs(engine)


def tell(engine: Engine, server_id: str, command: str) -> None:
    """Run a command of the shell inside a container, and do not wait for it."""
    with closing(engine.client()) as client:
        made = client.exec_create(names.container(server_id), ["sh", "-c", command])
        client.exec_start(made["Id"], detach=True)


def burn(engine: Engine, server_id: str) -> None:
    tell(engine, server_id, "while :; do :; done")


async def used(runtime: DockerRuntime, server_id: str) -> float | None:
    await runtime.observe()
    return runtime.processor(server_id)


async def test_the_engine_tells_the_share_of_a_containers_own_limit(
    engine: Engine, runtime: DockerRuntime
) -> None:
    for name in ("first", "calm"):
        await runtime.create(spec(name, image=WCS, limits=Limits(cpus=CPUS)))
        await running(runtime, name)
    assert await used(runtime, "first") is None
    assert await used(runtime, "calm") is None
    burn(engine, "first")

    async def hot() -> bool:
        first, calm = await used(runtime, "first"), await used(runtime, "calm")
        return first is not None and first >= HOT and calm is not None

    await until(hot, within=40, every=0.2)
    calm = await used(runtime, "calm")
    assert calm is not None
    assert calm < HOT / 2

    await runtime.stop("first")
    await runtime.start("first")
    await running(runtime, "first")
    assert await used(runtime, "first") is None, "it is another run"

    async def cool() -> bool:
        first = await used(runtime, "first")
        return first is not None and first < HOT / 2

    await until(cool, within=40, every=0.2)
    assert await used(runtime, "nobody") is None


async def test_what_is_watched_costs_the_engine_a_call_now_and_then(
    runtime: DockerRuntime,
) -> None:
    await runtime.create(spec("first", image=WCS))
    await running(runtime, "first")

    async def quiet() -> bool:
        before = runtime.calls
        for _ in range(20):
            await runtime.observe("first")
        return runtime.calls == before

    await until(quiet, within=10)
    before = runtime.calls
    for _ in range(50):
        await used(runtime, "first")
        await asyncio.sleep(0)
    assert runtime.calls == before + 1


def building(site: str) -> dict[str, Any]:
    asked = urllib.request.Request(  # noqa: S310  # our own
        f"{URL}/api/v1/sites/{site}", headers={"Authorization": f"Bearer {lan.STAFF}"}
    )
    try:
        with urllib.request.urlopen(asked, timeout=3) as answer:  # noqa: S310  # our own
            found: dict[str, Any] = json.load(answer)
    except (OSError, ValueError):
        return {"servers": [], "scaling": ""}
    return found


def states(site: str) -> list[str]:
    return [str(one["state"]) for one in building(site)["servers"]]


def watched(engine: Engine, site: str) -> None:
    """Let a stand-in say that one person watches."""
    viewer = {"name": f"{site}-door", "mediaSessionId": f"viewer of {site}", "status": "PLAYING"}
    content = json.dumps([{**viewer, "published": False}])
    tell(engine, site, f"echo '{content}' > /watched.json")


async def test_a_building_grows_because_of_its_processor_though_few_watch(
    engine: Engine, company: Company
) -> None:
    no_cap = {"cpu": "100%", "memory": "100%"}  # whoever tests on a busy machine tests growth
    company.use(MACVLAN, machine=no_cap, staff_token={"env": "STAFF"})
    written = json.loads((company.sites / "gateway.yaml").read_text())
    written["media_servers"] |= {"image": WCS, "limits": {"cpus": CPUS, "memory": "128m"}}
    (company.sites / "gateway.yaml").write_text(json.dumps(written))
    for number, site in enumerate(("first", "calm")):
        company.write(site, number, scaling={"max_servers": 2, "viewers_per_server": 200})
    company.begin()
    for site in ("first", "calm"):
        await until(lambda site=site: states(site) == ["running"], within=60, every=0.3)  # type: ignore[misc]  # bound now
        watched(engine, site)
    burn(engine, "first")
    await until(lambda: states("first") == ["running", "running"], within=90, every=0.3)
    shown = building("first")
    assert "grows from 1 to 2 media servers: the processor of the origin is at" in shown["scaling"]
    assert [one["role"] for one in shown["servers"]] == ["origin", "edge"]
    origin, edge = (one["cpu"] for one in shown["servers"])
    assert origin >= HOT
    assert edge is None, "nobody watches there"
    await until(lambda: building("calm")["servers"][0]["cpu"] is not None, within=30, every=0.3)
    assert states("calm") == ["running"]
    assert building("calm")["servers"][0]["viewers"] == 1
