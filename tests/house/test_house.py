"""The house itself: sizes, arrows and words that a reader relies on."""

import ast
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
LONGEST_MODULE = 330
LONGEST_FUNCTION = 60


def _tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).exists()]


def test_a_module_holds_one_idea() -> None:
    """A longer module means that a room or a module is missing."""
    long = {
        str(path.relative_to(ROOT)): lines
        for path in _tracked("gateway/*.py", "web/*.js")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST_MODULE
    }
    assert not long


def test_a_function_fits_on_a_screen() -> None:
    long = {
        f"{path.relative_to(ROOT)}: {node.name}": length
        for path in _tracked("gateway/*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno) > LONGEST_FUNCTION
    }
    assert not long


def test_no_unfinished_work_is_left_in_the_tree() -> None:
    marks = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in _tracked("*.py", "*.js", "*.html", "*.css", "*.sh", "Makefile")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if marks.search(line)
    ]
    assert not found


def test_every_room_is_on_the_map() -> None:
    text = (ROOT / "gateway" / "README.md").read_text(encoding="utf-8")
    rooms = {path.relative_to(ROOT / "gateway").parts[0] for path in _tracked("gateway/*/*.py")}
    missing = [room for room in sorted(rooms) if f"`{room}/`" not in text]
    assert not missing, f"gateway/README.md does not name {missing}"


def test_git_holds_no_big_files() -> None:
    big = [p.relative_to(ROOT) for p in _tracked() if p.stat().st_size > 1_000_000]
    assert not big


def test_generic_classes_are_made_without_their_argument() -> None:
    """``Held[int]()`` of a frozen class with slots fails on Debian 12's Python 3.11.2."""
    made = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in _tracked("gateway/*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Subscript)
        if isinstance(node.func.value, ast.Name)
        # A class, not a table of functions.
        if re.match("_?[A-Z][a-z]", node.func.value.id)
    ]
    assert not made, "write: name: Held[int] = Held()"
