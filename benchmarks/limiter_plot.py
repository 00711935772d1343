"""Draws the window staircase from `limiter.json`: requests that the server accepted, against its quota, over time.

    python benchmarks/limiter_plot.py [limiter.json [limiter.svg]]

Mid greys and mid tones on nothing: it reads on a light page and on a dark one.
"""

import importlib
import itertools
import json
import math
import sys
from pathlib import Path
from typing import Any, Final

from limiter_figures import BIN, CHANGING
from limiter_peers import OURS
from limiter_report import RESULTS

_INK: Final = "#7d8894"
_QUOTA: Final = "#8b96a3"
_OURS: Final = "#1f9d6b"
_PEER: Final = "#3f83d6"
_REFUSED: Final = "#e0483e"
_COLUMNS: Final = 4


def draw(source: Path, target: Path) -> None:
    plt = importlib.import_module("matplotlib.pyplot")
    rows = json.loads(source.read_text(encoding="utf-8"))["figures"]["G9"]["rows"]
    panels = {name: row["staircase"] for name, row in rows.items()}
    style = {
        "svg.fonttype": "none",
        "svg.hashsalt": "limiter",
        "font.family": "sans-serif",
        "font.size": 8.5,
        "text.color": _INK,
        "axes.labelcolor": _INK,
        "axes.edgecolor": _INK,
        "xtick.color": _INK,
        "ytick.color": _INK,
    }
    with plt.rc_context(style):
        lines = math.ceil(len(panels) / _COLUMNS)
        size = (10.0, 2.2 * lines + 0.7)
        picture, axes = plt.subplots(lines, _COLUMNS, figsize=size, sharex=True, sharey=True, squeeze=False)
        for axis in axes.flat:
            axis.set_visible(False)
        for axis, (name, staircase) in zip(axes.flat, panels.items(), strict=False):
            _panel(axis, name, staircase)
        _caption(picture, plt)
        picture.supxlabel("seconds", fontsize=9, color=_INK)
        picture.tight_layout(rect=(0, 0, 1, 0.88))
        for suffix in dict.fromkeys((".svg", target.suffix)):
            metadata = {"Date": None} if suffix == ".svg" else {}
            picture.savefig(target.with_suffix(suffix), transparent=True, metadata=metadata)
        plt.close(picture)


def _panel(axis: Any, name: str, staircase: dict[str, Any]) -> None:
    times = [BIN * (number + 1) for number in range(len(staircase["accepted"]))]
    accepted = itertools.accumulate(staircase["accepted"])
    used = [(time, count) for time, count in zip(times, accepted, strict=True) if time <= staircase["seconds"]]
    refused = sorted({round(time) for time, count in zip(times, staircase["refused"], strict=True) if count})
    edges, quota = _quota()
    axis.set_visible(True)
    axis.fill_between(edges, quota, step="post", color=_QUOTA, alpha=0.22, linewidth=0)
    axis.step(edges, quota, where="post", color=_QUOTA, linewidth=1)
    axis.step(*zip((0, 0), *used, strict=True), where="post", color=_OURS if name == OURS else _PEER, linewidth=1.8)
    axis.vlines(refused, 0, 0.07, transform=axis.get_xaxis_transform(), color=_REFUSED, linewidth=1.6)
    total = sum(staircase["refused"])
    bold = "bold" if name == OURS else "normal"
    axis.set_title(name, loc="left", fontsize=10, fontweight=bold, color=_OURS if name == OURS else _INK)
    axis.set_title(f"{total:,} times 429", loc="right", fontsize=9, color=_REFUSED if total else _INK)
    axis.set_xlim(0, CHANGING.seconds)
    axis.set_ylim(0, None)
    axis.grid(axis="y", color=_INK, alpha=0.25, linewidth=0.6)
    axis.tick_params(labelbottom=True, length=3)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


def _quota() -> tuple[list[float], list[int]]:
    """The most that the server may have accepted until each moment: each window's limit from its begin on.

    A limit that is raised in mid-window counts from then on; one that is lowered takes back nothing.
    """
    moments, totals = [0.0], [CHANGING.limit]
    limits = [(0.0, CHANGING.limit), *CHANGING.changes]
    begin = CHANGING.window - CHANGING.start % CHANGING.window
    events = [begin + number * CHANGING.window for number in range(int(CHANGING.seconds / CHANGING.window) + 1)]
    for moment, raised in sorted([(event, False) for event in events] + [(after, True) for after, _ in limits[1:]]):
        if moment > CHANGING.seconds:
            break
        limit = [limit for after, limit in limits if after <= moment][-1]
        before = [limit for after, limit in limits if after < moment][-1]
        moments.append(moment)
        totals.append(totals[-1] + (max(0, limit - before) if raised else limit))
    moments.append(CHANGING.seconds)
    totals.append(totals[-1])
    return moments, totals


def _caption(picture: Any, plt: Any) -> None:
    picture.text(
        0.012,
        0.975,
        "Requests accepted, against the server's quota: 100 per 10 s, from 40 s on 250, from 80 s on 60",
        fontsize=11,
        va="top",
    )
    lines = importlib.import_module("matplotlib.lines").Line2D
    handles = [
        lines([], [], color=_QUOTA, linewidth=1, label="quota"),
        lines([], [], color=_OURS, linewidth=1.8, label="accepted, ours"),
        lines([], [], color=_PEER, linewidth=1.8, label="accepted, peer"),
        lines(
            [],
            [],
            color=_REFUSED,
            marker="|",
            linestyle="",
            markersize=6,
            markeredgewidth=1.6,
            label="a second with 429s",
        ),
    ]
    picture.legend(handles=handles, loc="upper left", bbox_to_anchor=(0.005, 0.955), ncols=4, frameon=False, fontsize=9)


if __name__ == "__main__":
    _source = Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS / "limiter.json"
    draw(_source, Path(sys.argv[2]) if len(sys.argv) > 2 else _source.with_suffix(".svg"))
