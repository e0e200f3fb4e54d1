"""Where lines, dashes and comments of a YAML text begin and end, and how pieces are replaced."""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.config.document import Node


@dataclass(frozen=True, slots=True)
class Splice:
    """``text`` takes the place of what stands from ``start`` to ``end``."""

    start: int
    end: int
    text: str


class Unspliceable(Exception):  # noqa: N818  # it is an answer: a person has to make this change
    """The file is written in a way that cannot be changed piece by piece."""


def apply(text: str, splices: Iterable[Splice]) -> str:
    """Return ``text`` with all splices done; they may not overlap."""
    done, at = [], 0
    for splice in sorted(splices, key=lambda item: (item.start, item.end)):
        if splice.start < at:
            raise Unspliceable
        done += [text[at : splice.start], splice.text]
        at = splice.end
    return "".join([*done, text[at:]])


class Lines:
    """The lines of one text. ``newline`` is the line break of its first line."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.newline = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"

    def start(self, offset: int) -> int:
        """Return the offset of the line's first character."""
        return self.text.rfind("\n", 0, offset) + 1

    def end(self, offset: int) -> int:
        """Return the offset of the line's end, before its line break."""
        end = self.text.find("\n", offset)
        if end < 0:
            return len(self.text)
        return end - 1 if self.text[end - 1 : end] == "\r" else end

    def next(self, offset: int) -> int:
        """Return the offset of the next line, or of the end of the text."""
        end = self.text.find("\n", offset)
        return len(self.text) if end < 0 else end + 1

    def content_end(self, node: Node) -> int:
        """Return the end of a node's own text; that of ``|`` and ``>`` may run past it."""
        written = self.text[node.start : node.end]
        return node.start + len(written.rstrip())

    def below(self, node: Node, column: int) -> int:
        """Return where the lines of a block item end, comments that are indented deeper too."""
        at = self.next(self.content_end(node))
        while at < len(self.text):
            line = self.text[at : self.next(at)]
            stripped = line.lstrip(" ")
            if not stripped.startswith("#") or len(line) - len(stripped) <= column:
                break
            at = self.next(at)
        return at

    def with_comments(self, item: Node, column: int) -> int:
        """Return where an item of a block list begins, with the comment lines right above it."""
        start = self.start(self.dash(item))
        while start:
            above = self.start(start - 1)
            line = self.text[above:start]
            stripped = line.lstrip(" ")
            if not stripped.startswith("#") or len(line) - len(stripped) != column:
                break
            start = above
        return start

    def dash(self, item: Node) -> int:
        """Return the offset of the dash before an item of a block list."""
        dash = self.text.rfind("-", 0, item.start)
        if dash < 0 or self.text[dash + 1 : item.start].strip():
            raise Unspliceable
        return dash

    def after_colon(self, key: Node) -> int:
        """Return the offset behind the colon of a key."""
        colon = self.text.find(":", key.end)
        if colon < 0:
            raise Unspliceable
        return colon + 1
