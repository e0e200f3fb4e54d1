"""What docs/embed.md tells a web developer is true: its tickets open, its names exist."""

import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.api.tickets import verify
from gateway.kit.secret import Secret

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/embed.md").read_text(encoding="utf-8")
KEY = "a key of the tests that is long enough to sign tickets with"
RUNS = {
    "python": ([sys.executable, "-"], "\nprint(ticket)"),
    "js": (["node", "-"], "\nconsole.log(ticket)"),
    "php": (["php"], "\necho $ticket;"),
}

pytestmark = pytest.mark.slow


def code(language: str) -> str:
    """Return the text's code in one language that makes a ticket."""
    found = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    return next(item for item in found if "watch_until" in item)


@pytest.mark.parametrize("language", sorted(RUNS))
def test_the_tickets_that_the_text_makes_open(language: str) -> None:
    command, ending = RUNS[language]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    source = ("<?php " if language == "php" else "") + code(language) + ending
    made = subprocess.run(
        command,
        input=source,
        env={"TICKET_SECRET": KEY},
        capture_output=True,
        text=True,
        check=True,
    )
    ticket = verify(made.stdout.strip(), Secret(KEY), now=datetime.now(UTC))
    assert ticket.sites == {"lenina-12"}
    assert ticket.subject == "flat-42"
    assert ticket.watch_until is not None


def test_the_parts_and_properties_of_the_text_exist() -> None:
    sources = "".join(
        (ROOT / "web/js/player" / name).read_text(encoding="utf-8")
        for name in ("look.js", "view.js", "camera-wall.js", "camera-player.js")
    )
    properties = set(re.findall(r"--camera-[a-z]+", TEXT))
    assert properties == set(re.findall(r"--camera-[a-z]+", sources))
    parts = re.search(r"on the players (`frame`.*?); on the wall `message`", TEXT, re.DOTALL)
    assert parts is not None
    named = set(re.findall(r"`([a-z]+)`", parts[1])) | {"message"}
    assert named == set(re.findall(r'part: "([a-z]+)"', sources))


def test_the_reasons_of_the_text_have_sentences() -> None:
    table = TEXT.split("| reason |")[1].split("\n\n")[0]
    reasons = {
        name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])
    }
    texts = json.loads((ROOT / "web/i18n/resident.en.json").read_text(encoding="utf-8"))
    assert reasons
    assert {name for name in reasons if f"refused.{name}" not in texts} == set()
