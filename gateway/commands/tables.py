"""What people read in a terminal: lines of progress, and tables as wide as their words (pure).

``words`` are those of the reader's language.
"""

from collections.abc import Iterator, Sequence

from gateway.commands.words import Words
from gateway.model.encoder import Encoder
from gateway.model.found import FoundDevice
from gateway.model.probe import StreamFacts
from gateway.model.survey import (
    Progress,
    Sighting,
    SightingState,
    SurveyEvent,
    SurveyEventKind,
)


def progress_line(words: Words, event: SurveyEvent) -> str:
    """Return one step of a survey as a line; empty for one that is no news."""
    progress, one = event.progress, event.sighting
    taken = words.say("progress", seconds=f"{progress.elapsed_s:6.1f}")
    head = f"{taken}  {_done(progress)}"
    if one is None:
        return f"{head}  {words.say(f'survey.{event.state}')}"
    if event.kind is SurveyEventKind.PROBED:
        return f"{head}  {who(one)}: {result(words, one)}"
    return f"{head}  {who(one)}: {words.say(f'state.{one.state}')}"


def who(one: Sighting) -> str:
    """Return how a person calls a camera: its id, else make and model, and where it is."""
    report = one.report
    made = " ".join(filter(None, (report.make, report.model))) if report else one.label
    return " ".join(filter(None, (one.camera or made, f"({one.address})")))


def result(words: Words, one: Sighting) -> str:
    """Return what has become of a camera in a few words."""
    if one.state is SightingState.FAILED and one.failure is not None:
        said, _ = words.failure(one.failure)
        return said
    if one.state is SightingState.FAILED or one.verdict is None:
        return words.say(f"state.{one.state}")
    first = ""
    if one.verdict.reasons:
        first, _ = words.advice(one.verdict.reasons[0])
    return ": ".join(filter(None, (words.say(f"verdict.{one.verdict.playable}"), first)))


def sightings_table(words: Words, sightings: Sequence[Sighting]) -> str:
    """Return all cameras, one line each, with what to change below."""
    heads = ("camera", "address", "device", "picture", "result")
    rows = [("#", *(words.say(f"head.{name}") for name in heads))]
    for one in sorted(sightings, key=lambda one: (not one.camera, one.camera, one.n)):
        report = one.report
        made = " ".join(filter(None, (report.make, report.model))) if report else one.label
        name = one.camera or words.say("new")
        rows.append((str(one.n), name, one.address, made, _stream(one), result(words, one)))
    lines = [*_columns(rows)]
    for one in sightings:
        lines += [f"  {who(one)}: {advice}" for advice in advices(words, one)]
    return "\n".join(lines)


def advices(words: Words, one: Sighting) -> Iterator[str]:
    """Yield what a technician should do about a camera."""
    yield from (words.remark(remark) for remark in one.remarks)
    if one.moved_from:
        yield words.say("moved", home=one.moved_from, address=one.address)
    if one.failure is not None:
        _, mend = words.failure(one.failure)
        if mend:
            yield mend
    for reason in one.verdict.reasons if one.verdict and one.failure is None else ():
        said, setting = words.advice(reason)
        if setting:
            yield "; ".join((said.removesuffix("."), setting))


def found_table(words: Words, devices: Sequence[FoundDevice]) -> str:
    """Return what a search has found."""
    rows = [tuple(words.say(f"head.{name}") for name in ("address", "name", "mac", "heard", "ask"))]
    rows += [
        (
            one.address,
            " ".join(one.scopes[key] for key in ("name", "hardware") if key in one.scopes),
            one.mac or "",
            "+".join(words.say(f"heard.{way}") for way in sorted(one.heard)),
            one.xaddrs[0] if one.onvif and one.xaddrs else words.say("only_rtsp"),
        )
        for one in devices
    ]
    return "\n".join(_columns(rows))


def facts_text(words: Words, facts: StreamFacts) -> str:
    """Return what was measured of a stream: ``H264 Main 1280x720 25 fps 2.1 Mbit/s GOP 2.0 s``."""
    if facts.codec is None:
        return ""
    rate = f"{facts.bitrate / 1e6:.1f}" if facts.bitrate else ""
    measured = (
        ("fps", f"{facts.fps:g}" if facts.fps else ""),
        ("bitrate", rate),
        ("gop", f"{facts.gop_s:.1f}" if facts.gop_s else ""),
        ("b_frames", "+" if facts.b_frames else ""),
        ("audio", facts.audio or ""),
    )
    size = f"{facts.width}x{facts.height}" if facts.width else ""
    parts = [facts.codec, facts.profile or "", size]
    parts += [words.say(f"fact.{name}", value=value) for name, value in measured if value]
    return " ".join(filter(None, parts))


def encoder_text(words: Words, one: Encoder) -> str:
    """Return an encoder's setting."""
    size = f"{one.width}x{one.height}" if one.width else ""
    rate = words.say("fact.fps", value=f"{one.fps:g}") if one.fps else ""
    encoder = " ".join(filter(None, (one.codec, one.profile, size, rate)))
    return words.say("encoder.gop", encoder=encoder, frames=one.gop or "?")


def _stream(one: Sighting) -> str:
    look = one.main if one.main and not one.main.failure else one.sub
    if look is None or look.facts.codec is None:
        return ""
    fps = f" {look.facts.fps:g}" if look.facts.fps else ""
    return f"{look.facts.codec} {look.facts.width}x{look.facts.height}{fps}"


def _done(progress: Progress) -> str:
    searching = "+" if progress.searching else ""
    return f"[{progress.probed + progress.failed}/{progress.found}{searching}]"


def _columns(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]) - 1)]
    for row in rows:
        padded = (text.ljust(width) for text, width in zip(row, widths, strict=False))
        yield "  ".join((*padded, row[-1])).rstrip()
