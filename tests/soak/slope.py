"""How steeply something grows, and how sure that is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import mean, median, stdev

_NORMAL_95 = 1.96
_STUDENT_95 = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26)
"""Two-sided 95 % quantiles of Student's t for 1, 2, ... degrees of freedom."""


@dataclass(frozen=True, slots=True)
class Slope:
    """Growth per unit of time with its 95 % interval."""

    value: float
    low: float
    high: float


def theil_sen(x: Sequence[float], y: Sequence[float]) -> Slope:
    """Return the median of the slopes of all pairs, with Sen's interval (Sen 1968, Kendall's tau).

    Single outliers do not move it. Raises ValueError for fewer than three points.
    """
    if len(x) < 3:
        raise ValueError("a slope needs three points")
    pairs = combinations(zip(x, y, strict=True), 2)
    slopes = sorted((d - b) / (c - a) for (a, b), (c, d) in pairs if a != c)
    n = len(x)
    spread = _NORMAL_95 * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low = max(0, math.floor((len(slopes) - spread) / 2))
    high = min(len(slopes) - 1, math.ceil((len(slopes) + spread) / 2))
    return Slope(median(slopes), slopes[low], slopes[high])


def together(values: Sequence[float]) -> Slope:
    """Return the mean of the slopes of independent runs, with Student's interval."""
    if len(values) < 2:
        return Slope(*([mean(values)] * 3))
    degrees = min(len(values) - 1, len(_STUDENT_95))
    half = _STUDENT_95[degrees - 1] * stdev(values) / math.sqrt(len(values))
    return Slope(mean(values), mean(values) - half, mean(values) + half)
