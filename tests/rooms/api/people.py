"""The company's people for tests: accounts whose hashes cost little, and their browsers."""

from typing import Any

from aiohttp import ClientResponse, CookieJar, web
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher

from gateway.kit.secret import Secret
from gateway.model.company import Account, AccountRole
from tests.rooms.api.stage import Stage

PASSWORD = "correct horse battery"
_CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
HASH = Secret(_CHEAP.hash(PASSWORD))
ANNA = Account("anna", AccountRole.ADMINISTRATOR, HASH)
TIMUR = Account("timur", AccountRole.TECHNICIAN, HASH, sites=("tickets",))
HEADER = "X-CSRF-Token"

Client = TestClient[web.Request, web.Application]


async def browser(stage: Stage) -> Client:
    """Return a browser with cookies of its own at the stage's doors."""
    client: Client = TestClient(TestServer(stage.app()), cookie_jar=CookieJar(unsafe=True))
    await client.start_server()
    return client


async def try_sign_in(
    client: Client, name: str = "anna", password: str = PASSWORD, **headers: str
) -> ClientResponse:
    body = {"name": name, "password": password}
    return await client.post("/api/v1/session", json=body, headers=headers)


async def signed_in(client: Client, name: str = "anna") -> dict[str, Any]:
    """Sign in; return what the gateway says of the session."""
    response = await try_sign_in(client, name)
    assert response.status == 200, await response.text()
    body: dict[str, Any] = await response.json()
    return body
