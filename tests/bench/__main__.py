"""``python -m tests.bench``: what a viewer costs, beside Janus and beside the limit."""

import argparse
import asyncio
import sys

from tests.bench import camera, floor, janus, load, ours, place, report, trials


def main() -> int:
    """Measure, print, and say by the exit status whether every bar was met."""
    host, arguments = place.enter(sys.argv[1:])
    said = _options(arguments)
    place.step_aside()
    results = asyncio.run(_run(host, said))
    measured = report.text(results)
    print(f"\n{measured}")
    if said.readme:
        report.rewrite(measured)
    missed = [bar for bar in [*report.bars(results.figures), *results.others] if bar.good is False]
    return 1 if missed else 0


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
    wanted = said.only or ["ours", "janus", "floor", "loop", "trials"]
    figures = load.Figures()
    weather = place.busy()
    print(weather or "the machine is quiet", flush=True)
    results = report.Results(figures, said.viewers, said.rounds, said.seconds, weather)
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
        async with camera.running(host, 10) as cameras:
            await _round(
                host, said, cameras.urls, contenders=contenders, limits=limits, figures=figures
            )
    if "trials" in wanted:
        results.others += await trials.run(host, starts=said.starts)
    return results


async def _round(
    host: str,
    said: argparse.Namespace,
    urls: list[str],
    *,
    contenders: list[load.Start],
    limits: list[tuple[str, tuple[str, ...]]],
    figures: load.Figures,
) -> None:
    """Measure everything once, one after the other: ratios within a round share its weather."""
    seconds, sizes = said.seconds, said.viewers
    for start in contenders:
        await load.one_camera(
            start,
            host,
            urls,
            sizes=sizes,
            seconds=seconds,
            figures=figures,
            memory=not said.short,
        )
    for name, command in limits:
        await load.limit(name, command, host, sizes=sizes, seconds=seconds, figures=figures)
    if said.short:
        return
    for start in contenders:
        await load.ten_cameras(start, host, urls, seconds=seconds, figures=figures)
    for name, command in limits:
        await load.limit(
            name, command, host, sizes=[50], seconds=seconds, figures=figures, cameras=10
        )


if __name__ == "__main__":
    sys.exit(main())
