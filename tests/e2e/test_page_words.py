"""The page's words: both languages say everything, and nothing is left that nobody says."""

import json
import re
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "web"
SCRIPTS = sorted((WEB / "js").rglob("*.js"))
PLURALS = {"ru": {"one", "few", "many", "other"}, "en": {"one", "other"}}
# Keys that are made of a known start and one of these ends.
MADE = {
    "site.state.": ("ok", "degraded", "down", "starting", "disabled"),
    "refused.": (
        *("watched", "over", "ticket", "revoked", "closed"),
        *("origin", "codec", "forbidden", "missing", "browser"),
    ),
    "plan.": ("create", "replace", "start", "stop", "remove", "pull", "drop"),
    "severity.": ("error", "warning"),
    "find.ended.": ("cancelled", "too_long", "failed"),
    "language.": ("ru", "en"),
    "access.": ("ticket", "staff", "public"),
    "end.": ("time_over", "revoked", "privacy", "closed", "moved", "lost"),
    "waiting.": ("network", "blocked", "server", "full", "privacy"),
    "preview.": ("missing", "missing.hint", "away", "away.hint"),
    "preview.warn.": ("staff", "nobody", "everybody", "public", "nokey", "address", "plain"),
    "preview.attribute.": ("cameras", "manual", "lang", "ticketProvider"),
    "preview.event.": ("statechange", "sitechange"),
    "short.": (
        "offline",
        "silent",
        "refused",
        "waiting",
        "watched",
        "preparing",
        "disabled",
        "queue",
    ),
}

pytestmark = pytest.mark.browser


def texts(language: str) -> dict[str, str]:
    """All texts: what residents read, what staff reads, and what web developers read."""
    files = (WEB / "i18n" / f"{name}{language}.json" for name in ("resident.", "", "developer."))
    kinds = [json.loads(file.read_text()) for file in files]
    together = {key: text for kind in kinds for key, text in kind.items()}
    assert len(together) == sum(map(len, kinds)), "a key belongs to one file"
    return together


def without_plurals(language: str) -> set[str]:
    ends = "|".join(PLURALS[language])
    return {re.sub(rf"\.({ends})$", "", key) for key in texts(language)}


def spoken() -> set[str]:
    """Every key that the scripts name, literally or by a known start."""
    source = "\n".join(script.read_text() for script in SCRIPTS)
    keys = set(re.findall(r'"([a-z]+(?:\.[a-z]+)*)"', source))
    for start, ends in MADE.items():
        assert f"`{start}${{" in source, f"nobody makes keys of {start}"
        keys |= {start + end for end in ends}
    return keys | {f"refused.{end}.hint" for end in MADE["refused."]}


def test_one_module_asks_the_gateway() -> None:
    callers = [script.name for script in SCRIPTS if re.search(r"\bfetch\(", script.read_text())]
    assert callers == ["api.js"], "js/api.js has the deadlines, the proofs and the errors"
    assert "fetch(" in (WEB / "js/api.js").read_text()


def test_both_languages_say_the_same_things() -> None:
    assert without_plurals("ru") == without_plurals("en")


def test_every_text_is_said_somewhere() -> None:
    assert without_plurals("ru") - spoken() == set()


def test_every_literal_key_has_a_text() -> None:
    source = "\n".join(script.read_text() for script in SCRIPTS)
    named = set(re.findall(r'\.text\(\s*"([^"]+)"', source))
    named |= {start + end for start, ends in MADE.items() for end in ends}
    assert named
    assert named - without_plurals("en") == set()


@pytest.mark.parametrize("language", ["ru", "en"])
def test_plurals_are_complete(language: str) -> None:
    keys = texts(language)
    for stem in {key.removesuffix(".other") for key in keys if key.endswith(".other")}:
        found = {key.removeprefix(f"{stem}.") for key in keys if key.startswith(f"{stem}.")}
        assert found == PLURALS[language], stem


@pytest.mark.parametrize("language", ["ru", "en"])
def test_placeholders_are_the_same_in_both_languages(language: str) -> None:
    other = texts("en" if language == "ru" else "ru")
    for key, text in texts(language).items():
        if key in other:
            assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", other[key])), key


def test_only_one_module_asks_the_server() -> None:
    asking = re.compile(r"\bfetch\s*\(|\bEventSource\s*\(|XMLHttpRequest|sendBeacon")
    callers = {
        script.name
        for script in SCRIPTS
        if any(
            asking.search(re.sub(r"//.*|^\s*\*.*", "", line))
            for line in script.read_text().splitlines()
        )
    }
    assert callers == {"api.js"}


def test_no_script_makes_markup_of_text() -> None:
    """Whatever a camera or a file says is put into text nodes and attributes."""
    making = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\("
    )
    assert [one.name for one in SCRIPTS if making.search(one.read_text(encoding="utf-8"))] == []
