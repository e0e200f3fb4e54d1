"""An acceptance record as a page that prints on one sheet: no scripts, nothing from elsewhere."""

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC
from html import escape
from types import MappingProxyType
from typing import Final

from gateway.model.probe import Playable, Reason
from gateway.model.survey import Acceptance

_WORDS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {
            "title": "Acceptance record",
            "site": "Building",
            "camera": "Camera",
            "when": "Time (UTC)",
            "who": "Technician",
            "device": "Device",
            "serial": "Serial number",
            "firmware": "Firmware",
            "mac": "Hardware address",
            "address": "Address",
            "stream": "Picture",
            "verdict": "For residents",
            "advice": "To be set in the camera",
            "seconds": "From registration to the first video",
            "unit": "s",
            "signature": "Signature",
            "registered": "The camera was put to work.",
            "replaced": "The device of this camera was exchanged.",
            "none": "There is no picture.",
            Playable.EVERYWHERE: "plays in every browser",
            Playable.SOMEWHERE: "plays in some browsers only",
            Playable.NOWHERE: "does not play in a browser",
            Playable.UNKNOWN: "could not be judged",
        },
        "ru": {
            "title": "Акт приёмки",
            "site": "Дом",
            "camera": "Камера",
            "when": "Время (UTC)",
            "who": "Монтажник",
            "device": "Устройство",
            "serial": "Серийный номер",
            "firmware": "Прошивка",
            "mac": "MAC-адрес",
            "address": "Адрес",
            "stream": "Изображение",
            "verdict": "Для жителей",
            "advice": "Изменить в настройках камеры",
            "seconds": "От регистрации до первого видео",
            "unit": "сек.",
            "signature": "Подпись",
            "registered": "Камера введена в работу.",
            "replaced": "Устройство этой камеры заменено.",
            "none": "Изображения нет.",
            Playable.EVERYWHERE: "воспроизводится во всех браузерах",
            Playable.SOMEWHERE: "воспроизводится не во всех браузерах",
            Playable.NOWHERE: "не воспроизводится в браузере",
            Playable.UNKNOWN: "оценить не удалось",
        },
    }
)
_STYLE: Final = (
    "@page{size:A4;margin:15mm}body{font:14px/1.45 sans-serif;color:#111;max-width:44em;"
    "margin:2em auto;padding:0 1em}h1{font-size:1.5em;margin:0 0 .2em}img{max-width:100%;"
    "border:1px solid #999}table{border-collapse:collapse;width:100%;margin:1em 0}"
    "th,td{text-align:left;vertical-align:top;padding:.25em .6em;border-bottom:1px solid #ccc}"
    "th{width:16em;font-weight:normal;color:#555}.sign{margin-top:3em;border-top:1px solid #111;"
    "width:20em;padding-top:.3em;color:#555}"
)
STYLE_HASH: Final = (
    "'sha256-" + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode() + "'"
)
"""The page's one style element, as a Content-Security-Policy (CSP 3, section 2.3.1) names it."""


def page(record: Acceptance, language: str, mend: Callable[[Reason], str]) -> str:
    """Return the page in ``language`` (``ru`` or ``en``, anything else is ``en``).

    ``mend`` says in it which setting of the camera a reason asks to change.
    """
    code = language if language in _WORDS else "en"
    words = _WORDS[code]
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>"
        for name, value in _rows(record, words, code, mend)
        if value
    )
    number = f" № {record.number}" if record.number else ""
    title = f"{words['title']}{number}"
    return (
        f'<!doctype html><html lang="{code}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>"
        f"<p>{escape(words.get(record.action, ''))}</p>{_picture(record, words)}"
        f'<table>{rows}</table><p class="sign">{escape(words["signature"])}</p></body></html>\n'
    )


def _rows(
    record: Acceptance, words: Mapping[str, str], language: str, mend: Callable[[Reason], str]
) -> Iterator[tuple[str, str]]:
    yield words["site"], _named(record.site_name, record.site, language)
    yield words["camera"], _named(record.camera_name, record.camera, language)
    yield words["when"], record.when.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
    yield words["who"], record.who
    yield words["device"], " ".join(filter(None, (record.make, record.model)))
    yield words["serial"], record.serial
    yield words["firmware"], record.firmware
    yield words["mac"], record.mac
    yield words["address"], record.address
    yield words["stream"], _stream(record)
    if record.verdict is not None:
        yield words["verdict"], words[record.verdict.playable]
        for reason in record.verdict.reasons:
            yield words["advice"], mend(reason)
    if record.seconds is not None:
        yield words["seconds"], f"{record.seconds:.1f} {words['unit']}"


def _named(names: Mapping[str, str], identity: str, language: str) -> str:
    name = names.get(language) or next(iter(names.values()), "")
    return f"{name} ({identity})" if name else identity


def _stream(record: Acceptance) -> str:
    facts = record.facts
    if facts.codec is None:
        return ""
    parts = [facts.codec, facts.profile or "", f"{facts.width} x {facts.height}"]
    parts.append(f"{facts.fps:g} fps" if facts.fps else "")
    parts.append(f"GOP {facts.gop_s:.1f} s" if facts.gop_s else "")
    return " ".join(filter(None, parts))


def _picture(record: Acceptance, words: Mapping[str, str]) -> str:
    if record.picture is None:
        return f"<p>{escape(words['none'])}</p>"
    data = base64.b64encode(record.picture).decode("ascii")
    return f'<p><img alt="" src="data:image/jpeg;base64,{data}"></p>'
