"""Who and what moves in the pretend building: residents, cars, clouds."""

import math
from typing import Final

from gateway.demo.canvas import Canvas, Colour, Planes, Sprite

_SKIN: Final = (232.0, 190.0, 160.0)
_STEPS: Final = 8


class Walker:
    """A resident who crosses the picture once in ``every`` seconds, beginning at ``start``.

    ``speed`` in pixels per second, negative to the left; ``ground`` is the feet's row.
    """

    def __init__(
        self, coat: Colour, hair: Colour, *, ground: int, speed: float, every: float, start: float
    ) -> None:
        self._steps = [
            Sprite(_person(coat, hair, 2 * math.pi * step / _STEPS, left=speed < 0))
            for step in range(_STEPS)
        ]
        self._ground, self._speed, self._every, self._start = ground, speed, every, start

    def draw(self, picture: Planes, second: float) -> None:
        """Draw the resident at ``second`` of the minute."""
        along = ((second - self._start) % self._every) * abs(self._speed)
        width = picture.y.shape[1]
        if along > width + 120:
            return
        left = along - 110 if self._speed > 0 else width - along
        pose = self._steps[int(along / 70 * _STEPS) % _STEPS]
        pose.draw(picture, left, self._ground - 232)


class Passing:
    """Anything stiff that goes across (a car, a cloud) once in ``every`` seconds."""

    def __init__(
        self, canvas: Canvas, *, top: int, speed: float, every: float, start: float
    ) -> None:
        self._sprite, self._width = Sprite(canvas), canvas.width
        self._top, self._speed, self._every, self._start = top, speed, every, start

    def draw(self, picture: Planes, second: float) -> None:
        """Draw it at ``second`` of the minute."""
        along = ((second - self._start) % self._every) * abs(self._speed)
        across = picture.y.shape[1]
        if along <= across + self._width:
            left = along - self._width if self._speed > 0 else across - along
            self._sprite.draw(picture, left, self._top)


class Swing:
    """A playground swing under the beam at ``pivot``; one way and back takes three seconds."""

    _PERIOD = 3.0
    _POSES = 24

    def __init__(self, pivot: tuple[int, int], *, length: int) -> None:
        self._at = (pivot[0] - length // 2 - 30, pivot[1])
        self._poses = [
            Sprite(_swing(length, 0.5 * math.sin(2 * math.pi * pose / self._POSES)))
            for pose in range(self._POSES)
        ]

    def draw(self, picture: Planes, second: float) -> None:
        """Draw the swing at ``second`` of the minute."""
        pose = int(second / self._PERIOD * self._POSES) % self._POSES
        self._poses[pose].draw(picture, *self._at)


class LiftDoors:
    """Two lift doors that open every 15 seconds; the cabin behind is part of the background."""

    def __init__(self, box: tuple[int, int, int, int], colour: Colour) -> None:
        self._left, self._top, width, height = box
        self._half = width // 2
        canvas = Canvas(self._half, height)
        canvas.gradient(_shade(colour, 1.08), _shade(colour, 0.9))
        canvas.rect((0, 0, 3, height), _shade(colour, 0.7))
        canvas.rect((self._half - 3, 0, 3, height), _shade(colour, 0.7))
        self._door = canvas
        self._leaves: dict[int, tuple[Sprite, Sprite]] = {}

    def draw(self, picture: Planes, second: float) -> None:
        """Draw the doors at ``second`` of the minute."""
        phase = second % 15
        opened = min(max(phase - 6, 0), max(11 - phase, 0), 1.6) / 1.6
        visible = 2 * round((self._half - 12) * (1 - _ease(opened)) / 2) + 12
        if visible not in self._leaves:
            self._leaves[visible] = self._cut(visible)
        left, right = self._leaves[visible]
        left.draw(picture, self._left, self._top)
        right.draw(picture, self._left + 2 * self._half - visible, self._top)

    def _cut(self, visible: int) -> tuple[Sprite, Sprite]:
        leaves = []
        for columns in (slice(self._half - visible, None), slice(0, visible)):
            leaf = Canvas(visible, self._door.height)
            leaf.rgb, leaf.alpha = self._door.rgb[:, columns], self._door.alpha[:, columns]
            leaves.append(Sprite(leaf))
        return leaves[0], leaves[1]


def car(colour: Colour, *, left: bool) -> Canvas:
    """Draw a small car from the side, 300 x 110 pixels."""
    canvas = Canvas(300, 110)
    canvas.ellipse((150, 100), (140, 9), (60, 62, 66))
    canvas.polygon([(78, 14), (192, 14), (232, 52), (48, 52)], _shade(colour, 0.85))
    canvas.polygon([(84, 22), (130, 22), (130, 50), (64, 50)], (188, 214, 228))
    canvas.polygon([(138, 22), (186, 22), (216, 50), (138, 50)], (188, 214, 228))
    canvas.rect((10, 46, 280, 44), colour, round_by=18)
    canvas.rect((14, 70, 272, 5), _shade(colour, 0.8))
    for wheel in (70, 228):
        canvas.ellipse((wheel, 86), (22, 22), (40, 42, 46))
        canvas.ellipse((wheel, 86), (11, 11), (190, 194, 198))
    canvas.rect((276, 56, 12, 12), (255, 240, 190), round_by=5)
    canvas.rect((12, 56, 9, 12), (220, 70, 60), round_by=4)
    if left:
        canvas.rgb, canvas.alpha = canvas.rgb[:, ::-1].copy(), canvas.alpha[:, ::-1].copy()
    return canvas


def cloud(width: int, tint: Colour) -> Canvas:
    """Draw a flat-bottomed cloud."""
    canvas = Canvas(width, width // 4 * 2)
    base = canvas.height * 0.72
    for middle, size in ((0.22, 0.13), (0.42, 0.2), (0.62, 0.17), (0.8, 0.11)):
        canvas.ellipse((width * middle, base - width * size / 2), (width * size,) * 2, tint)
    canvas.rect((width * 0.08, base - 4, width * 0.84, width * 0.12), tint, round_by=width * 0.05)
    canvas.alpha *= 0.9
    return canvas


def _person(coat: Colour, hair: Colour, step: float, *, left: bool) -> Canvas:
    """Draw a walking figure, 110 x 240 pixels, the feet at row 232."""
    canvas = Canvas(110, 240)
    swing = math.sin(step)
    lift = abs(math.cos(step)) * 4
    hip, trousers = (55.0, 140 - lift), (58.0, 66.0, 84.0)
    canvas.ellipse((55, 232), (36, 6), (70, 72, 76))
    _limb(canvas, (50, 86 - lift), 62, -0.5 * swing, colour=_shade(coat, 0.75), width=15)
    for side, tone in ((-swing, 0.85), (swing, 1.0)):
        knee = (hip[0] + 44 * math.sin(0.5 * side), hip[1] + 44)
        foot = (knee[0] + 42 * math.sin(0.5 * side - 0.2), 226.0)
        canvas.line(hip, knee, _shade(trousers, tone), width=20)
        canvas.line(knee, foot, _shade(trousers, tone), width=17)
        canvas.line((foot[0] - 4, 228), (foot[0] + 12, 228), (52, 44, 42), width=10)
    canvas.rect((34, 72 - lift, 42, 86), coat, round_by=16)
    canvas.rect((53, 80 - lift, 3, 70), _shade(coat, 0.82))
    canvas.rect((47, 56 - lift, 16, 22), _shade(_SKIN, 0.92), round_by=6)
    canvas.ellipse((57, 42 - lift), (19, 22), _SKIN)
    canvas.ellipse((52, 34 - lift), (21, 17), hair)
    canvas.ellipse((60, 44 - lift), (16, 16), _SKIN)
    _limb(canvas, (56, 86 - lift), 62, 0.5 * swing, colour=_shade(coat, 0.9), width=16)
    if left:
        canvas.rgb, canvas.alpha = canvas.rgb[:, ::-1].copy(), canvas.alpha[:, ::-1].copy()
    return canvas


def _limb(
    canvas: Canvas,
    joint: tuple[float, float],
    length: float,
    angle: float,
    *,
    colour: Colour,
    width: float,
) -> None:
    end = (joint[0] + length * math.sin(angle), joint[1] + length * math.cos(angle))
    canvas.line(joint, end, colour, width=width)
    canvas.ellipse(end, (width * 0.45, width * 0.45), _SKIN)


def _swing(length: int, angle: float) -> Canvas:
    canvas = Canvas(length + 60, length + 24)
    top = canvas.width / 2
    across, down = length * math.sin(angle), length * math.cos(angle)
    for rope in (-16, 16):
        canvas.line((top + rope, 0), (top + rope + across, down), (90, 84, 80), width=3)
    canvas.line((top - 24 + across, down), (top + 24 + across, down), (212, 120, 60), width=9)
    return canvas


def _shade(colour: Colour, by: float) -> Colour:
    red, green, blue = (min(255.0, part * by) for part in colour)
    return red, green, blue


def _ease(part: float) -> float:
    return part * part * (3 - 2 * part)
