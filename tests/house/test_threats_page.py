"""docs/threats.md: every line is held by a test that is there and runs."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES = [
    line
    for line in (ROOT / "docs" / "threats.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith(("| wants", "| does", "| ---"))
]
NAMED = re.compile(r"`((?:rooms|e2e|docker|swarm|fuzz|house)/[\w/]+\.py)(?:::(\w+))?`")


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[2:40].strip())
def test_a_threat_is_held_by_a_test(line: str) -> None:
    named = NAMED.findall(line)
    assert named, line
    for file, test in named:
        content = (ROOT / "tests" / file).read_text(encoding="utf-8")
        if not test:
            assert "def test_" in content, file
            continue
        found = re.search(
            rf"((?:^@.*\n|^[ )].*\n)*)^(?:async )?def {test}\(", content, re.MULTILINE
        )
        assert found, f"{file}::{test}"
        assert "mark.skip(" not in found[1], f"{file}::{test}"
