"""What is said of a site's size and of its changes (pure). The origin is server number 0."""

from collections.abc import Sequence
from typing import Final

from gateway.model.remark import Remark, remark

NO_LICENCE: Final = remark("no_licence", "no further licence is free")


def at_most(servers: int) -> Remark:
    """Say that the files allow no more."""
    return remark("files_most", f"the files allow {servers}", most=str(servers))


def at_least(servers: int) -> Remark:
    """Say that the files ask for so many."""
    return remark("files_least", f"the files ask for {servers} at least", least=str(servers))


def many_viewers(viewers: int, share: float, servers: int, each: int) -> Remark:
    """Say that viewers are more than a share of what the servers are meant for."""
    return remark(
        "many_viewers",
        f"{viewers} viewers are more than {share:.0%} of {servers} x {each}",
        viewers=str(viewers),
        share=_percent(share),
        servers=str(servers),
        each=str(each),
    )


def hot(n: int, share: float) -> Remark:
    """Say that a server's processor is hot."""
    at = _percent(share)
    if not n:
        return remark("hot_origin", f"the processor of the origin is at {at}%", at=at)
    return remark("hot_edge", f"the processor of edge {n} is at {at}%", n=str(n), at=at)


def late(n: int, share: float) -> Remark:
    """Say that a server sends streams too late."""
    of = _percent(share)
    if not n:
        return remark("late_origin", f"the origin sends {of}% of its streams too late", of=of)
    return remark("late_edge", f"edge {n} sends {of}% of its streams too late", n=str(n), of=of)


def calm(viewers: int, enough: int, minutes: float) -> Remark:
    """Say that fewer servers have been enough for long."""
    return remark(
        "calm",
        f"{viewers} viewers, and {enough} have been enough for {minutes:.0f} min",
        viewers=str(viewers),
        enough=str(enough),
        minutes=f"{minutes:.0f}",
    )


def machine_taken(what: str, share: float) -> Remark:
    """Say that the machine's ``processors`` or ``memory`` are taken.

    No figure of now: a sentence is said again only when it says something else.
    """
    text, most = f"more than {share:.0%} of the machine's {what} are taken", _percent(share)
    if what == "memory":
        return remark("machine_memory", text, allowed=most)
    return remark("machine_processors", text, allowed=most)


def grows(before: int, after: int, why: Remark) -> Remark:
    """Say that a site gets servers."""
    text = f"grows from {before} to {_servers(after)}: {why}"
    return remark("grows", text, **_nested(why, "why"), before=str(before), after=str(after))


def short(needs: int, has: int, but: Remark, why: Remark) -> Remark:
    """Say that a site gets fewer servers than it needs."""
    text = f"needs {needs} media servers and has {has}: {but} ({why})"
    values = _nested(but, "but") | _nested(why, "why")
    return remark("short", text, **values, needs=str(needs), has=str(has))


def goes(before: int, after: int, why: Remark, *, edges: Sequence[int], moved: int) -> Remark:
    """Say that servers of a site drain, and how many viewers move."""
    names = " and ".join(f"edge {n}" for n in edges)
    return remark(
        "goes",
        f"goes from {before} to {_servers(after)}: {why}; {names} drains ({moved} viewers)",
        **_nested(why, "why"),
        before=str(before),
        after=str(after),
        edges=", ".join(map(str, edges)),
        moved=str(moved),
    )


def drained(n: int, waited_s: float) -> Remark:
    """Say that nobody is left on a server that drains."""
    return remark(
        "drained",
        f"edge {n} has no viewers any more and is taken away after {waited_s:.0f} s",
        n=str(n),
        waited=f"{waited_s:.0f}",
    )


def overdue(n: int, viewers: int, within_s: float) -> Remark:
    """Say that the time of those who are left on a server is over."""
    return remark(
        "overdue",
        f"edge {n} is taken away with {viewers} viewers, who have not moved within "
        f"{within_s:.0f} s",
        n=str(n),
        viewers=str(viewers),
        within=f"{within_s:.0f}",
    )


def _percent(share: float) -> str:
    return f"{share * 100:.0f}"


def _nested(inner: Remark, name: str) -> dict[str, str]:
    return {**dict(inner.values), name: inner.code}


def _servers(count: int) -> str:
    return f"{count} media server" + ("s" if count != 1 else "")
