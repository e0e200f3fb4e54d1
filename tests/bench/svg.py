"""A small line chart as SVG: panels above one another with the hours of a day below."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

_WIDTH: Final = 960
_LEFT: Final = 56
_RIGHT: Final = 24
_TOP: Final = 92
_PANEL: Final = 150
_GAP: Final = 52


@dataclass(frozen=True)
class Line:
    """One line in panel number ``panel``; ``steps`` holds each value until the next."""

    panel: int
    name: str
    colour: str
    x: Sequence[float]
    y: Sequence[float]
    dashed: bool = False
    steps: bool = False


@dataclass(frozen=True)
class Chart:
    """Lines over ``hours`` hours, and marks at some of them."""

    title: str
    hours: int
    lines: Sequence[Line]
    marks: Sequence[tuple[float, str]] = ()


def drawn(chart: Chart) -> str:
    """Return the chart as an SVG document."""
    panels = 1 + max(line.panel for line in chart.lines)
    height = _TOP + panels * (_PANEL + _GAP) + 12
    box = f'viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="12"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} fill="#222">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="{_LEFT}" y="20" font-size="15">{escape(chart.title)}</text>',
    ]
    for panel in range(panels):
        parts += _panel(chart, panel)
    for index, (hour, text) in enumerate(sorted(chart.marks)):
        x, y = _x(chart, hour), 34 + 12 * (index % 3)
        way = f"M{x:.1f} {y}V{height - _GAP}"
        parts.append(
            f'<path d="{way}" stroke="#999" stroke-dasharray="2 4"/>'
            f'<text x="{x + 3:.1f}" y="{y + 8}" fill="#666">{escape(text)}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def _panel(chart: Chart, panel: int) -> Iterable[str]:
    lines = [line for line in chart.lines if line.panel == panel]
    most = _round_up(max(max(line.y) for line in lines))
    top = _TOP + panel * (_PANEL + _GAP)
    bottom = top + _PANEL
    for share in (0, 0.5, 1):
        y = bottom - share * _PANEL
        yield f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="#ddd"/>'
        yield f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{share * most:g}</text>'
    for hour in range(0, chart.hours + 1, 3):
        x = _x(chart, hour)
        yield f'<text x="{x:.1f}" y="{bottom + 15}" text-anchor="middle">{hour}:00</text>'
    for index, line in enumerate(lines):
        yield _path(chart, line, bottom, most)
        dash = ' stroke-dasharray="5 3"' if line.dashed else ""
        x, y = _LEFT + 210 * (index % 4), top - 14
        yield f'<path d="M{x} {y}h18" stroke="{line.colour}" stroke-width="2"{dash}/>'
        yield f'<text x="{x + 23}" y="{y + 4}">{escape(line.name)}</text>'


def _path(chart: Chart, line: Line, bottom: float, most: float) -> str:
    points = [
        (_x(chart, x), bottom - y / most * _PANEL) for x, y in zip(line.x, line.y, strict=True)
    ]
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for x, y in points[1:]:
        path += f"H{x:.1f}V{y:.1f}" if line.steps else f"L{x:.1f} {y:.1f}"
    dash = ' stroke-dasharray="5 3"' if line.dashed else ""
    return f'<path d="{path}" fill="none" stroke="{line.colour}" stroke-width="1.6"{dash}/>'


def _x(chart: Chart, hour: float) -> float:
    return _LEFT + hour / chart.hours * (_WIDTH - _LEFT - _RIGHT)


def _round_up(value: float) -> float:
    for step in (1, 2, 4, 5, 10, 20, 50, 100, 200, 400, 500, 800, 1000, 2000):
        if value <= step:
            return step
    return value
