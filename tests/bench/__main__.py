"""``python -m tests.bench``: what a viewer costs, beside Janus and beside the limit."""

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Iterator
from typing import Final

from tests.bench import camera, floor, janus, load, ours, place, report, trials

_STEP_S: Final = 400.0
"""So long one server may take with all sizes of crowds; it takes about a minute."""


def main() -> int:
    """Measure, print, and say by the exit status whether everything worked and met its bar."""
    host, arguments = place.enter(sys.argv[1:])
    said = _options(arguments)
    place.step_aside()
    results = asyncio.run(_run(host, said))
    print(f"\n{report.text(results)}")
    missed = [bar for bar in [*report.bars(results.figures), *results.others] if bar.good is False]
    return 1 if missed or results.failures else 0


def _options(arguments: list[str]) -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    options.add_argument("--viewers", type=int, nargs="+", default=[1, 10, 50, 200])
    options.add_argument("--seconds", type=float, default=8.0, help="length of a window")
    options.add_argument("--rounds", type=int, default=3, help="medians are taken of these")
    options.add_argument(
        "--only", nargs="+", choices=["ours", "janus", "floor", "loop", "trials"], default=None
    )
    options.add_argument("--starts", type=int, default=20, help="first frames in Chromium")
    options.add_argument(
        "--readme",
        action=argparse.BooleanOptionalAction,
        help="write the tables to the README (a full run does)",
    )
    options.add_argument("--short", action="store_true", help="under a minute, ratios only")
    said = options.parse_args(arguments)
    if said.short:
        said.viewers, said.seconds, said.rounds = [50], 2.0, 3
        said.only = said.only or ["ours", "floor", "loop"]
    if said.readme is None:
        said.readme = said.only is None
    return said


async def _run(host: str, said: argparse.Namespace) -> report.Results:
    """Measure all rounds; what was measured is written after each, whatever the next one brings."""
    wanted = said.only or ["ours", "janus", "floor", "loop", "trials"]
    weather = place.busy()
    print(weather or "the machine is quiet", flush=True)
    results = report.Results(load.Figures(), said.viewers, said.seconds, weather)
    contenders: list[load.Start] = [ours.running] if "ours" in wanted else []
    if "janus" in wanted and janus.installed() and host != "127.0.0.1":
        contenders.append(janus.running)
    limits = []
    program = floor.compiled() if "floor" in wanted else None
    if program is not None:
        limits.append((report.FLOOR, (program,)))
    if "loop" in wanted:
        limits.append((report.LOOP, floor.python()))
    for number in range(said.rounds):
        print(f"round {number + 1} of {said.rounds}", flush=True)
        steps = _Steps(host, said, contenders, limits, results)
        await steps.all(number)
        results.rounds = number + 1
        _write(results, said)
    if "trials" in wanted:
        async for bars in trials.run(host, starts=said.starts):
            results.others += bars
            _write(results, said)
    return results


def _write(results: report.Results, said: argparse.Namespace) -> None:
    if said.readme:
        report.rewrite(report.text(results))


class _Steps:
    """What one round measures, one after the other: ratios within a round share its weather."""

    def __init__(
        self,
        host: str,
        said: argparse.Namespace,
        contenders: list[load.Start],
        limits: list[tuple[str, tuple[str, ...]]],
        results: report.Results,
    ) -> None:
        self._host, self._said = host, said
        self._contenders, self._limits, self._results = contenders, limits, results

    async def all(self, number: int) -> None:
        """Measure everything once; a step that fails is noted, and the others go on."""
        async with contextlib.AsyncExitStack() as stack:
            urls: list[str] = []

            async def plug_in() -> None:
                running = camera.running(self._host, 10)
                urls.extend((await stack.enter_async_context(running)).urls)

            await self._try(f"round {number + 1}: cameras", plug_in())
            if not urls:
                return
            for name, step in self._steps(urls):
                await self._try(f"round {number + 1}: {name}", step)

    async def _try(self, what: str, step: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(_STEP_S):
                await step
        except Exception as error:  # noqa: BLE001  # twelve minutes of others' work are not thrown away
            reason = (str(error) or type(error).__name__).splitlines()[0]
            print(f"  {what} failed: {reason}", flush=True)
            self._results.failures.append(f"{what}: {reason}")

    def _steps(self, urls: list[str]) -> Iterator[tuple[str, Awaitable[None]]]:
        said, host, figures = self._said, self._host, self._results.figures
        seconds, sizes = said.seconds, said.viewers
        for start in self._contenders:
            yield (
                f"{_name(start)}, one camera",
                load.one_camera(
                    start,
                    host,
                    urls,
                    sizes=sizes,
                    seconds=seconds,
                    figures=figures,
                    memory=not said.short,
                ),
            )
        for name, command in self._limits:
            yield (
                name,
                load.limit(name, command, host, sizes=sizes, seconds=seconds, figures=figures),
            )
        if said.short:
            return
        for start in self._contenders:
            yield (
                f"{_name(start)}, ten cameras",
                load.ten_cameras(start, host, urls, seconds=seconds, figures=figures),
            )
        for name, command in self._limits:
            yield (
                f"{name}, ten cameras",
                load.limit(
                    name, command, host, sizes=[50], seconds=seconds, figures=figures, cameras=10
                ),
            )


def _name(start: load.Start) -> str:
    return str(start.__module__).rpartition(".")[2]


if __name__ == "__main__":
    sys.exit(main())
