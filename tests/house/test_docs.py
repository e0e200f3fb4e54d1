"""What the pages tell is there: links, anchors, commands, keys, sentences; in Russian too."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from gateway.cli import app
from gateway.config.schema import Kind, keys
from tests.house import pages
from tests.house.pages import ROOT

DOCS = ROOT / "docs"
RUSSIAN = sorted((DOCS / "ru").glob("*.md"))
LANGUAGES = {"en": DOCS, "ru": DOCS / "ru"}
ROOMS = ("cause", "advice", "problem")


def names(page: Path) -> str:
    return str(page.relative_to(ROOT))


def by_name(found: list[Path]) -> dict[str, Any]:
    return {"argvalues": found, "ids": [names(one) for one in found]}


@pytest.mark.parametrize("page", **by_name(pages.every()))
def test_links_lead_somewhere(page: Path) -> None:
    for link in pages.links(page):
        file, anchor = pages.target(page, link)
        assert file.exists(), link
        if anchor:
            assert anchor in pages.anchors(file), link


@pytest.mark.parametrize("page", **by_name(pages.every()))
def test_command_lines_are_understood(page: Path) -> None:
    """Each is given to the parser of the command line, which does nothing yet."""
    program = typer.main.get_command(app)
    for words in pages.commands(page, "gateway"):
        name, arguments = words[0], list(words[1:])
        known: dict[str, Any] = program.commands  # type: ignore[attr-defined]  # a group
        assert name in known, words
        required = [one.name for one in known[name].params if one.required]
        known[name].make_context(name, arguments, resilient_parsing=not arguments and required)


def unknown(content: Any, known: set[str], path: str = "") -> list[str]:
    """Return the keys of a YAML example that no file has."""
    if isinstance(content, list):
        return [key for one in content for key in unknown(one, known, f"{path}[]")]
    if not isinstance(content, dict):
        return []
    found = []
    for key, value in content.items():
        here = f"{path}.{key}" if path else str(key)
        group = any(one.startswith((f"{here}.", f"{here}[")) for one in known)
        if here not in known and not group:
            found.append(here)
        elif group:
            found += unknown(value, known, here)
    return found


def example_kind(text: str, content: dict[str, Any]) -> Kind:
    title = text.splitlines()[0]
    named = re.search(r"(\w[\w-]*)\.yaml", title)
    if named:
        return "gateway" if named[1] == "gateway" else "site"
    company = {"listen", "media_servers", "machine", "tickets", "ice_servers", "staff_token"}
    return "gateway" if company & set(content) else "site"


@pytest.mark.parametrize("page", **by_name([*sorted(DOCS.glob("*.md")), ROOT / "README.md"]))
def test_examples_of_files_use_keys_that_exist(page: Path) -> None:
    for text in pages.blocks(page, "yaml"):
        content = yaml.safe_load(text)
        kind = example_kind(text, content)
        assert unknown(content, {one.path for one in keys(kind)}) == [], text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_page_names_every_other(language: str) -> None:
    folder = LANGUAGES[language]
    first = folder / "README.md"
    named = {pages.target(first, link)[0] for link in pages.links(first)}
    assert {one for one in folder.glob("*.md") if one != first} - named == set()


def english(page: Path) -> Path:
    return DOCS / page.name


def common(page: Path, link: str) -> str:
    """Return what a link names, the same for a page and its translation."""
    return names(pages.target(page, link)[0]).replace("docs/ru/", "docs/")


@pytest.mark.parametrize("page", **by_name(RUSSIAN))
def test_a_translation_has_all_that_the_original_has(page: Path) -> None:
    original = english(page)
    levels = [[level for level, _ in pages.headings(one)] for one in (page, original)]
    assert levels[0] == levels[1]
    assert pages.blocks(page) == pages.blocks(original)
    assert set(pages.code(page)) == set(pages.code(original))
    linked = [{common(one, link) for link in pages.links(one)} for one in (page, original)]
    assert linked[0] - {"docs/README.md"} == linked[1] - {"docs/README.md"}
    tables = [[(len(row), row[0]) for row in pages.rows(one)] for one in (page, original)]
    for translated, said in zip(*tables, strict=True):
        assert translated[0] == said[0]
        if re.fullmatch(r"`[^`]+`", said[1]):
            assert translated[1] == said[1]


@pytest.mark.parametrize("page", **by_name(RUSSIAN))
def test_a_translation_is_in_russian(page: Path) -> None:
    text = re.sub(r"^ {4}.*$", "", pages.prose(page), flags=re.MULTILINE)
    for sentence in re.split(r"[.:;\n|]", re.sub(r"`[^`]*`|\([^)]*\)", "", text)):
        english_words = re.findall(r"\b[a-z]{3,}\b", sentence)
        assert len(english_words) < 4 or re.search(r"[\u0430-\u044f]", sentence), sentence


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_error_is_told_with_what_to_do(language: str) -> None:
    text = (ROOT / f"web/i18n/gateway.{language}.json").read_text(encoding="utf-8")
    said = {key: re.sub(r"\{\w+\}", "…", one) for key, one in json.loads(text).items()}
    found = [row for row in pages.rows(LANGUAGES[language] / "errors.md") if row[0][0] == "`"]
    wanted = [key for key in said if key.split(".")[0] in ROOMS and not key.endswith(".do")]
    assert [row[0].strip("`") for row in found] == [key.partition(".")[2] for key in wanted]
    for key, (_, sentence, advice) in zip(wanted, found, strict=True):
        assert sentence == said[key], key
        assert advice, key
        if f"{key}.do" in said:
            assert advice == said[f"{key}.do"], key


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_for_residents_quotes_the_page_that_they_see(language: str) -> None:
    text = (ROOT / f"web/i18n/resident.{language}.json").read_text(encoding="utf-8")
    said = {re.sub(r"\{\w+\}", "…", one): key for key, one in json.loads(text).items()}
    quoted = {row[0] for row in pages.rows(LANGUAGES[language] / "watch.md")[2:]}
    assert quoted - said.keys() == set()
    refusals = {one for one, key in said.items() if re.fullmatch(r"refused\.\w+", key)}
    assert {said[one] for one in refusals - quoted} == set()


@pytest.mark.parametrize("page", **by_name(pages.every()))
def test_targets_of_make_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    known = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    said = {words[0] for words in pages.commands(page, "make") if words}
    assert {one for one in said if "=" not in one} - known == set()
