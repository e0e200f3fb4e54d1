"""The pages that people read, taken apart: headings, links, commands, tables."""

import html
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
_FENCE: Final = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
_HEADING: Final = re.compile(r"^(#+) (.+)$", re.MULTILINE)
_LINK: Final = re.compile(r"\[(?:[^\]`]|`[^`]*`)*\]\(([^)\s]+)\)")
_CODE: Final = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_CELL: Final = re.compile(r"(?<!\\)\|")


def every() -> list[Path]:
    """Return every page of the project that people open."""
    found = {ROOT / "README.md", ROOT / "CHANGELOG.md"}
    for folder in ("docs", "sites", "gateway", "tests"):
        found.update((ROOT / folder).rglob("*.md"))
    kept = (one for one in found if not {"node_modules", "out"} & set(one.parts))
    return sorted(one for one in kept if not any(part.startswith(".") for part in one.parts))


def text_of(page: Path) -> str:
    """Return what a page says."""
    return page.read_text(encoding="utf-8")


def blocks(page: Path, language: str | None = None) -> list[str]:
    """Return the fenced blocks of a page, all or of one language."""
    found = _FENCE.findall(text_of(page))
    return [body for _, name, body in found if language is None or name == language]


def prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    return _FENCE.sub("", text_of(page))


def headings(page: Path) -> list[tuple[int, str]]:
    """Return level and text of each heading."""
    return [(len(marks), text) for marks, text in _HEADING.findall(prose(page))]


def anchors(page: Path) -> set[str]:
    """Return the names by which the page's headings are linked to, as GitHub makes them."""
    seen: dict[str, int] = {}
    names = set()
    for _, heading in headings(page):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", html.unescape(plain).lower()).replace(" ", "-")
        count = seen.get(slug, 0)
        seen[slug] = count + 1
        names.add(f"{slug}-{count}" if count else slug)
    return names


def links(page: Path) -> list[str]:
    """Return where a page links to inside the project, with anchors."""
    found = _LINK.findall(prose(page))
    return [one for one in found if not re.match(r"[a-z]+:", one)]


def target(page: Path, link: str) -> tuple[Path, str]:
    """Return the file and the anchor that a link names."""
    path, _, anchor = link.partition("#")
    return ((page.parent / path).resolve() if path else page), anchor


def code(page: Path) -> list[str]:
    """Return what stands in single backquotes."""
    return [" ".join(one.split()) for one in _CODE.findall(prose(page))]


def rows(page: Path) -> list[list[str]]:
    """Return the cells of each row of the page's tables, their heads and rulers among them."""
    lines = [line for line in prose(page).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in _CELL.split(line)[1:-1]] for line in lines]


def commands(page: Path, program: str) -> Iterator[Sequence[str]]:
    """Yield the arguments of each command line of ``program`` on a page."""
    for block in blocks(page, "console"):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith(("$ ", "# ")):
                yield from _parts(line[2:], program)
    for one in code(page):
        if one.startswith(f"{program} "):
            yield from _parts(one, program)


def _parts(line: str, program: str) -> Iterator[Sequence[str]]:
    words = shlex.split(line.replace("[DIR]", "DIR").replace("…", "TEXT"), comments=True)
    for begin, word in enumerate(words):
        if word == program and (begin == 0 or words[begin - 1] in {"||", "&&", ";"}):
            rest = words[begin + 1 :]
            ends = [at for at, other in enumerate(rest) if other in {"||", "&&", ";", "|", ">"}]
            yield rest[: ends[0]] if ends else rest
