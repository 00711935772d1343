"""`setsmart calendar …`: which nights can be booked, and for how much."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Sequence
from typing import Annotated, Final, cast

import attrs
from cyclopts import App, Parameter

from setsmart_async.cli.body import body_fields, read_json
from setsmart_async.cli.dry_run import print_requests
from setsmart_async.cli.exit_codes import CommandError, ExitCode, code_for
from setsmart_async.cli.fields import fields_of_record
from setsmart_async.cli.output import Format, layout_for, writer_for
from setsmart_async.cli.resource_app import (
    BODY_OPTIONS,
    CLEAR,
    OPTIONS_GROUP,
    OUTPUT_OPTIONS,
    WRITE_OPTIONS,
    argument,
    command,
    filter_options,
)
from setsmart_async.cli.resource_calls import Shown, fields_of
from setsmart_async.cli.session import run_with_client
from setsmart_async.client import SetSmart
from setsmart_async.errors import ConfigurationError, SetSmartError
from setsmart_async.records.calendar_day import CalendarDay
from setsmart_async.resources.calendar import Calendar, PushedChunk
from setsmart_async.resources.calendar_ranges import CalendarChange
from setsmart_async.wire import Json, JsonObject

_PROPERTY: Final = argument("property_id", Annotated[str, Parameter(help="The property's id.")])
_DAYS: Final = Shown(
    name="calendar",
    one="day",
    many="days",
    record=CalendarDay,
    columns=("date", "available", "nightly_rate", "currency", "min_stay", "max_stay", "reservation_id"),
)
_CHUNK_COLUMNS: Final = ("start_date", "end_date", "days", "state", "error")


app: App = App(name="calendar", group_parameters=OPTIONS_GROUP)
_RANGE, _RANGE_OPTIONS = filter_options(Calendar.get)
_CHANGES: Final = fields_of_record(CalendarChange)


def _get(
    property_id: str,
    /,
    *,
    output: Format | None = None,
    only: str | None = None,
    base_url: str | None = None,
    **options: object,
) -> None:
    given = {field.name: field.value_of(options[field.parameter_name]) for field in _RANGE}
    layout = _DAYS.layout(output, only)

    def work(client: SetSmart) -> Awaitable[list[CalendarDay]]:
        return cast("Awaitable[list[CalendarDay]]", _DAYS.method(client, "get")(property_id, **given))

    writer = writer_for(layout)
    for day in run_with_client(work, base_url):
        writer.write(fields_of(day))
    writer.end()


def _update(
    property_id: str,
    /,
    *,
    place: str | None = None,
    extra: Sequence[str] | None = None,
    clear: str | None = None,
    dry_run: bool = False,
    output: Format | None = None,
    only: str | None = None,
    base_url: str | None = None,
    **options: object,
) -> None:
    wanted = _wanted(options, place=place, extra=extra, clear=clear)

    def work(client: SetSmart) -> Awaitable[list[PushedChunk]]:
        return client.calendar.push(property_id, wanted)

    if dry_run:
        print_requests(work, base_url, output)
    else:
        _show(run_with_client(work, base_url), output, only)


command(app, "get", "Show the days of a property.", _get, [_PROPERTY, *_RANGE_OPTIONS, *OUTPUT_OPTIONS])
command(
    app,
    "update",
    "Change days of a property's calendar: one range by options, or many with --input, a JSON array of them.",
    _update,
    [_PROPERTY, *(field.parameter() for field in _CHANGES), *BODY_OPTIONS, CLEAR, *WRITE_OPTIONS],
)


def _wanted(
    options: dict[str, object],
    *,
    place: str | None,
    extra: Sequence[str] | None,
    clear: str | None,
) -> list[CalendarChange]:
    found: Json = [] if place is None else read_json(place)
    ranges = found if isinstance(found, list) else [found]
    given = body_fields(_CHANGES, options, place=None, extra=extra, clear=clear)
    if ranges and given:
        raise ConfigurationError("Pass the ranges with --input, or one range with options.")
    try:
        return [_change(each) for each in ranges] if ranges else [_made(given)]
    except ValueError as problem:
        raise ConfigurationError(str(problem)) from None


def _change(value: Json) -> CalendarChange:
    if not isinstance(value, dict):
        raise ConfigurationError("--input must hold an array of objects, [{...}, ...], or one object.")
    known = {field.name: field for field in _CHANGES}
    body: dict[str, object] = {
        name: known[name].value_of(each) if each is not None else None for name, each in value.items() if name in known
    }
    unknown = {name: each for name, each in value.items() if name not in known}
    return _made({**body, "extra": unknown} if unknown else body)


def _made(values: dict[str, object]) -> CalendarChange:
    if missing := [field.option for field in _CHANGES if field.is_needed and field.name not in values]:
        raise ConfigurationError(f"To change a calendar pass {', '.join(missing)}, or --input with it.")
    make = cast("type[attrs.AttrsInstance]", CalendarChange)
    return cast(CalendarChange, make(**values))


def _show(chunks: Sequence[PushedChunk], output: Format | None, only: str | None) -> None:
    """Show what became of each request. Raises `CommandError` when one failed."""
    writer = writer_for(layout_for(output, only, columns=_CHUNK_COLUMNS, all_columns=_CHUNK_COLUMNS))
    for chunk in chunks:
        state = "failed" if chunk.error else "accepted" if chunk.pending else "done"
        shown: JsonObject = {
            "start_date": chunk.start_date.isoformat(),
            "end_date": chunk.end_date.isoformat(),
            "days": chunk.days,
            "state": state,
        }
        writer.write({**shown, "error": str(chunk.error)} if chunk.error else shown)
    writer.end()
    sys.stdout.flush()
    failed = [chunk for chunk in chunks if chunk.error is not None]
    if failed:
        first = failed[0].error
        code = code_for(first) if isinstance(first, SetSmartError) else ExitCode.USAGE
        raise CommandError(f"{len(failed)} of {len(chunks)} request(s) failed; the first: {first}", code)
