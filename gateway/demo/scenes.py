"""What the pretend cameras see: an entrance, a yard, a car park, a lift lobby.

A scene lasts one minute and ends as it began, so that it can be repeated without a jump, and
second 17 of it is shown at second 17 of every minute: the seconds on the picture are true.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from gateway.demo.actors import LiftDoors, Passing, Swing, Walker, car, cloud
from gateway.demo.canvas import Canvas, Colour, Floats, Planes, Sprite
from gateway.demo.font import text_mask

WIDTH: Final = 1280
HEIGHT: Final = 720
MINUTE_S: Final = 60
_WHITE: Final = (244.0, 246.0, 248.0)
_INK: Final = (22.0, 26.0, 34.0)


class Actor(Protocol):
    """Something that moves."""

    def draw(self, picture: Planes, second: float) -> None:
        """Draw itself at ``second`` of the minute."""


class Scene:
    """One camera's view: a background, what moves before it, the name and the seconds."""

    def __init__(self, number: int, name: str) -> None:
        canvas = Canvas(WIDTH, HEIGHT)
        paint = _SCENES[number % len(_SCENES)]
        self._actors = paint(canvas, number // len(_SCENES))
        self._background = Planes.of(canvas)
        self._name = Sprite(_caption(name))
        self._seconds = [Sprite(_clock(second)) for second in range(MINUTE_S)]

    def picture(self, second: float) -> Planes:
        """Draw the view at ``second`` (0 to 60) of the minute."""
        picture = self._background.copy()
        for actor in self._actors:
            actor.draw(picture, second)
        self._name.draw(picture, 32, 28)
        self._seconds[int(second) % MINUTE_S].draw(picture, WIDTH - 188, 28)
        return picture


def _caption(name: str) -> Canvas:
    mask = text_mask(name[:40], 4)
    canvas = Canvas(2 * ((mask.shape[1] + 41) // 2), 64)
    canvas.rect((0, 0, canvas.width, 64), _INK, round_by=14)
    canvas.alpha *= 0.62
    canvas.mask(mask, (20, 14), _WHITE)
    return canvas


def _clock(second: int) -> Canvas:
    canvas = Canvas(156, 64)
    canvas.rect((0, 0, 156, 64), _INK, round_by=14)
    canvas.alpha *= 0.62
    canvas.ellipse((34, 32), (22, 22), _WHITE)
    angle = 2 * math.pi * second / MINUTE_S
    tip = (34 + 18 * math.sin(angle), 32 - 18 * math.cos(angle))
    canvas.line((34, 32), tip, (214, 58, 48), width=4)
    canvas.ellipse((34, 32), (4, 4), _INK)
    canvas.mask(text_mask(f":{second:02d}", 4), (68, 14), _WHITE)
    return canvas


def _entrance(canvas: Canvas, variant: int) -> Sequence[Actor]:
    wall = _PALETTES[variant % len(_PALETTES)]
    canvas.gradient(wall, _shade(wall, 0.86), end=560)
    for row in range(0, 560, 80):
        canvas.rect((0, row, WIDTH, 2), _shade(wall, 0.84))
        for left in range(40 if row % 160 else 0, WIDTH, 80):
            canvas.rect((left, row, 2, 80), _shade(wall, 0.86))
    canvas.gradient((168, 168, 170), (132, 133, 138), start=560)
    for row in (604, 662):
        canvas.rect((0, row, WIDTH, 3), (150, 150, 153))
    for left in (96, 1020):
        _window(canvas, left)
    _door(canvas)
    for left in (40, 380, 840, 1190):
        _bush(canvas, left)
    return (
        Walker((196, 62, 66), (66, 44, 34), ground=690, speed=120, every=30, start=2),
        Walker((60, 104, 160), (40, 36, 34), ground=668, speed=-100, every=30, start=16),
    )


def _window(canvas: Canvas, left: int) -> None:
    canvas.rect((left, 170, 164, 210), (238, 238, 236), round_by=6)
    canvas.rect((left + 10, 180, 144, 190), (248, 214, 146))
    canvas.polygon([(left + 10, 180), (left + 56, 180), (left + 28, 370), (left + 10, 370)], _WHITE)
    canvas.rect((left + 79, 180, 6, 190), (238, 238, 236))
    canvas.rect((left + 10, 250, 144, 6), (238, 238, 236))
    canvas.rect((left - 8, 380, 180, 12), (206, 206, 204), round_by=4)


def _door(canvas: Canvas) -> None:
    canvas.rect((466, 120, 348, 34), (74, 80, 90), round_by=8)
    canvas.polygon([(486, 154), (794, 154), (764, 176), (516, 176)], (54, 60, 70))
    canvas.ellipse((640, 184), (30, 11), (255, 236, 180))
    canvas.rect((518, 206, 244, 354), (92, 70, 58), round_by=4)
    for left in (530, 644):
        canvas.rect((left, 218, 106, 342), (126, 92, 72), round_by=3)
        canvas.rect((left + 16, 240, 74, 170), (182, 208, 214), round_by=4)
        canvas.polygon(
            [(left + 40, 242), (left + 62, 242), (left + 34, 408), (left + 18, 408)],
            (214, 230, 234),
        )
    canvas.rect((634, 400, 8, 60), (226, 206, 150), round_by=4)
    canvas.rect((790, 320, 44, 74), (64, 70, 78), round_by=6)
    for row in range(3):
        for column in range(3):
            canvas.ellipse((801 + column * 11, 350 + row * 12), (3, 3), (190, 200, 206))
    canvas.rect((797, 328, 30, 10), (110, 200, 150), round_by=2)
    canvas.rect((470, 556, 340, 18), (184, 184, 184), round_by=3)
    canvas.rect((446, 574, 388, 18), (160, 160, 162), round_by=3)


def _bush(canvas: Canvas, left: int) -> None:
    for across, down, size, green in ((0, 0, 40, 118), (42, -22, 50, 134), (90, 0, 40, 112)):
        canvas.ellipse((left + across, 552 + down), (size, size), (74, green, 78))


def _yard(canvas: Canvas, variant: int) -> Sequence[Actor]:
    canvas.gradient((112, 170, 224), (214, 232, 244), end=400)
    canvas.ellipse((1080, 120), (54, 54), (255, 236, 170))
    house = _PALETTES[(variant + 1) % len(_PALETTES)]
    for left, top, wide in ((0, 210, 250), (300, 160, 230), (910, 190, 370)):
        canvas.rect((left, top, wide, 230), house)
        canvas.rect((left - 8, top - 12, wide + 16, 16), (120, 96, 90))
        for row in range(4):
            for column in range(wide // 52):
                lit = (row * 7 + column * 3 + left) % 5 == 0
                glass = (250, 222, 150) if lit else (150, 180, 200)
                canvas.rect((left + 16 + column * 52, top + 18 + row * 50, 28, 32), glass)
    canvas.gradient((136, 182, 110), (92, 146, 84), start=400)
    canvas.polygon([(0, 640), (1280, 596), (1280, 680), (0, 720)], (206, 194, 168))
    for left, size in ((180, 92), (1130, 110), (800, 70)):
        canvas.rect((left - size * 0.1, 470 - size * 0.4, size * 0.2, size), (112, 84, 62))
        for across, down, green in ((-0.5, 0, 124), (0.5, 0.05, 116), (0, -0.5, 138)):
            canvas.ellipse(
                (left + across * size, 430 - size * 0.5 + down * size),
                (size * 0.72, size * 0.66),
                (66, green, 70),
            )
    for left in (430, 650):
        canvas.line((left, 356), (left - 40, 590), (214, 84, 70), width=12)
        canvas.line((left, 356), (left + 40, 590), (196, 72, 60), width=12)
    canvas.line((430, 358), (650, 358), (230, 100, 80), width=12)
    return (
        Passing(cloud(300, (255, 255, 255)), top=40, speed=28, every=60, start=0),
        Passing(cloud(220, (250, 252, 255)), top=120, speed=26, every=60, start=34),
        Passing(cloud(260, (255, 255, 255)), top=20, speed=27, every=60, start=17),
        Swing((496, 362), length=180),
        Swing((586, 362), length=180),
        Walker((236, 170, 60), (92, 60, 40), ground=690, speed=90, every=30, start=5),
    )


def _car_park(canvas: Canvas, variant: int) -> Sequence[Actor]:
    canvas.gradient((196, 176, 190), (240, 214, 190), end=230)
    for left in range(0, WIDTH, 160):
        height = 60 + (left * 7 // 160 + variant) % 4 * 22
        canvas.rect((left, 230 - height, 130, height), (150, 136, 150))
    canvas.gradient((112, 148, 96), (96, 132, 86), start=230, end=290)
    canvas.gradient((102, 106, 114), (76, 80, 88), start=290)
    for left in range(70, WIDTH, 312):
        canvas.polygon([(left, 330), (left + 8, 330), (left - 24, 470), (left - 32, 470)], _WHITE)
    canvas.rect((0, 292, WIDTH, 10), (190, 190, 190))
    for left in range(20, WIDTH, 150):
        canvas.rect((left, 566, 80, 8), (236, 226, 180))
    colours: tuple[Colour, ...] = ((72, 112, 168), (214, 214, 216), (150, 52, 56), (70, 120, 96))
    for place, colour in enumerate(colours):
        parked = car(colour, left=place % 2 == 0)
        canvas.rgb[352:462, 70 + place * 304 : 370 + place * 304] = _over(
            canvas, parked, 70 + place * 304, 352
        )
    canvas.rect((1216, 250, 14, 110), (70, 74, 82))
    canvas.rect((1190, 236, 66, 16), (255, 236, 180), round_by=8)
    return (
        Passing(car((232, 168, 58), left=False), top=478, speed=220, every=20, start=1),
        Passing(car((108, 96, 168), left=True), top=590, speed=-260, every=30, start=11),
        Walker((90, 140, 110), (48, 42, 40), ground=706, speed=-95, every=60, start=30),
    )


def _over(canvas: Canvas, upper: Canvas, left: int, top: int) -> Floats:
    """Return ``upper`` laid over the part of ``canvas`` at (left, top)."""
    under = canvas.rgb[top : top + upper.height, left : left + upper.width]
    cover = upper.alpha[: under.shape[0], : under.shape[1], None]
    laid: Floats = upper.rgb[: under.shape[0], : under.shape[1]] * cover + under * (1 - cover)
    return laid


def _shade(colour: Colour, by: float) -> Colour:
    return colour[0] * by, colour[1] * by, colour[2] * by


def _lobby(canvas: Canvas, variant: int) -> Sequence[Actor]:
    canvas.gradient((232, 228, 218), (214, 208, 196), end=540)
    canvas.rect((0, 360, WIDTH, 180), (132, 160, 156))
    canvas.rect((0, 356, WIDTH, 6), (104, 132, 130))
    canvas.gradient((176, 164, 150), (138, 128, 118), start=540)
    for step in range(-8, 9):
        canvas.polygon(
            [(640 + step * 110, 540), (643 + step * 110, 540), (644 + step * 190, 720),
             (638 + step * 190, 720)],
            (158, 148, 138),
        )  # fmt: skip
    for row in (576, 630):
        canvas.rect((0, row, WIDTH, 3), (158, 148, 138))
    for left in (180, 900):
        canvas.rect((left, 40, 220, 16), (255, 250, 226), round_by=8)
    canvas.rect((494, 150, 292, 400), (120, 122, 126), round_by=4)
    canvas.rect((510, 166, 260, 380), (240, 226, 190))
    canvas.rect((530, 186, 220, 220), (250, 240, 214))
    canvas.rect((510, 470, 260, 76), (150, 120, 96))
    canvas.rect((600, 112, 80, 30), (40, 44, 52), round_by=6)
    canvas.mask(text_mask(str(1 + variant % 9), 3), (632, 114), (255, 150, 70))
    canvas.rect((806, 340, 26, 56), (190, 194, 198), round_by=6)
    canvas.ellipse((819, 368), (7, 7), (255, 170, 80))
    for row in range(4):
        for column in range(5):
            canvas.rect((88 + column * 66, 190 + row * 52, 60, 46), (92, 116, 150), round_by=3)
            canvas.rect((100 + column * 66, 200 + row * 52, 34, 5), (56, 72, 96))
            canvas.ellipse((138 + column * 66, 222 + row * 52), (3, 3), (214, 220, 226))
    canvas.polygon([(1060, 470), (1160, 470), (1142, 568), (1078, 568)], (188, 108, 78))
    for across, down in ((-70, -90), (70, -90), (-36, -150), (36, -150), (0, -180)):
        canvas.line((1110, 470), (1110 + across, 470 + down), (72, 132, 84), width=16)
        canvas.ellipse((1110 + across, 470 + down), (26, 34), (84, 150, 92))
    return (
        LiftDoors((510, 166, 260, 380), (178, 184, 190)),
        Walker((120, 84, 150), (196, 160, 96), ground=690, speed=110, every=30, start=9),
        Walker((84, 96, 110), (60, 48, 40), ground=706, speed=-105, every=60, start=40),
    )


_PALETTES: Final[tuple[Colour, ...]] = (
    (222, 178, 140),
    (188, 206, 190),
    (206, 188, 210),
    (232, 212, 160),
    (176, 196, 214),
)
_SCENES: Final[tuple[Callable[[Canvas, int], Sequence[Actor]], ...]] = (
    _entrance,
    _yard,
    _car_park,
    _lobby,
)
