"""Changes of a YAML text that touch nothing but what must change.

A change is a replacement between two offsets of the text that was read. A round trip through a
YAML writer would re-indent lists, join lines, move comments and spaces of lines that nobody asked
to change; here every other character stays what it was.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.config.document import Document, Node, Path, meant, plain
from gateway.config.lines import Lines, Splice, Unspliceable, apply
from gateway.config.snippet import block, flow, scalar


@dataclass(frozen=True, slots=True)
class Change:
    """Splices, and the plain data that the text must hold after them."""

    splices: list[Splice]
    data: Any

    def apply(self, text: str) -> tuple[str, Any]:
        """Return the changed text and the data that it must hold."""
        return apply(text, self.splices), self.data


class Splicer:
    """Makes the splices of one document."""

    def __init__(self, document: Document) -> None:
        self.text = document.text
        self._document = document
        self._lines = Lines(document.text)

    def has(self, path: Path) -> bool:
        """Tell whether ``path`` is written."""
        try:
            self._at(path)
        except Unspliceable:
            return False
        return True

    def update_at(self, path: Path, wanted: Mapping[str, Any]) -> Change:
        """Set keys of the mapping at ``path``; a key whose value is ``None`` is removed."""
        data = copy.deepcopy(self._document.data)
        splices = self._update(self._at(path), wanted)
        piece = data
        for part in path:
            piece = piece[part]
        piece.update(wanted)
        return Change(splices, data)

    def append_to(self, key: str, item: dict[str, Any]) -> Change:
        """Add ``item`` to the end of the list of the top-level ``key``, which may be absent."""
        data = copy.deepcopy(self._document.data)
        if not isinstance(data, dict):
            raise Unspliceable
        data[key] = [*(data.get(key) or []), item]
        entry = self._document.root.entry(key)
        splices = self._append(entry, item) if entry else self._new_list(key, item)
        return Change(splices, data)

    def remove_from(self, key: str, index: int) -> Change:
        """Remove one item of the list of the top-level ``key``."""
        data = copy.deepcopy(self._document.data)
        del data[key][index]
        entry = self._document.root.entry(key)
        if entry is None:
            raise Unspliceable
        return Change(self._remove_item(entry, index), data)

    def _at(self, path: Path) -> Node:
        node: Node | None = self._document.root
        for part in path:
            if isinstance(part, int):
                node = node.items[part] if node and part < len(node.items) else None
            else:
                node = node.get(part) if node else None
        if node is None:
            raise Unspliceable
        return node

    def _update(self, node: Node, wanted: Mapping[str, Any]) -> list[Splice]:
        """Set the keys of a mapping to ``wanted``; a key whose value is ``None`` is removed."""
        _require_own(node)
        splices: list[Splice] = []
        added: dict[str, Any] = {}
        removed: list[int] = []
        for key, value in wanted.items():
            place = node.places.get(key)
            if place is None:
                if value is not None:
                    added[key] = value
            elif value is None:
                removed.append(place)
            else:
                splices += self._replace(node.entries[place], value)
        # A key that goes leaves its place to one that comes: onvif: for rtsp: on the same line.
        pairs = list(zip(sorted(removed), added, strict=False))
        for place, key in pairs:
            old = node.entries[place]
            end = max(old[0].end, self._lines.content_end(old[1]))
            text = f"{scalar(key)}: {flow(added[key])}"
            splices.append(Splice(old[0].start, end, text))
        kept_out = sorted(removed)[len(pairs) :]
        if kept_out:
            splices += self._remove_keys(node, kept_out)
        rest = dict(list(added.items())[len(pairs) :])
        if rest:
            splices += self._add_keys(node, rest)
        return splices

    def _append(self, entry: tuple[Node, Node], item: dict[str, Any]) -> list[Splice]:
        """Add ``item`` to the end of the list that is the value of ``entry``."""
        key, node = entry
        if node.kind == "scalar" and node.value is None:
            return self._first_item(key, node, item)
        if node.kind != "list" or node.style == "*":
            raise Unspliceable
        if not node.items:
            return self._first_item(key, node, item)
        return self._next_flow(node, item) if node.flow else self._next_block(node, item)

    def _remove_item(self, entry: tuple[Node, Node], index: int) -> list[Splice]:
        """Remove one item of a list, with the comment lines right above a block item."""
        key, node = entry
        if node.style == "*":
            raise Unspliceable
        if node.flow:
            return [self._without_comma([(item.start, item.end) for item in node.items], index)]
        start = self._lines.with_comments(node.items[index], node.column)
        following = node.items[index + 1 : index + 2]
        end = self._lines.below(node.items[index], node.column)
        if following:
            end = min(end, self._lines.with_comments(following[0], node.column))
        splices = [Splice(start, end, "")]
        if len(node.items) == 1:
            after = self._lines.after_colon(key)
            splices.insert(0, Splice(after, after, " []"))
        return splices

    def _new_list(self, key: str, item: dict[str, Any]) -> list[Splice]:
        root = self._document.root
        if root.flow or root.kind != "map":
            raise Unspliceable
        newline, end = self._lines.newline, len(self.text)
        lead = "" if self.text.endswith("\n") else newline
        margin = " " * root.column
        lines = f"{margin}{key}:{newline}{margin}  - {flow(item)}{newline}"
        return [Splice(end, end, lead + lines)]

    # Values and keys.

    def _replace(self, entry: tuple[Node, Node], value: Any) -> list[Splice]:
        key, node = entry
        if meant(plain(node)) == meant(value):
            return []
        if isinstance(value, dict) and node.kind == "map" and node.style != "*":
            gone = {str(name.value): None for name, _ in node.entries if name.value not in value}
            return self._update(node, {**value, **gone})
        if node.kind == "scalar" and node.value is None and node.start == node.end:
            after = self._lines.after_colon(key)
            return [Splice(after, after, " " + flow(value))]
        quoted = isinstance(value, str) and node.kind == "scalar" and node.style in ("'", '"')
        new = scalar(value, node.style) if quoted else flow(value)
        if node.flow or node.kind == "scalar":
            if node.style in ("|", ">"):
                raise Unspliceable
            return [Splice(node.start, node.end, new)]
        return [Splice(self._lines.after_colon(key), self._lines.content_end(node), " " + new)]

    def _add_keys(self, node: Node, added: dict[str, Any]) -> list[Splice]:
        if not node.entries:
            raise Unspliceable
        key, last = node.entries[-1]
        if node.flow:
            at = max(key.end, last.end)
            return [Splice(at, at, ", " + flow(added)[1:-1])]
        lines = block(added, node.column)
        end = self._lines.end(max(key.end, self._lines.content_end(last)))
        margin = self._lines.newline + " " * node.column
        return [Splice(end, end, "".join(margin + line.lstrip() for line in lines))]

    def _remove_keys(self, node: Node, places: list[int]) -> list[Splice]:
        if len(places) == len(node.entries):
            raise Unspliceable
        if node.flow:
            spans = [(key.start, max(key.end, value.end)) for key, value in node.entries]
            return _runs_without_comma(self.text, spans, places)
        splices = []
        for place in places:
            key, value = node.entries[place]
            start = self._lines.start(key.start)
            if self.text[start : key.start].strip():
                # The first key stands behind the dash: the next one that stays moves up to it.
                following = next(i for i in range(place, len(node.entries)) if i not in places)
                if following != place + 1:
                    raise Unspliceable
                splices.append(Splice(key.start, node.entries[following][0].start, ""))
            else:
                end = max(self._lines.content_end(value), key.end)
                splices.append(Splice(start, self._lines.next(end), ""))
        return splices

    # Items.

    def _first_item(self, key: Node, node: Node, item: dict[str, Any]) -> list[Splice]:
        start = self._lines.start(key.start)
        if self.text[start : key.start].strip():
            raise Unspliceable
        splices = []
        if node.end > node.start:
            after = self._lines.after_colon(key)
            if self.text[after : node.start].strip():
                raise Unspliceable
            splices.append(Splice(after, node.end, ""))
        end = self._lines.end(max(node.end, key.end))
        margin = " " * (key.column + 2)
        splices.append(Splice(end, end, f"{self._lines.newline}{margin}- {flow(item)}"))
        return splices

    def _next_flow(self, node: Node, item: dict[str, Any]) -> list[Splice]:
        last = node.items[-1]
        own_line = len(node.items) > 1 and node.items[-2].line != last.line
        gap = self._lines.newline + " " * last.column if own_line else " "
        rest = self.text[last.end : node.end - 1]
        comma = rest.find(",")
        if comma >= 0 and "#" not in rest[:comma]:
            at = last.end + comma + 1
            return [Splice(at, at, gap + flow(item))]
        if "#" in rest:
            # The comment behind the last item stays behind it.
            at = self._lines.end(last.end)
            return [Splice(last.end, last.end, ","), Splice(at, at, gap + flow(item))]
        return [Splice(last.end, last.end, "," + gap + flow(item))]

    def _next_block(self, node: Node, item: dict[str, Any]) -> list[Splice]:
        last = node.items[-1]
        margin = " " * node.column
        dash = self._lines.dash(last)
        if last.flow or last.kind != "map":
            lines = [margin + "- " + flow(item)]
        else:
            width = last.start - dash
            lines = block(item, node.column + width)
            lines[0] = margin + "-" + " " * (width - 1) + lines[0]
        if self._apart(node):
            lines.insert(0, "")
        at = self._lines.below(last, node.column)
        text = self._lines.newline.join(lines)
        if at and self.text[at - 1 : at] != "\n":
            return [Splice(at, at, self._lines.newline + text)]
        return [Splice(at, at, text + self._lines.newline)]

    def _apart(self, node: Node) -> bool:
        """Tell whether blank lines stand between the last two items."""
        if len(node.items) < 2:  # noqa: PLR2004  # a pair
            return False
        before, last = node.items[-2:]
        between = self.text[
            self._lines.next(self._lines.content_end(before)) : self._lines.dash(last)
        ]
        return any(not line.strip() for line in between.splitlines()[:-1])

    def _without_comma(self, spans: list[tuple[int, int]], index: int) -> Splice:
        return _runs_without_comma(self.text, spans, [index])[0]


def _runs_without_comma(text: str, spans: list[tuple[int, int]], places: list[int]) -> list[Splice]:
    """Remove pieces of a bracketed collection together with the commas that they leave."""
    splices = []
    kept = [place for place in range(len(spans)) if place not in places]
    for place in places:
        if kept and place < kept[0]:
            splices.append(Splice(spans[place][0], spans[place + 1][0], ""))
        elif kept:
            # A comment behind the piece before stays; the comma before it may stay too.
            gap = text[spans[place - 1][1] : spans[place][0]]
            keep = len(gap.rstrip()) if "#" in gap else 0
            splices.append(Splice(spans[place - 1][1] + keep, spans[place][1], ""))
        else:
            # The only piece takes the comma behind it along.
            rest = text[spans[place][1] :]
            comma = len(rest) - len(rest.lstrip()) + 1 if rest.lstrip().startswith(",") else 0
            splices.append(Splice(spans[place][0], spans[place][1] + comma, ""))
    return splices


def _require_own(node: Node) -> None:
    if node.kind != "map" or node.style == "*":
        raise Unspliceable
