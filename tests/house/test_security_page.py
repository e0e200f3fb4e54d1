"""docs/security.md names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`((?:api|config|store|e2e|house)/[\w./]+\.py)?(?:::(\w+))?`")


def test_every_test_of_the_checklist_is_there() -> None:
    text = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    content = ""
    found = 0
    for file, test in NAMED.findall(text):
        if file:
            rooms = "" if file.startswith(("e2e/", "house/")) else "rooms/"
            content = (ROOT / "tests" / f"{rooms}{file}").read_text(encoding="utf-8")
        if test:
            found += 1
            assert f"def {test}(" in content, f"{file}::{test}"
    assert found > 20
