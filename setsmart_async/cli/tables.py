"""Tables for people: as wide as the terminal, with nothing in them that could steer it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from setsmart_async.cli.plain_text import plain
from setsmart_async.cli.selection import as_text, value_at
from setsmart_async.wire import Json, JsonObject

_ROWS_TO_MEASURE: Final = 100
_GAP: Final = "  "
_NARROWEST: Final = 6


class TableWriter:
    """Rows under a head. The first 100 settle the columns' widths; a longer value in a later row is cut."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._first: list[list[str]] = []
        self._widths: list[int] | None = None
        self._console = Console(highlight=False, soft_wrap=True)

    def write(self, record: JsonObject) -> None:
        """Show a record, or keep it until the widths are settled."""
        row = [plain(as_text(value_at(record, name))) for name in self._names]
        if self._widths is None:
            self._first.append(row)
            if len(self._first) == _ROWS_TO_MEASURE:
                self._begin()
        else:
            self._line(row, self._widths)

    def end(self) -> None:
        """Show what is still kept."""
        if self._widths is None:
            if self._first:
                self._begin()
            else:
                print("There is none.", file=sys.stderr)

    def _begin(self) -> None:
        head = [name.replace("_", " ").upper() for name in self._names]
        natural = [max(map(cell_len, column)) for column in zip(head, *self._first, strict=True)]
        available = self._console.width if self._console.is_terminal else None
        self._widths = natural if available is None else _fitted(natural, available - len(_GAP) * (len(natural) - 1))
        self._console.print(Text(_joined(head, self._widths), style="bold"))
        for row in self._first:
            self._line(row, self._widths)
        self._first.clear()

    def _line(self, row: Sequence[str], widths: Sequence[int]) -> None:
        sys.stdout.write(f"{_joined(row, widths)}\n")


def write_as_lines(record: Mapping[str, Json]) -> None:
    """One record: a line for each field, and for each field of a record inside it."""
    pairs = list(_flat(record, ""))
    width = max((cell_len(name) for name, _ in pairs), default=0)
    console = Console(highlight=False, soft_wrap=True)
    for name, value in pairs:
        console.print(Text.assemble((set_cell_size(name, width), "bold"), _GAP, plain(as_text(value))))


def _flat(record: Mapping[str, Json], prefix: str) -> list[tuple[str, Json]]:
    pairs: list[tuple[str, Json]] = []
    for name, value in record.items():
        pairs.extend(
            _flat(value, f"{prefix}{name}.") if isinstance(value, dict) and value else [(prefix + name, value)]
        )
    return pairs


def _joined(row: Sequence[str], widths: Sequence[int]) -> str:
    return _GAP.join(_cut(text, width) for text, width in zip(row, widths, strict=True)).rstrip()


def _cut(text: str, width: int) -> str:
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return f"{set_cell_size(text, width - 1)}…" if sys.stdout.isatty() else text


def _fitted(natural: Sequence[int], available: int) -> list[int]:
    """Widths that fit: the widest column gives way first, and the first one, an id, last."""
    widths = list(natural)
    while sum(widths) > available:
        widest = max(range(1, len(widths)), key=widths.__getitem__, default=0)
        if widths[widest] <= _NARROWEST:
            break
        widths[widest] -= 1
    return widths
