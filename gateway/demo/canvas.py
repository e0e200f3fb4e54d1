"""A drawing board for the pretend cameras: soft-edged shapes on numpy arrays, nothing more."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Colour = tuple[float, float, float]
"""Red, green, blue from 0 to 255."""

# ITU-R BT.709, limited range: what the encoder is told the picture is in.
_LUMA: Final = np.array([0.2126, 0.7152, 0.0722], np.float32)


class Canvas:
    """Red, green, blue and coverage of a picture; a new one is transparent."""

    def __init__(self, width: int, height: int) -> None:
        self.rgb: Floats = np.zeros((height, width, 3), np.float32)
        self.alpha: Floats = np.zeros((height, width), np.float32)

    @property
    def width(self) -> int:
        """Pixels across."""
        return int(self.alpha.shape[1])

    @property
    def height(self) -> int:
        """Pixels down."""
        return int(self.alpha.shape[0])

    def gradient(self, top: Colour, bottom: Colour, *, start: int = 0, end: int = 0) -> None:
        """Fill the rows from ``start`` to ``end`` (0: the last) from one colour to another."""
        last = end or self.height
        part = np.linspace(0, 1, last - start, dtype=np.float32)[:, None, None]
        upper, lower = np.array(top, np.float32), np.array(bottom, np.float32)
        self.rgb[start:last] = upper + (lower - upper) * part
        self.alpha[start:last] = 1

    def rect(
        self, box: tuple[float, float, float, float], colour: Colour, *, round_by: float = 0
    ) -> None:
        """Draw a rectangle ``(left, top, width, height)`` with corners rounded by a radius."""
        left, top, width, height = box
        x, y, window = self._window(left, top, left + width, top + height)
        middle_x, middle_y = left + width / 2, top + height / 2
        over_x = np.abs(x - middle_x) - width / 2 + round_by
        over_y = np.abs(y - middle_y) - height / 2 + round_by
        outside = np.hypot(np.maximum(over_x, 0), np.maximum(over_y, 0))
        distance = outside + np.minimum(np.maximum(over_x, over_y), 0) - round_by
        self._blend(window, np.clip(0.5 - distance, 0, 1), colour)

    def ellipse(
        self, centre: tuple[float, float], radii: tuple[float, float], colour: Colour
    ) -> None:
        """Draw a filled ellipse."""
        (middle_x, middle_y), (across, down) = centre, radii
        x, y, window = self._window(
            middle_x - across, middle_y - down, middle_x + across, middle_y + down
        )
        part = np.hypot((x - middle_x) / across, (y - middle_y) / down)
        self._blend(window, np.clip((1 - part) * min(across, down) + 0.5, 0, 1), colour)

    def polygon(self, corners: list[tuple[float, float]], colour: Colour) -> None:
        """Draw a filled convex polygon, corners clockwise on the screen."""
        xs, ys = [corner[0] for corner in corners], [corner[1] for corner in corners]
        x, y, window = self._window(min(xs), min(ys), max(xs), max(ys))
        inside = np.full(np.broadcast_shapes(x.shape, y.shape), np.inf, np.float32)
        for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1], strict=True):
            length = float(np.hypot(x2 - x1, y2 - y1))
            inside = np.minimum(inside, ((x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)) / length)
        self._blend(window, np.clip(inside + 0.5, 0, 1), colour)

    def line(
        self, start: tuple[float, float], end: tuple[float, float], colour: Colour, *, width: float
    ) -> None:
        """Draw a line with round ends."""
        (x1, y1), (x2, y2) = start, end
        half = width / 2
        x, y, window = self._window(
            min(x1, x2) - half, min(y1, y2) - half, max(x1, x2) + half, max(y1, y2) + half
        )
        squared = max((x2 - x1) ** 2 + (y2 - y1) ** 2, 1e-6)
        along = np.clip(((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / squared, 0, 1)
        distance = np.hypot(x - x1 - along * (x2 - x1), y - y1 - along * (y2 - y1))
        self._blend(window, np.clip(half - distance + 0.5, 0, 1), colour)

    def mask(
        self, cover: Floats, at: tuple[int, int], colour: Colour, *, strength: float = 1
    ) -> None:
        """Draw through ``cover`` (0 to 1) with its upper left corner ``at`` (x, y)."""
        left, top = at
        height = min(cover.shape[0], self.height - top)
        width = min(cover.shape[1], self.width - left)
        window = (slice(top, top + height), slice(left, left + width))
        self._blend(window, cover[:height, :width] * strength, colour)

    def _window(
        self, left: float, top: float, right: float, bottom: float
    ) -> tuple[Floats, Floats, tuple[slice, slice]]:
        """Return the pixel centres of a box, clipped to the canvas, and where it lies."""
        columns = slice(max(0, int(left) - 1), max(0, min(self.width, int(right) + 2)))
        rows = slice(max(0, int(top) - 1), max(0, min(self.height, int(bottom) + 2)))
        x = np.arange(columns.start, max(columns.start, columns.stop), dtype=np.float32) + 0.5
        y = np.arange(rows.start, max(rows.start, rows.stop), dtype=np.float32) + 0.5
        return x[None, :], y[:, None], (rows, columns)

    def _blend(self, window: tuple[slice, slice], cover: Floats, colour: Colour) -> None:
        under = self.alpha[window] * (1 - cover)
        total = cover + under
        weight = np.divide(cover, total, out=np.zeros_like(cover), where=total > 0)[..., None]
        self.rgb[window] += (np.array(colour, np.float32) - self.rgb[window]) * weight
        self.alpha[window] = total


@dataclass(frozen=True, slots=True)
class Planes:
    """A picture as the encoder wants it: Y at full size, U and V at half (4:2:0)."""

    y: Bytes
    u: Bytes
    v: Bytes

    @classmethod
    def of(cls, canvas: Canvas) -> "Planes":
        """Convert a canvas of even width and height; what it leaves transparent is black."""
        y, u, v = _yuv(canvas.rgb * canvas.alpha[..., None])
        return cls(_to_bytes(y), _to_bytes(_halved(u)), _to_bytes(_halved(v)))

    def copy(self) -> "Planes":
        """Return a picture that may be drawn on."""
        return Planes(self.y.copy(), self.u.copy(), self.v.copy())


class Sprite:
    """A canvas made ready to be put on many pictures, at even positions."""

    def __init__(self, canvas: Canvas) -> None:
        y, u, v = _yuv(canvas.rgb)
        cover = canvas.alpha
        half = np.maximum(_halved(cover), 1e-6)
        self._planes = (
            (y * cover, 1 - cover),
            (_halved(u * cover), 1 - half),
            (_halved(v * cover), 1 - half),
        )

    def draw(self, picture: Planes, left: float, top: float) -> None:
        """Put the sprite's upper left corner at the nearest even pixel; clipped at the edges."""
        x, y = 2 * round(left / 2), 2 * round(top / 2)
        for plane, (own, keep), scale in zip(
            (picture.y, picture.u, picture.v), self._planes, (1, 2, 2), strict=True
        ):
            _put(plane, own, keep, x // scale, y // scale)


def _put(plane: Bytes, own: Floats, keep: Floats, x: int, y: int) -> None:
    height, width = own.shape
    left, top = max(0, -x), max(0, -y)
    right, bottom = min(width, plane.shape[1] - x), min(height, plane.shape[0] - y)
    if right <= left or bottom <= top:
        return
    inside = (slice(top, bottom), slice(left, right))
    target = plane[y + top : y + bottom, x + left : x + right]
    target[:] = (own[inside] + target * keep[inside] + 0.5).astype(np.uint8)


def _yuv(rgb: Floats) -> tuple[Floats, Floats, Floats]:
    luma: Floats = rgb @ _LUMA
    blue: Floats = (rgb[..., 2] - luma) / 1.8556
    red: Floats = (rgb[..., 0] - luma) / 1.5748
    scale = np.float32(224 / 255)
    shown: Floats = luma * np.float32(219 / 255) + 16
    return shown, blue * scale + np.float32(128), red * scale + np.float32(128)


def _halved(plane: Floats) -> Floats:
    height, width = plane.shape
    halved: Floats = plane.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
    return halved


def _to_bytes(plane: Floats) -> Bytes:
    rounded: Bytes = np.clip(plane + 0.5, 0, 255).astype(np.uint8)
    return rounded
