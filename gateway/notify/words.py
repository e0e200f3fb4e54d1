"""The sentences of messages, in the company's language."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from gateway.model.notify import Missing, Notice, NoticeKind

_MOST_NAMES: Final = 12

_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "whole": "{site}: no camera of the building shows a picture since {since}.",
        "began": "{site}: no picture since {since}: {cameras}.",
        "whole_over": "{site}: all cameras show a picture again, after {lasted}.",
        "ended": "{site}: the picture is back after {lasted}: {cameras}.",
        "trial": "A trial message of the camera gateway. It arrives, so all is well.",
        "reason": "Reason: {reason}",
        "more": "and {count} more",
        "min": "{n} min",
        "h": "{h} h {n} min",
    },
    "ru": {
        "whole": "{site}: ни одна камера дома не показывает, началось в {since}.",
        "began": "{site}: нет изображения, началось в {since}: {cameras}.",
        "whole_over": "{site}: все камеры снова показывают, перерыв {lasted}.",
        "ended": "{site}: изображение вернулось, перерыв {lasted}: {cameras}.",
        "trial": "Пробное сообщение шлюза камер. Оно пришло, значит, всё в порядке.",
        "reason": "Причина: {reason}",
        "more": "и ещё {count}",
        "min": "{n} мин",
        "h": "{h} ч {n} мин",
    },
}


def sentence(notice: Notice, language: str) -> str:
    """Return a message of one or two lines."""
    words = _WORDS.get(language, _WORDS["en"])
    if notice.kind is NoticeKind.TRIAL:
        return words["trial"]
    began = notice.kind is NoticeKind.BEGAN
    since = min(one.since for one in notice.cameras)
    line = words[
        ("whole" if began else "whole_over") if notice.whole else ("began" if began else "ended")
    ].format(
        site=notice.site_name.pick(language),
        since=_clock(since, notice),
        cameras=_names(notice.cameras, language, words),
        lasted=_lasted((notice.at - since).total_seconds(), words),
    )
    reasons = dict.fromkeys(one.reason for one in notice.cameras if one.reason)
    told = [words["reason"].format(reason=reason) for reason in list(reasons)[:3]]
    return "\n".join([line, *told])


def _names(cameras: tuple[Missing, ...], language: str, words: Mapping[str, str]) -> str:
    names = [one.name.pick(language) for one in cameras[:_MOST_NAMES]]
    left = len(cameras) - len(names)
    return ", ".join([*names, *([words["more"].format(count=left)] if left else [])])


def _clock(at: datetime, notice: Notice) -> str:
    local = at.astimezone(ZoneInfo(notice.timezone or "UTC"))
    zone = "" if notice.timezone else " UTC"
    return f"{local:%H:%M}{zone} ({local:%d.%m})"


def _lasted(seconds: float, words: Mapping[str, str]) -> str:
    hours, minutes = divmod(max(1, round(seconds / 60)), 60)
    return words["h"].format(h=hours, n=minutes) if hours else words["min"].format(n=minutes)
