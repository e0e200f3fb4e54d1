"""Every word by which the gateway says why has a sentence in every language of its pages."""

import ast
import functools
import json
import re
from pathlib import Path

import pytest

from gateway.control import causes
from gateway.model.device import DeviceFailureKind
from gateway.model.errors import ErrorKind
from gateway.model.plan import StepKind
from gateway.rtsp.describe import Outcome

ROOT = Path(__file__).parents[2]
LANGUAGES = ("ru", "en")
BLANK = re.compile(r"\{(\w+)\}")


def sentences(language: str) -> dict[str, str]:
    text = (ROOT / f"web/i18n/gateway.{language}.json").read_text(encoding="utf-8")
    found: dict[str, str] = json.loads(text)
    return found


@functools.cache
def calls() -> tuple[ast.Call, ...]:
    return tuple(
        node
        for path in (ROOT / "gateway").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    )


def first_words(name: str) -> set[str]:
    """Return the literal first argument of every call of ``name`` in the gateway."""
    return {
        str(call.args[0].value)
        for call in calls()
        if isinstance(call.func, ast.Name) and call.func.id == name and call.args
        if isinstance(call.args[0], ast.Constant) and call.args[0].value
    }


def words_of(key: str, *names: str) -> set[str]:
    """Return the literal ``key=...`` of every call of one of ``names``."""
    return {
        str(word.value.value)
        for call in calls()
        if isinstance(call.func, ast.Name) and call.func.id in names
        for word in call.keywords
        if word.arg == key and isinstance(word.value, ast.Constant) and word.value.value
    }


CAUSES = (
    {str(one) for one in ErrorKind}
    | {str(one) for one in DeviceFailureKind}
    | {str(one) for one in Outcome if one is not Outcome.OK}
    | {one.code for one in causes.OWN}
    | {causes.same_address("").code}
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_cause_is_said(language: str) -> None:
    told = sentences(language)
    wanted = CAUSES | first_words("ProbeFailure") | first_words("Cause")
    assert {"no_picture", "outside", "building_off"} <= wanted, "the search finds something"
    assert [code for code in sorted(wanted) if f"cause.{code}" not in told] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_advice_is_said_with_what_to_do(language: str) -> None:
    told = sentences(language)
    wanted = first_words("Reason")
    assert "h265" in wanted
    missing = [
        key
        for code in sorted(wanted)
        for key in (f"advice.{code}", f"advice.{code}.do")
        if key not in told
    ]
    assert missing == []


REMARKS = {f"{how}_{kind}" for how in ("done", "failed") for kind in StepKind}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_remark_is_said_and_no_other(language: str) -> None:
    told = {key for key in sentences(language) if key.startswith("remark.")}
    wanted = REMARKS | first_words("remark")
    assert {"moved", "twins", "no_server", "done_create"} <= wanted, "the search finds something"
    assert told == {f"remark.{code}" for code in wanted}
    # The ``why`` of a remark is looked up among the remarks first, then among the causes.
    assert wanted & CAUSES == set()


def test_a_remark_brings_what_its_sentence_needs() -> None:
    told = sentences("en")
    seen = 0
    for call in calls():
        if not (isinstance(call.func, ast.Name) and call.func.id == "remark"):
            continue
        code, brought = call.args[0], {word.arg for word in call.keywords}
        if isinstance(code, ast.Constant) and None not in brought:
            assert set(BLANK.findall(told[f"remark.{code.value}"])) == brought, code.value
            seen += 1
    assert seen > 10, "the search finds something"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_problem_is_said(language: str) -> None:
    told = sentences(language)
    wanted = {str(one) for one in ErrorKind} | words_of("kind", "Problem")
    wanted |= words_of("reason", "GatewayError")
    assert {"changed", "too_many_requests"} <= wanted
    assert [code for code in sorted(wanted) if f"problem.{code}" not in told] == []


def test_the_languages_say_the_same() -> None:
    ru, en = (sentences(language) for language in LANGUAGES)
    assert ru.keys() == en.keys()
    for key, sentence in ru.items():
        assert set(BLANK.findall(sentence)) == set(BLANK.findall(en[key])), key
        assert not re.search(r"[A-Za-z]{5,} [a-z]{4,} [a-z]{3,}", sentence), f"{key} is English"


# What asks for something that is not there or not for it is told so; the rest is our own mistake,
# or passes by itself. docs/errors.md says of each kind what to do.
PLAIN = ("NOT_FOUND", "FORBIDDEN", "UNAUTHORIZED", "INTERNAL", "CAMERA_OFFLINE")


def test_every_error_sentence_comes_with_what_to_do() -> None:
    raised = [
        call
        for call in calls()
        if isinstance(call.func, ast.Name) and call.func.id == "GatewayError" and call.args
    ]
    assert len(raised) > 100, "the search finds something"
    silent = [
        ast.unparse(call)
        for call in raised
        if len(call.args) < 3 and not any(word.arg == "hint" for word in call.keywords)
        if not ast.unparse(call.args[0]).endswith(PLAIN)
    ]
    assert silent == []
