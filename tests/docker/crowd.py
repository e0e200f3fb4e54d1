"""``python -m tests.docker.crowd URL HOST ORDERS``: many viewers in the LAN, as a test orders them.

Each line of the file ORDERS that appears is obeyed: ``come SITE N``, or ``leave SITE N`` (so many
stay, the first of each wave). Twice a second a JSON line says by site how many there are and what
they have seen: their moves, the longest time without a packet in seconds, packets that are missing.
"""

import asyncio
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import ClientSession, ClientTimeout

from tests.bench.guests import Guest, Party
from tests.bench.peer import Crowd


@dataclass
class Waves:
    """The guests of one site."""

    all: list[Guest] = field(default_factory=list)
    here: list[Guest] = field(default_factory=list)
    firsts: list[Guest] = field(default_factory=list)

    def told(self) -> dict[str, float]:
        still = [guest.peer for guest in self.here]
        missed = sum(guest.lost for guest in self.all)
        return {
            "guests": len(self.here),
            "moves": sum(guest.moves for guest in self.all),
            "longest": round(max((guest.longest for guest in self.all), default=0.0), 2),
            "missed": missed + sum(max(0, peer.expected - peer.count) for peer in still),
        }


async def obey(party: Party, sites: dict[str, Waves], order: str) -> None:
    """Carry out one order."""
    verb, site, number = order.split()
    waves = sites.setdefault(site, Waves())
    if verb == "come":
        came = await party.come(f"/whep/{site}/door", int(number))
        waves.all += came
        waves.here += came
        waves.firsts.append(came[0])
    else:
        staying = waves.firsts[: int(number)]
        leaving = [guest for guest in waves.here if guest not in staying]
        waves.here = staying
        await party.go(leaving)


async def tell(sites: dict[str, Waves]) -> None:
    """Report until ended."""
    while True:
        print(json.dumps({name: waves.told() for name, waves in sites.items()}), flush=True)
        await asyncio.sleep(0.5)


async def main(url: str, host: str, orders: Path) -> None:
    """Wait for orders and obey them, one after the other."""
    async with ClientSession(timeout=ClientTimeout(total=20)) as http:
        party, sites, done = Party(url, http, Crowd(host)), dict[str, Waves](), 0
        telling = asyncio.create_task(tell(sites))
        try:
            while True:
                for order in (await asyncio.to_thread(orders.read_text)).splitlines()[done:]:
                    await obey(party, sites, order)
                    done += 1
                await asyncio.sleep(0.1)
        finally:
            telling.cancel()
            await party.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
