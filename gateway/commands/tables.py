"""What people read in a terminal: lines of progress, and tables as wide as their words (pure)."""

from collections.abc import Iterator, Sequence
from typing import Final

from gateway.model.found import FoundDevice
from gateway.model.probe import Playable, StreamFacts
from gateway.model.survey import (
    Progress,
    Sighting,
    SightingState,
    SurveyEvent,
    SurveyEventKind,
)

_PLAYS: Final = {
    Playable.EVERYWHERE: "plays everywhere",
    Playable.SOMEWHERE: "plays in some browsers",
    Playable.NOWHERE: "does not play",
    Playable.UNKNOWN: "not judged",
}


def progress_line(event: SurveyEvent) -> str:
    """Return one step of a survey as a line; empty for one that is no news."""
    progress, one = event.progress, event.sighting
    head = f"{progress.elapsed_s:6.1f} s  {_done(progress)}"
    if one is None:
        reason = f": {event.reason}" if event.reason else ""
        return f"{head}  {event.state}{reason}"
    if event.kind is SurveyEventKind.PROBED:
        return f"{head}  {who(one)}: {result(one)}"
    return f"{head}  {who(one)}: {one.state}"


def who(one: Sighting) -> str:
    """Return how a person calls a camera: its id, else make and model, and where it is."""
    report = one.report
    made = " ".join(filter(None, (report.make, report.model))) if report else one.label
    return " ".join(filter(None, (one.camera or made, f"({one.address})")))


def result(one: Sighting) -> str:
    """Return what has become of a camera in a few words."""
    if one.state is SightingState.FAILED:
        return one.failure.message if one.failure else "failed"
    if one.verdict is None:
        return str(one.state)
    first = one.verdict.reasons[0].text if one.verdict.reasons else ""
    return ": ".join(filter(None, (_PLAYS[one.verdict.playable], first)))


def sightings_table(sightings: Sequence[Sighting]) -> str:
    """Return all cameras, one line each, with what to change below."""
    rows = [("#", "CAMERA", "ADDRESS", "DEVICE", "PICTURE", "RESULT")]
    for one in sorted(sightings, key=lambda one: (not one.camera, one.camera, one.n)):
        report = one.report
        made = " ".join(filter(None, (report.make, report.model))) if report else one.label
        rows.append(
            (str(one.n), one.camera or "(new)", one.address, made, _stream(one), result(one))
        )
    lines = [*_columns(rows)]
    for one in sightings:
        lines += [f"  {who(one)}: {advice}" for advice in advices(one)]
    return "\n".join(lines)


def advices(one: Sighting) -> Iterator[str]:
    """Yield what a technician should do about a camera."""
    yield from one.alarms
    if one.moved_from:
        yield f"moved: the file says {one.moved_from}, it is at {one.address} now"
    if one.failure is not None and one.failure.hint:
        yield one.failure.hint
    for reason in one.verdict.reasons if one.verdict and one.failure is None else ():
        if reason.setting:
            yield f"{reason.text}; {reason.setting}"


def found_table(devices: Sequence[FoundDevice]) -> str:
    """Return what a search has found."""
    rows = [("ADDRESS", "NAME", "MAC", "HEARD BY", "ASK AT")]
    rows += [
        (
            one.address,
            " ".join(one.scopes[key] for key in ("name", "hardware") if key in one.scopes),
            one.mac or "",
            "+".join(sorted(one.heard)),
            one.xaddrs[0] if one.onvif and one.xaddrs else "RTSP only",
        )
        for one in devices
    ]
    return "\n".join(_columns(rows))


def facts_text(facts: StreamFacts) -> str:
    """Return what was measured of a stream: ``H264 Main 1280x720 25 fps 2.1 Mbit/s GOP 2.0 s``."""
    if facts.codec is None:
        return ""
    parts = [facts.codec, facts.profile or ""]
    parts.append(f"{facts.width}x{facts.height}" if facts.width else "")
    parts.append(f"{facts.fps:g} fps" if facts.fps else "")
    parts.append(f"{facts.bitrate / 1e6:.1f} Mbit/s" if facts.bitrate else "")
    parts.append(f"GOP {facts.gop_s:.1f} s" if facts.gop_s else "")
    parts.append("B-frames" if facts.b_frames else "")
    parts.append(f"sound {facts.audio}" if facts.audio else "")
    return " ".join(filter(None, parts))


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
