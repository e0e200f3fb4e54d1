"""docs/security.md names tests that exist, and so does every other page."""

import re
from pathlib import Path

import pytest

from tests.house import pages
from tests.house.pages import ROOT

NAMED = re.compile(r"`((?:[\w.-]+/)+test_\w+\.py)?(?:::(\w+))?`")
PLACES = (ROOT, ROOT / "tests", ROOT / "tests/rooms")


def file_of(named: str) -> Path:
    """Return the file that is meant: pages leave ``tests/rooms/`` out where that is plain."""
    return next((place / named for place in PLACES if (place / named).is_file()), ROOT / named)


def missing(page: Path) -> tuple[int, list[str]]:
    """Return how many tests a page names, and those that are not there."""
    content, found, gone = "", 0, []
    for file, test in NAMED.findall(page.read_text(encoding="utf-8")):
        if file:
            there = file_of(file).is_file()
            content = file_of(file).read_text(encoding="utf-8") if there else ""
            gone += [] if there else [file]
        if test:
            found += 1
            gone += [] if f"def {test}(" in content else [f"{file}::{test}"]
    return found, gone


def test_every_test_of_the_checklist_is_there() -> None:
    found, gone = missing(ROOT / "docs/security.md")
    assert gone == []
    assert found > 50, "the search finds something"


@pytest.mark.parametrize("page", pages.every(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_test_that_a_page_names_is_there(page: Path) -> None:
    _, gone = missing(page)
    assert gone == []
