"""The technician's commands in the terminal's language: which one, and that nothing is left out."""

import ast
import re
from pathlib import Path

import pytest

from gateway.commands.words import LANGUAGES, Words, words_for
from gateway.model.errors import ErrorKind, GatewayError
from gateway.saying import texts

ROOM = Path(__file__).parents[3] / "gateway/commands"
BLANK = re.compile(r"\{\w+\}")
TECHNICIANS = ("logins", "mend", "office", "options", "pretend", "register", "register_work",
               "survey", "survey_work", "tables")  # fmt: skip
MADE = {
    "head": ("camera", "address", "device", "picture", "result", "name", "mac", "heard", "ask"),
    "heard": ("multicast", "directed", "tcp"),
    "state": ("found", "interviewed", "probed", "failed"),
    "survey": ("running", "finished", "cancelled", "too_long", "failed"),
    "verdict": ("everywhere", "somewhere", "nowhere", "unknown"),
    "fact": ("fps", "bitrate", "gop", "b_frames", "audio"),
    "fix": ("set", "back"),
}


def own(language: str) -> dict[str, str]:
    return texts(ROOM / f"words.{language}.json")


def calls(name: str) -> list[ast.Call]:
    tree = ast.parse((ROOM / f"{name}.py").read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def strings(node: ast.AST) -> list[str]:
    """Return the literal strings within a node, without keys of texts and what is for machines."""
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("say", "error", "dumps")):
        return []
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    return [text for child in ast.iter_child_nodes(node) for text in strings(child)]


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "ru_RU.UTF-8"}, "ru"),
        ({"LANG": "ru"}, "ru"),
        ({"LANG": "RU_ru"}, "ru"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "run_RUN"}, "en"),
        ({"LANG": "ru_RU.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "ru_RU@x"}, "ru"),
        ({"LANG": "ru_RU.UTF-8", "LC_MESSAGES": "ru_RU", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "ru_RU.UTF-8", "LC_ALL": ""}, "ru"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "de:ru:en"}, "ru"),
        ({"LANG": "ru_RU.UTF-8", "LANGUAGE": "en_GB:ru"}, "en"),
        ({"LANG": "C", "LANGUAGE": "ru"}, "en"),
    ],
)
def test_the_terminal_says_the_language_as_for_gettext(
    environment: dict[str, str], language: str
) -> None:
    assert words_for(environment).language == language


def test_the_languages_say_the_same_with_the_same_values() -> None:
    first, *others = (own(language) for language in LANGUAGES)
    for other in others:
        assert other.keys() == first.keys()
        for key, text in first.items():
            assert set(BLANK.findall(text)) == set(BLANK.findall(other[key])), key


def test_what_is_said_has_a_text_and_every_text_is_said() -> None:
    said = {f"{start}.{end}" for start, ends in MADE.items() for end in ends} | {"main", "sub"}
    for name in (*TECHNICIANS, "words"):
        for call in calls(name):
            asked = ast.unparse(call.func).split(".")[-1]
            keys = {word for one in call.args for word in strings(one)}
            if asked == "say":
                said |= keys
            elif asked == "error" and call.args and name != "words":
                choice = {"no_video", "unseen"} if "key" in ast.unparse(call) else keys
                said |= {f"error.{key}{end}" for key in choice for end in ("", ".do")}
    assert {"fix.ask", "error.no_site", "pretend"} <= said, "the search finds something"
    assert {one for one in said if one.strip(".") == one} == own("en").keys()


def test_no_sentence_goes_past_the_words() -> None:
    passed = []
    told = 0
    for name in TECHNICIANS:
        for call in calls(name):
            asked = ast.unparse(call.func)
            assert asked != "GatewayError", f"{name} raises an error in English"
            if asked in {"typer.echo", "typer.confirm", "typer.prompt"}:
                told += 1
                passed += [text for text in strings(call) if re.search(r"\w\w", text)]
    assert told > 10, "the search finds something"
    assert set(passed) == {"gateway: "}


def test_a_failure_of_another_room_comes_with_its_exact_english() -> None:
    found = GatewayError(ErrorKind.CONFLICT, "taken", "take another", reason="no_site")
    said = Words("ru").spoken(found)
    assert (said.message, said.hint) == (
        "Такого дома нет.",
        "taken (take another)",
    )
    assert "по-английски" in said.label
    said = Words("en").spoken(found)
    assert (said.message, said.hint, said.label) == ("taken", "take another", "hint")
    assert Words("ru").spoken(said) is said, "what is said is not said again"


def test_letters_that_a_terminal_lacks_are_not_chosen() -> None:
    russian = Words("ru")
    assert russian.writable("utf-8")
    assert russian.writable("koi8-r")
    assert not russian.writable("ascii")
    assert not russian.writable("latin-1")
