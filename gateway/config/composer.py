"""YAML text into a :class:`~gateway.config.document.Document`, whatever the text holds.

Reads PyYAML's events one by one, without recursion and without expanding aliases, so that deep,
huge or malicious text ends in a sentence for people. The sentences are our own: the library's
quote the text, and the text may hold a password that was forgotten in it.
"""

from typing import Any, Final

import yaml

from gateway.config.document import Document, DocumentError, Node, Path, plain

MAX_BYTES: Final = 1_000_000
MAX_DEPTH: Final = 20
MAX_NODES: Final = 50_000

_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_CORE_TAGS: Final = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")
)


def decode(content: bytes) -> str:
    """Return the text of a file; raises :class:`DocumentError`."""
    if len(content) > MAX_BYTES:
        raise DocumentError(0, "is larger than 1 MB, which no configuration needs; shorten it")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DocumentError(1, "is UTF-16; save it as UTF-8")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DocumentError(line, "is not UTF-8 text; save it as UTF-8") from None


def parse(content: bytes) -> Document:
    """Read the YAML of one file; raises :class:`DocumentError`."""
    text = decode(content)
    # A byte order mark shifts libyaml's positions by one, so it is kept out of its sight.
    shift = 1 if text.startswith("\ufeff") else 0
    try:
        root = _Composer(shift).compose(text[shift:])
    except yaml.YAMLError as error:
        raise _in_words(error, text) from None
    return Document(text, root, plain(root))


class _Composer:
    """Builds the tree from events, one loop without recursion: depth is data, not stack."""

    def __init__(self, shift: int) -> None:
        self._shift = shift
        self._open: list[tuple[Node, Node | None, str | None]] = []
        self._root: Node | None = None
        self._anchors: dict[str, Node] = {}
        self._sizes: dict[int, tuple[int, int]] = {}
        self._key: Node | None = None
        self._documents = 0
        self._count = 0

    def compose(self, text: str) -> Node:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        for event in yaml.parse(text, Loader=loader):
            self._take(event)
        if self._root is None:
            raise DocumentError(1, "is empty; write at least name: and cameras:")
        return self._root

    def _take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                line = _line(event)
                raise DocumentError(line, "a second document begins with ---; keep one per file")
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            kind = "map" if isinstance(event, yaml.MappingStartEvent) else "list"
            node = self._node(event, kind)
            node.flow = bool(event.flow_style)
            self._open.append((node, self._key, event.anchor))
            self._key = None
            if len(self._open) > MAX_DEPTH:
                raise DocumentError(node.line, f"is nested deeper than {MAX_DEPTH} levels")
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._close(event)
        elif isinstance(event, yaml.ScalarEvent):
            self._add(self._scalar(event), event.anchor)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)

    def _node(self, event: Any, kind: str) -> Node:
        mark = event.start_mark
        if event.tag is not None and event.tag not in _CORE_TAGS:
            raise DocumentError(
                mark.line + 1,
                "tags (!name) are not understood; quote a text that begins with !, "
                "and write a secret as {env: NAME} or {file: path}",
                self._path(),
            )
        self._count += 1
        if self._count > MAX_NODES:
            raise DocumentError(mark.line + 1, f"holds more than {MAX_NODES} values; shorten it")
        end = event.end_mark.index + self._shift
        start = mark.index + self._shift
        return Node(kind, start, end, mark.line + 1, mark.column)

    def _scalar(self, event: Any) -> Node:
        node = self._node(event, "scalar")
        node.style = event.style or ""
        is_null = not node.style and event.value in _NULLS
        node.value = None if is_null else event.value
        return node

    def _alias(self, event: Any) -> None:
        line = event.start_mark.line + 1
        target = self._anchors.get(event.anchor)
        if target is None:
            raise DocumentError(
                line,
                "refers by * to something that is not defined above; quote a text that begins "
                "with *",
                self._path(),
            )
        start = event.start_mark.index + self._shift
        end = event.end_mark.index + self._shift
        copy = Node(target.kind, start, end, line, event.start_mark.column)
        copy.value, copy.style, copy.flow = target.value, "*", True
        copy.entries, copy.items, copy.places = target.entries, target.items, target.places
        self._sizes[id(copy)] = self._sizes[id(target)]
        self._add(copy, None)

    def _close(self, event: Any) -> None:
        node, key, anchor = self._open.pop()
        if node.flow:
            node.end = event.end_mark.index + self._shift
        elif node.entries or node.items:
            node.end = node.entries[-1][1].end if node.entries else node.items[-1].end
        self._key = key
        self._add(node, anchor)

    def _add(self, node: Node, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = node
        self._measure(node)
        if not self._open:
            self._root = node
            return
        parent = self._open[-1][0]
        if parent.kind == "list":
            parent.items.append(node)
        elif self._key is None:
            self._check_key(parent, node)
            self._key = node
        else:
            parent.put(self._key, node)
            self._key = None

    def _check_key(self, parent: Node, key: Node) -> None:
        if key.kind != "scalar" or key.value is None:
            raise DocumentError(key.line, "a key must be a plain word", self._path())
        if key.value == "<<":
            raise DocumentError(
                key.line, "merging by << is not understood; write the keys out", self._path()
            )
        first = parent.entry(key.value)
        if first is not None:
            raise DocumentError(
                key.line,
                f"is written twice (first in line {first[0].line}); keep one",
                (*self._path(), key.value),
            )

    def _measure(self, node: Node) -> None:
        """Refuse alias bombs: the size counts what aliases stand for, and nothing is expanded."""
        if id(node) in self._sizes:
            size, depth = self._sizes[id(node)]
        else:
            children = [*node.items, *(value for _, value in node.entries)]
            sizes = [self._sizes[id(child)] for child in children]
            size = 1 + sum(child[0] for child in sizes)
            depth = 1 + max((child[1] for child in sizes), default=0)
            self._sizes[id(node)] = (size, depth)
        if size > MAX_NODES or depth > MAX_DEPTH:
            raise DocumentError(node.line, "repeats itself by anchors and aliases; write it out")

    def _path(self) -> Path:
        """Return the path of the piece that is being read."""
        if not self._open:
            return ()
        path: list[str | int] = []
        keys = [*(key for _, key, _ in self._open[1:]), self._key]
        for (node, _, _), key in zip(self._open, keys, strict=True):
            if node.kind == "list":
                path.append(len(node.items))
            elif key is not None and key.value is not None:
                path.append(key.value)
        return tuple(path)


_WORDS: Final = (
    ("mapping values are not allowed", "has a second colon; quote the value"),
    ("unexpected end of stream", "a quote is opened and never closed"),
    ("unknown escape", "has a backslash in double quotes; use single quotes"),
    ("control characters", "holds a control character; remove it"),
    ("special characters", "holds a control character; remove it"),
    ("',' or ']'", "a [ is opened and not closed, or a comma is missing"),
    ("',' or '}'", "a { is opened and not closed, or a comma is missing"),
    ("expected ':'", "is no key: value; write a colon and a space after the key"),
    ("'-' indicator", "is indented unlike the list above it, or lacks its dash"),
    ("block end", "is indented unlike the lines above it"),
    ("expected key", "is indented unlike the lines above it"),
    ("document start", "is indented unlike the lines above it"),
    ("node content", "lacks a value here, or a bracket above is not closed"),
)  # fmt: skip


def _line(event: Any) -> int:
    """Return the line of an event; only hand-made ones, never parsed ones, lack their mark."""
    return int(event.start_mark.line) + 1


def _in_words(error: yaml.YAMLError, text: str) -> DocumentError:
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "")
    # What was opened and never closed is found where it was opened, not at the end of the file.
    unclosed = any(part in problem for part in ("end of stream", "',' or", "expected ':'"))
    mark = getattr(error, "context_mark", None) if unclosed else None
    mark = mark or getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark is not None else _line_of_control(text)
    lines = text.split("\n")
    # The end of the text is after its last line break: the line before is where people look.
    line = min(line, max(1, len(lines) - (not lines[-1])))
    written = lines[line - 1] if 0 < line <= len(lines) else ""
    if "cannot start any token" in problem:
        if "\t" in written[: len(written) - len(written.lstrip())]:
            return DocumentError(line, "is indented by a tab; use spaces")
        return DocumentError(line, "begins with a character that needs quotes; quote the value")
    for fragment, words in _WORDS:
        if fragment in problem:
            return DocumentError(line, words)
    return DocumentError(line, "is no YAML; check quotes, colons and indentation here")


def _line_of_control(text: str) -> int:
    for number, line in enumerate(text.split("\n"), start=1):
        if any(ord(char) < 0x20 and char not in "\t\r" for char in line):  # noqa: PLR2004  # C0
            return number
    return 1
