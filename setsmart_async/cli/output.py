"""How records are shown: tables on a terminal, JSON lines in a pipe, or what ``-o`` says.

Each record is written when it comes, and forgotten: a list may be of any length. A table's first rows are kept until
its columns' widths are known.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from typing import Annotated, Final, Literal, Protocol, cast, get_args

import attrs
from cyclopts import Parameter

from setsmart_async.cli.selection import as_text, field_names, selected, value_at
from setsmart_async.cli.settings import OUTPUT_VARIABLE, current
from setsmart_async.errors import ConfigurationError
from setsmart_async.wire import Json, JsonObject, encode_json

Format = Literal["table", "json", "jsonl", "csv"]
"""What ``-o`` takes."""

OUTPUT_OPTION: Final = Parameter(
    name=("--output", "-o"),
    help="A table on a terminal, JSON lines (jsonl) elsewhere, unless you say.",
    show_default=False,
)
FIELDS_OPTION: Final = Parameter(
    name="--fields", metavar="A,B,C", help="These fields alone, in this order; guest.email reaches inside."
)
OutputOption = Annotated[Format | None, OUTPUT_OPTION]
FieldsOption = Annotated[str | None, FIELDS_OPTION]


@attrs.frozen(kw_only=True)
class Layout:
    """Which fields, in which form."""

    format: Format
    fields: tuple[str, ...] | None
    """Those of ``--fields``; None: all in JSON, the usual ones in a table or a CSV file."""
    columns: tuple[str, ...]
    """The usual ones of a table."""
    all_columns: tuple[str, ...]
    """Those of a CSV file."""

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of a table or a CSV file."""
        return self.fields or (self.all_columns if self.format == "csv" else self.columns)


class RecordWriter(Protocol):
    """Takes one record after the other to stdout."""

    def write(self, record: JsonObject) -> None:
        """Show a record."""

    def end(self) -> None:
        """There are no more."""


def format_for(option: Format | None) -> Format:
    """The form that the option says, or SETSMART_OUTPUT, the config file, or the terminal."""
    if option is not None:
        return option
    found = current().found.get("output")
    if found is None:
        return "table" if sys.stdout.isatty() else "jsonl"
    if found.value not in get_args(Format):
        known = ", ".join(get_args(Format))
        raise ConfigurationError(f"{OUTPUT_VARIABLE} (from {found.origin}) is one of {known}.")
    return cast("Format", found.value)


def layout_for(
    output: Format | None, fields: str | None, *, columns: tuple[str, ...], all_columns: tuple[str, ...]
) -> Layout:
    """The layout that the options say."""
    return Layout(
        format=format_for(output),
        fields=None if fields is None else field_names(fields),
        columns=columns,
        all_columns=all_columns,
    )


def writer_for(layout: Layout) -> RecordWriter:
    """What writes a list in this layout."""
    match layout.format:
        case "table":
            from setsmart_async.cli.tables import TableWriter

            return TableWriter(layout.names)
        case "csv":
            return _CsvWriter(layout.names)
        case "json":
            return _JsonWriter(layout.fields)
        case "jsonl":
            return _LineWriter(layout.fields)


def write_one(record: JsonObject, layout: Layout) -> None:
    """Show one record on its own: in a table, a line for each field."""
    match layout.format:
        case "table":
            from setsmart_async.cli.tables import write_as_lines

            write_as_lines(record if layout.fields is None else selected(record, layout.fields))
        case "json":
            print(pretty(record if layout.fields is None else selected(record, layout.fields)))
        case "csv" | "jsonl":
            writer = writer_for(layout)
            writer.write(record)
            writer.end()


def pretty(value: Json) -> str:
    """JSON over several lines."""
    import msgspec

    return msgspec.json.format(encode_json(value), indent=2).decode()


class MissingFields:
    """Finds names of ``--fields`` that no record has: most likely misspelt."""

    def __init__(self, names: Sequence[str]) -> None:
        self._missing = dict.fromkeys(names)
        self._records = 0

    def see(self, record: JsonObject) -> None:
        """Look at a record."""
        self._records += 1
        for name in [name for name in self._missing if value_at(record, name) is not None]:
            del self._missing[name]

    def tell(self, known: Sequence[str]) -> None:
        """Say on stderr which were in no record, where there were some and the name is none of the known."""
        for name in self._missing:
            is_known = any(each == name or each.startswith(f"{name}.") for each in known)
            if self._records and not is_known:
                print(f"setsmart: no record has a field {name!r}.", file=sys.stderr)


class _LineWriter:
    def __init__(self, fields: tuple[str, ...] | None) -> None:
        self._fields = fields

    def write(self, record: JsonObject) -> None:
        shown = record if self._fields is None else selected(record, self._fields)
        sys.stdout.write(f"{encode_json(shown).decode()}\n")

    def end(self) -> None:
        """Nothing is open."""


class _JsonWriter:
    """One array; unfinished when the list ends with an error, so that nobody takes a part for the whole."""

    def __init__(self, fields: tuple[str, ...] | None) -> None:
        self._fields = fields
        self._before = "[\n"

    def write(self, record: JsonObject) -> None:
        shown = record if self._fields is None else selected(record, self._fields)
        sys.stdout.write(f"{self._before}  {encode_json(shown).decode()}")
        self._before = ",\n"

    def end(self) -> None:
        sys.stdout.write("[]\n" if self._before == "[\n" else "\n]\n")


class _CsvWriter:
    """RFC 4180, but for its line ends: those of text files here."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._rows = csv.writer(sys.stdout, lineterminator="\n")
        self._has_header = False

    def write(self, record: JsonObject) -> None:
        self._head()
        self._rows.writerow([as_text(value_at(record, name)) for name in self._names])

    def end(self) -> None:
        self._head()

    def _head(self) -> None:
        if not self._has_header:
            self._has_header = True
            self._rows.writerow(self._names)
