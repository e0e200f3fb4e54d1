"""What one client may ask, counted in bounded memory."""

from datetime import UTC, datetime

import pytest
from aiohttp.test_utils import make_mocked_request

from gateway.api.limits import LOOPBACK, Limits, Pace, client_of


class Watch:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time, UTC)

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


def test_a_burst_then_a_pace() -> None:
    watch = Watch()
    pace = Pace(Limits(burst=3, per_second=2), watch)
    assert [pace.take("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert pace.take("b") == 0
    watch.time = 0.5
    assert [pace.take("a"), pace.take("a")] == [0, 0.5]
    watch.time = 1000
    assert [pace.take("a") for _ in range(4)] == [0, 0, 0, 0.5]


def test_a_million_addresses_fit_into_little_memory() -> None:
    pace = Pace(Limits(clients_remembered=100), Watch())
    for number in range(10_000):
        pace.take(str(number))
    assert len(pace) == 100


def test_loopback_is_a_proxy_and_not_one_client() -> None:
    pace = Pace(Limits(burst=0), Watch())
    assert pace.take(LOOPBACK) == 0
    assert pace.take("192.0.2.1") > 0


@pytest.mark.parametrize(
    ("remote", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("127.0.0.9", LOOPBACK),
        ("::1", LOOPBACK),
        ("::ffff:127.0.0.1", LOOPBACK),
        (None, "unknown"),
        ("@socket", "unknown"),
    ],
)
def test_a_client_is_known_by_its_network(remote: str | None, client: str) -> None:
    headers = {"X-Forwarded-For": "203.0.113.5", "Forwarded": "for=203.0.113.5"}
    request = make_mocked_request("GET", "/", headers=headers).clone(remote=remote or "")
    assert client_of(request) == client
