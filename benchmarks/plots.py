"""Draws the results of the other benchmarks as SVG: `overhead.svg`, `codec.svg`, `bulk.svg`, beside their JSON.

    python benchmarks/plots.py [DIRECTORY]

A bar or a dot for each contestant at the median ratio; a line from the least to the most. Mid greys and mid tones on
nothing: it reads on a light page and on a dark one.
"""

import importlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
from limiter_report import RESULTS
from measuring import OURS

_INK: Final = "#7d8894"
_GOAL: Final = "#c98a1b"
_OURS: Final = "#1f9d6b"
_PEER: Final = "#3f83d6"
_BAR: Final = 0.3
"""Inches for each contestant."""


@attrs.frozen
class Bar:
    name: str
    ratio: float
    least: float
    most: float


@attrs.frozen
class Panel:
    title: str
    goal: float | None
    bars: Sequence[Bar]


def _of_figure(figure: Mapping[str, Any], title: str, goal: float | None) -> Panel:
    bars = [Bar(name, row["ratio"], min(row["ratios"]), max(row["ratios"])) for name, row in figure["rows"].items()]
    return Panel(title, goal, bars)


def overhead(found: Mapping[str, Any]) -> list[Panel]:
    figures = found["figures"]
    return [
        _of_figure(figures["P1"], "P1: a small GET over HTTP, CPU against plain aiohttp", 1.10),
        _of_figure(figures["P4"], "P4: a call in memory, CPU against respx + httpx", 0.06),
    ]


def bulk(found: Mapping[str, Any]) -> list[Panel]:
    return [_of_figure(found["figures"]["P3"], "P3: a bulk pull, CPU against aiohttp + orjson's dicts", 1.3)]


def codec(found: Mapping[str, Any]) -> list[Panel]:
    titles = {"documented": "P2: a page of the documented properties, CPU against orjson's dicts"}
    titles["five unknown"] = "P2: with five unknown fields each"
    return [
        Panel(
            title,
            found["pages"][page]["goal"],
            [Bar(row["name"], row["ratio"], row["least"], row["most"]) for row in found["pages"][page]["rows"]],
        )
        for page, title in titles.items()
    ]


def draw(panels: Sequence[Panel], target: Path) -> None:
    plt: Any = importlib.import_module("matplotlib.pyplot")
    style = {"svg.fonttype": "none", "svg.hashsalt": "setsmart_async", "font.family": "sans-serif", "font.size": 9.0}
    inks = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    with plt.rc_context(style | dict.fromkeys(inks, _INK)):
        heights = [len(panel.bars) + 1.6 for panel in panels]
        size = (8.6, _BAR * sum(heights) + 0.3)
        layout = {"height_ratios": heights}
        picture, axes = plt.subplots(len(panels), 1, figsize=size, squeeze=False, gridspec_kw=layout)
        for axis, panel in zip(axes.flat, panels, strict=True):
            _panel(axis, panel)
        picture.tight_layout()
        picture.savefig(target, transparent=True, metadata={"Date": None})
        plt.close(picture)


def _panel(axis: Any, panel: Panel) -> None:
    """On a logarithmic scale where the slowest would make the others invisible."""
    is_wide = max(bar.ratio for bar in panel.bars) > 6
    left = min(min(bar.least for bar in panel.bars) / 1.5, 0.5) if is_wide else 0.0
    for place, bar in enumerate(panel.bars):
        color = _OURS if bar.name.startswith((OURS, "its transport", "FakeSetSmart")) else _PEER
        if is_wide:
            axis.plot([left, bar.ratio], [place, place], color=color, linewidth=1.6, alpha=0.5)
            axis.plot([bar.ratio], [place], "o", color=color, markersize=7)
        else:
            alpha = 0.8 if bar.name == OURS else 0.5
            axis.barh(place, bar.ratio, height=0.62, color=color, alpha=alpha)
        axis.plot([bar.least, bar.most], [place, place], color=_INK, linewidth=1.1)
        axis.annotate(
            f"{bar.ratio:.2f}" if bar.ratio >= 0.1 else f"{bar.ratio:.3f}",
            (max(bar.most, bar.ratio), place), xytext=(5, 0), textcoords="offset points", va="center", fontsize=8.5,
        )  # fmt: skip
    if panel.goal is not None:
        axis.axvline(panel.goal, color=_GOAL, linewidth=1.3, linestyle=(0, (4, 2)))
        above = axis.get_xaxis_transform()
        axis.text(panel.goal, 1.01, f"goal {panel.goal:g}", color=_GOAL, transform=above, ha="center", fontsize=8.5)
    if is_wide:
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter(importlib.import_module("matplotlib.ticker").FormatStrFormatter("%g"))
        axis.xaxis.set_minor_formatter(importlib.import_module("matplotlib.ticker").NullFormatter())
    axis.set_xlim(left, max(bar.most for bar in panel.bars) * (1.9 if is_wide else 1.14))
    axis.set_yticks(range(len(panel.bars)), [bar.name for bar in panel.bars])
    for label, bar in zip(axis.get_yticklabels(), panel.bars, strict=True):
        label.set_fontweight("bold" if bar.name == OURS else "normal")
    axis.invert_yaxis()
    axis.set_title(panel.title, loc="left", fontsize=10, pad=14)
    axis.grid(axis="x", color=_INK, alpha=0.22, linewidth=0.6)
    axis.set_axisbelow(True)
    axis.tick_params(length=0)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS
    for kind in (overhead, codec, bulk):
        source = folder / f"{kind.__name__}.json"
        if source.is_file():
            draw(kind(json.loads(source.read_text(encoding="utf-8"))), source.with_suffix(".svg"))


if __name__ == "__main__":
    main()
