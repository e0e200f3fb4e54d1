"""YAML text as a tree that remembers where each piece stands.

The reader needs lines for its problems, the editor needs exact positions to change one value and
leave every other character alone. Plain scalars stay the text that was written: the schema knows
which key is a number, so ``id: 012`` and the language ``no`` keep their letters.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Path = tuple[str | int, ...]


class DocumentError(Exception):
    """The text is no document that can be read; ``line`` counts from 1, 0 is the whole file.

    The message never repeats the text: a stray password must not end up on the board.
    """

    def __init__(self, line: int, message: str, path: Path = ()) -> None:
        super().__init__(message)
        self.line = line
        self.message = message
        self.path = path


@dataclass(slots=True, eq=False)
class Node:
    """A scalar (``value``), a mapping (``entries``) or a list (``items``).

    ``start`` and ``end`` are offsets in characters; the end of a block collection is that of its
    last piece. ``line`` counts from 1, ``column`` from 0. ``style`` is the quote or ``|`` or
    ``>`` of a scalar, empty when plain; ``flow`` means written in brackets.
    """

    kind: str
    start: int
    end: int
    line: int
    column: int
    value: str | None = None
    style: str = ""
    flow: bool = False
    entries: list[tuple["Node", "Node"]] = field(default_factory=list)
    items: list["Node"] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)

    def put(self, key: "Node", value: "Node") -> None:
        """Add an entry to a mapping."""
        self.places[str(key.value)] = len(self.entries)
        self.entries.append((key, value))

    def get(self, key: str) -> "Node | None":
        """Return the value of ``key`` of a mapping."""
        found = self.entry(key)
        return found[1] if found else None

    def entry(self, key: str) -> "tuple[Node, Node] | None":
        """Return key and value of ``key`` of a mapping."""
        place = self.places.get(key)
        return None if place is None else self.entries[place]


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file: its text, its tree and its plain data."""

    text: str
    root: Node
    data: Any

    def line(self, path: Path) -> int:
        """Return the line of the deepest piece of ``path`` that is written."""
        return line_of(self.root, path)


def line_of(root: Node, path: Path) -> int:
    """Return the line where ``path`` is written, or its nearest parent that is."""
    node, line = root, root.line
    for part in path:
        if isinstance(part, int):
            if part >= len(node.items):
                break
            node = node.items[part]
            line = node.line
        else:
            entry = node.entry(part)
            if entry is None:
                break
            line, node = entry[0].line, entry[1]
    return line


def key_of(path: Path) -> str:
    """Return a path as people write it: ``cameras[0].id``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "file"


def plain(node: Node) -> Any:
    """Return the tree as dicts, lists, texts and ``None``."""
    if node.kind == "map":
        return {str(key.value): plain(value) for key, value in node.entries}
    if node.kind == "list":
        return [plain(item) for item in node.items]
    return node.value


def meant(data: Any) -> Any:
    """Return data in the form in which two of them are compared: texts, and no empty keys."""
    if isinstance(data, dict):
        return {str(key): meant(item) for key, item in data.items() if item is not None}
    if isinstance(data, list | tuple):
        return [meant(item) for item in data]
    if isinstance(data, bool):
        return "true" if data else "false"
    return None if data is None else str(data)


def walk(data: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every piece of plain data with its path, parents first."""
    yield path, data
    if isinstance(data, dict):
        for key, value in data.items():
            yield from walk(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from walk(value, (*path, index))
