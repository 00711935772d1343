"""What a figure is, how its table is printed, and what is written down beside it."""

import json
import os
import platform
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Final, TypeAlias

import attrs

RESULTS: Final = Path(__file__).parent / "results"
_LIST_OF_NUMBERS: Final = re.compile(r"\[[-+\d.,e\s]+\]")
_NAMED: Final = (
    *("setsmart_async", "aiolimiter", "asyncio-throttle", "asyncprawcore", "hikari", "pyrate-limiter", "throttled-py"),
    *("attrs", "matplotlib"),
)


@attrs.frozen
class Row:
    """One limiter's line: what is printed, and the numbers behind it."""

    name: str
    cells: tuple[str, ...]
    data: dict[str, object]
    met: bool | None
    """Whether it reaches the goal; None: the figure does not apply to it."""


Say: TypeAlias = Callable[[str], None]


@attrs.frozen(kw_only=True)
class Figure:
    name: str
    title: str
    columns: tuple[str, ...]
    goal: str


@attrs.frozen(kw_only=True)
class Simulated(Figure):
    row: Callable[[str, bool], Row]
    """Measures the limiter of this name; True: quickly."""
    limiters: Sequence[str]


@attrs.frozen(kw_only=True)
class Timed(Figure):
    rows: Callable[[Say, bool], list[Row]]
    """Measures all of them, interleaved."""


@attrs.frozen
class Result:
    figure: Figure
    rows: Sequence[Row]

    @property
    def met(self) -> bool:
        """Whether ours, the first row, reaches the goal."""
        return bool(self.rows[0].met)

    @property
    def verdict(self) -> str:
        return "met" if self.met else "not met"


def table(result: Result) -> str:
    """A table in Markdown."""
    figure = result.figure
    lines = [f"### {figure.name} · {figure.title}", "", f"Goal: {figure.goal}.", ""]
    lines += [_line(["", *figure.columns, "goal met"]), _line(["---", *("---:" for _ in figure.columns), ":---:"])]
    verdicts = {True: "yes", False: "no", None: "-"}
    lines += [_line([_bold(row.name), *row.cells, verdicts[row.met]]) for row in result.rows]
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _bold(name: str) -> str:
    return f"**{name}**" if name == "setsmart_async" else name


def circumstances(
    *, quick: bool, load_before: tuple[float, float, float], named: Sequence[str] = _NAMED
) -> dict[str, object]:
    """Whatever one must know to judge the numbers."""
    versions: dict[str, str] = {}
    for name in ("setsmart_async", *(name for name in named if name != "setsmart_async")):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "checkout" if name == "setsmart_async" else "not installed"
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "load_before": [round(load, 2) for load in load_before],
        "load_after": [round(load, 2) for load in os.getloadavg()],
        "versions": versions,
    }


def write(path: Path, around: dict[str, object], results: Sequence[Result]) -> None:
    figures = {
        result.figure.name: {
            "title": result.figure.title,
            "goal": result.figure.goal,
            "met": result.met,
            "columns": result.figure.columns,
            "rows": {row.name: {"cells": row.cells, "met": row.met, **row.data} for row in result.rows},
        }
        for result in results
    }
    text = json.dumps({**around, "figures": figures}, indent=1, ensure_ascii=False)
    text = _LIST_OF_NUMBERS.sub(lambda found: " ".join(found[0].split()), text)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")
