"""Draws `shared_quota.json`: use of the quota, 429s and Redis calls by the number of processes.

python benchmarks/shared_quota_plot.py
"""

import importlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

_INK: Final = "#7d8894"
_COLOURS: Final = {"ours": "#1f9d6b", "independent": "#e0483e", "gcra": "#3f83d6", "pyrate": "#b07cd6"}
_NAMES: Final = {
    "ours": "setsmart_async, not told the limit",
    "independent": "independent limiters",
    "gcra": "GCRA in Redis, told the limit",
    "pyrate": "pyrate-limiter in Redis, told the limit",
}
_PANELS: Final = (
    ("utilisation", "quota used", False),
    ("refused", "429s in the run", True),
    ("redis_calls", "Redis calls per request", True),
)


def draw(rows: Sequence[Mapping[str, Any]], target: Path) -> None:
    """One panel per figure; runs in which Redis was killed, or with another limit, are left to the table."""
    plt = importlib.import_module("matplotlib.pyplot")
    shown = [row for row in rows if not row["redis_lost"] and row["limit"] == 100]
    numbers = sorted({row["processes"] for row in shown})
    style = {"svg.fonttype": "none", "svg.hashsalt": "shared", "font.family": "sans-serif", "font.size": 8.5}
    style |= dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), _INK)
    with plt.rc_context(style):
        picture, axes = plt.subplots(1, len(_PANELS), figsize=(10.0, 3.0))
        for axis, (figure, title, is_log) in zip(axes, _PANELS, strict=True):
            _panel(axis, shown, numbers, figure, is_log=is_log)
            axis.set_title(title, fontsize=9, color=_INK)
            axis.set_xlabel("processes")
        handles, labels = axes[0].get_legend_handles_labels()
        picture.legend(handles, labels, loc="upper center", ncols=2, frameon=False, labelcolor=_INK)
        picture.tight_layout(rect=(0, 0, 1, 0.84))
        picture.savefig(target, transparent=True, metadata={"Date": None})
        plt.close(picture)


def _panel(axis: Any, rows: Sequence[Mapping[str, Any]], numbers: list[int], figure: str, *, is_log: bool) -> None:
    width = 0.8 / len(_NAMES)
    for place, (strategy, label) in enumerate(_NAMES.items()):
        found = {row["processes"]: row[figure] for row in rows if row["strategy"] == strategy}
        at = [position + (place - 1.5) * width for position in range(len(numbers))]
        heights = [found.get(number, 0) for number in numbers]
        axis.bar(at, heights, width * 0.92, color=_COLOURS[strategy], label=label)
        for left, height in zip(at, heights, strict=True):
            text = "" if figure == "utilisation" else f"{height:.0f}" if height >= 10 else f"{height:.2g}"
            axis.annotate(text, (left, height), ha="center", va="bottom", fontsize=6.5, color=_INK)
    if is_log:
        axis.set_yscale("symlog", linthresh=1)
    else:
        axis.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    axis.margins(y=0.2)
    axis.set_xticks(range(len(numbers)), [str(number) for number in numbers])
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


if __name__ == "__main__":
    results = Path(__file__).parent / "results" / "shared_quota.json"
    draw(json.loads(results.read_text(encoding="utf-8"))["rows"], results.with_suffix(".svg"))
