"""Plots as inline SVG: no library, no script, no network. Colours come from the page, light or dark."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

import attrs

from setsmart_async.load.text import in_short

_WIDTH: Final = 880
_HEIGHT: Final = 300
_LEFT: Final = 74
_RIGHT: Final = 16
_TOP: Final = 16
_BOTTOM: Final = 44
_SHORTEST: Final = 1e-4  # seconds; what is below stands on the axis

Point = tuple[float, float]


@attrs.frozen(kw_only=True)
class Curve:
    """One line of a plot."""

    name: str
    style: str
    """The class that the page colours it by."""
    points: Sequence[Point]
    dots: bool = False
    """Dots instead of a line."""


@attrs.frozen(kw_only=True)
class Bar:
    """One bar of a plot, from `left` to `right`: the parts stand on each other."""

    left: float
    right: float
    parts: Sequence[tuple[str, float]]
    """Style and height of each."""
    limit: float | None
    """Where a line across it is drawn."""
    title: str
    """What a pointer on it shows."""
    is_whole: bool = True
    """False: drawn faintly."""


@attrs.frozen(kw_only=True)
class Axis:
    """A scale: from its values to 0..1, and where the ticks are."""

    begin: float
    end: float
    ticks: Sequence[tuple[float, str]]
    """Value and label."""
    title: str

    def share(self, value: float) -> float:
        """Where a value is on it, 0 to 1; what is beyond an end stands on it."""
        return min(1.0, max(0.0, (value - self.begin) / (self.end - self.begin)))


def time_axis(seconds: float) -> Axis:
    """From 0 to so many seconds of a run."""
    step = _step(seconds, 8)
    count = math.floor(seconds / step + 1e-9)
    return Axis(begin=0, end=seconds, ticks=[(n * step, f"{n * step:g}") for n in range(count + 1)], title="seconds")


def count_axis(most: float, title: str) -> Axis:
    """From 0 to a bit above `most`."""
    step = _step(max(1.0, most), 5)
    count = math.ceil(max(1.0, most) * 1.02 / step)
    return Axis(begin=0, end=count * step, ticks=[(n * step, f"{n * step:,g}") for n in range(count + 1)], title=title)


def latency_axis(seconds: Iterable[float]) -> Axis:
    """Powers of ten of the seconds that hold all of these: give it, and plot on it, `logarithm` of them."""
    logs = [logarithm(each) for each in seconds] or [-3.0]
    begin, end = math.floor(min(logs) + 1e-9), math.ceil(max(logs) - 1e-9)
    end = max(end, begin + 1)
    return Axis(begin=begin, end=end, ticks=[(n, _power(n)) for n in range(begin, end + 1)], title="latency")


def percent_axis(count: int) -> Axis:
    """Percentiles of so many values, by their nines: plot on it `nines` of the percentage."""
    end = max(2.0, math.log10(max(count, 1)))
    labels = [(0.0, "0 %"), (nines(50), "50"), (1.0, "90"), (2.0, "99"), (3.0, "99.9"), (4.0, "99.99"), (5.0, "99.999")]
    ticks = [each for each in labels if each[0] <= end]
    return Axis(begin=0, end=end, ticks=ticks, title="percentile")


def nines(percent: float) -> float:
    """How many nines a percentage has: 1 for 90, 2 for 99."""
    return -math.log10(max(1e-9, 1 - percent / 100))


def logarithm(seconds: float) -> float:
    """To the base of ten; what is shorter than a tenth of a millisecond counts as that."""
    return math.log10(max(_SHORTEST, seconds))


def curves(name: str, x: Axis, y: Axis, lines: Sequence[Curve]) -> str:
    """A plot of lines, with a legend."""
    drawn = [*_frame(x, y)]
    for line in lines:
        points = [(_x(x, a), _y(y, b)) for a, b in line.points]
        if line.dots:
            drawn += [f'<circle class="{line.style}" cx="{a:.1f}" cy="{b:.1f}" r="1.8"/>' for a, b in points]
        elif points:
            path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
            drawn.append(f'<polyline class="{line.style}" points="{path}"/>')
    return _svg(name, drawn, [(line.name, line.style) for line in lines])


def bars(name: str, x: Axis, y: Axis, drawn_bars: Sequence[Bar], legend: Sequence[tuple[str, str]]) -> str:
    """A plot of bars, with a legend of names and styles."""
    drawn = [*_frame(x, y)]
    for bar in drawn_bars:
        left, right = _x(x, bar.left), _x(x, bar.right)
        gap = min(2.0, (right - left) / 8)
        faint = "" if bar.is_whole else ' class="part"'
        drawn.append(f"<g{faint}><title>{escape(bar.title)}</title>")
        base = 0.0
        for style, height in bar.parts:
            top, bottom = _y(y, base + height), _y(y, base)
            base += height
            if height:
                drawn.append(
                    f'<rect class="{style}" x="{left + gap:.1f}" y="{top:.1f}" '
                    f'width="{max(0.5, right - left - 2 * gap):.1f}" height="{bottom - top:.1f}"/>'
                )
        if bar.limit is not None:
            at = _y(y, bar.limit)
            drawn.append(f'<line class="limit" x1="{left:.1f}" y1="{at:.1f}" x2="{right:.1f}" y2="{at:.1f}"/>')
        drawn.append("</g>")
    return _svg(name, drawn, legend)


def _svg(name: str, drawn: Sequence[str], legend: Sequence[tuple[str, str]]) -> str:
    keys = "".join(f'<span><i class="{style}"></i>{escape(text)}</span>' for text, style in legend)
    return (
        f'<figure><figcaption>{escape(name)}<span class="legend">{keys}</span></figcaption>'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(name)}">{"".join(drawn)}</svg></figure>'
    )


def _frame(x: Axis, y: Axis) -> Iterable[str]:
    bottom = _HEIGHT - _BOTTOM
    for value, label in y.ticks:
        at = _y(y, value)
        yield f'<line class="grid" x1="{_LEFT}" y1="{at:.1f}" x2="{_WIDTH - _RIGHT}" y2="{at:.1f}"/>'
        yield f'<text class="tick" x="{_LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{escape(label)}</text>'
    for value, label in x.ticks:
        at = _x(x, value)
        yield f'<line class="axis" x1="{at:.1f}" y1="{bottom}" x2="{at:.1f}" y2="{bottom + 5}"/>'
        yield f'<text class="tick" x="{at:.1f}" y="{bottom + 19}" text-anchor="middle">{escape(label)}</text>'
    yield f'<line class="axis" x1="{_LEFT}" y1="{bottom}" x2="{_WIDTH - _RIGHT}" y2="{bottom}"/>'
    yield f'<text class="name" x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 6}" text-anchor="end">{escape(x.title)}</text>'
    middle = (_TOP + bottom) / 2
    yield f'<text class="name" transform="translate(14 {middle:.0f}) rotate(-90)" text-anchor="middle">{y.title}</text>'


def _x(axis: Axis, value: float) -> float:
    return _LEFT + axis.share(value) * (_WIDTH - _LEFT - _RIGHT)


def _y(axis: Axis, value: float) -> float:
    return _HEIGHT - _BOTTOM - axis.share(value) * (_HEIGHT - _TOP - _BOTTOM)


def _step(extent: float, most: int) -> float:
    """A round number of which `extent` has at most so many."""
    power = 10.0 ** math.floor(math.log10(extent / most))
    return next(power * factor for factor in (1, 2, 5, 10) if extent / (power * factor) <= most)


def _power(exponent: int) -> str:
    return in_short(10.0**exponent).replace(".00", "").replace(".0 ", " ").replace(".10 ", ".1 ")
