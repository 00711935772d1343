"""An account as a source for dlt, which loads it into warehouses. Needs the extra ``dlt``.

Records come as Arrow tables with typed columns (money exact, days as days, times in UTC) and the whole object as JSON
in `raw`. HTTP, quota and retries are this library's, destinations and state are dlt's.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from functools import partial
from importlib import import_module
from typing import Any, Final

import attrs
import dlt
from dlt.extract import DltResource, DltSource

from setsmart_async.client import SetSmart
from setsmart_async.errors import ConfigurationError
from setsmart_async.keys import ApiKey, KeyProvider
from setsmart_async.sync.calendar import Horizon
from setsmart_async.sync.columns import Value
from setsmart_async.sync.listings import for_bulk_work, listing_of
from setsmart_async.sync.rows import Row, day_rows, rows_of
from setsmart_async.sync.tables import RESOURCES, ResourceName, SyncedResource
from setsmart_async.wire import encode_json

_arrow: Final[Any] = import_module("pyarrow")  # it carries no types
_DEFAULT: Final[tuple[ResourceName, ...]] = ("properties", "reservations", "conversations")
_ROWS_PER_TABLE: Final = 1_000
_DAYS_PER_REQUEST: Final = 365
_PLACES: Final = 9
_LAST_PLACE: Final = Decimal(1).scaleb(-_PLACES)
_ROOM: Final = Context(prec=100)
_TYPES: Final[Mapping[type, object]] = {
    bool: _arrow.bool_(),
    int: _arrow.int64(),
    float: _arrow.float64(),
    Decimal: _arrow.decimal128(38, _PLACES),
    date: _arrow.date32(),
    datetime: _arrow.timestamp("us", tz="UTC"),
}


@attrs.frozen(kw_only=True)
class _Settings:
    client: Callable[[], SetSmart]
    page_size: int
    look_ahead: int
    days_ahead: int
    overlap: timedelta


def setsmart_source(
    api_key: ApiKey | KeyProvider | str | None = None,
    *,
    base_url: str | None = None,
    resources: Iterable[ResourceName] = _DEFAULT,
    incremental: bool = False,
    page_size: int = 100,
    look_ahead: int = 8,
    days_ahead: int = 365,
    overlap: float = 300.0,
) -> DltSource:
    """An account's `resources`, each merged by `id` into a table of its name.

    `api_key` and `base_url` are those of `SetSmart`, the environment included. All is read in every run, unless
    `incremental`: then what has changed since the last one, by the server's `updated_at` (provisional), with `overlap`
    seconds of margin. A record that the server has no more stays in the destination: to have it marked, use
    `setsmart_async.sync`. `look_ahead` is the most pages asked for at once; a calendar reaches `days_ahead`.

    The run of a pipeline raises what the library raises, inside dlt's `PipelineStepFailed`; nothing of that run is
    loaded then. Raises `ConfigurationError` for settings that can not work.
    """
    chosen = list(resources)
    if not chosen or set(chosen) - RESOURCES.keys():
        raise ConfigurationError(f"What can be loaded: {', '.join(RESOURCES)}.")
    if min(page_size, look_ahead, days_ahead) < 1 or overlap < 0:
        raise ConfigurationError("page_size, look_ahead and days_ahead must be 1 or more, overlap not negative.")
    settings = _Settings(
        client=partial(SetSmart, api_key, base_url=base_url),
        page_size=page_size,
        look_ahead=look_ahead,
        days_ahead=days_ahead,
        overlap=timedelta(seconds=overlap),
    )

    @dlt.source(name="setsmart", max_table_nesting=0)
    def setsmart() -> list[DltResource]:
        return [_resource(RESOURCES[name], settings, incremental=incremental) for name in chosen]

    return setsmart()


def _resource(resource: SyncedResource, settings: _Settings, *, incremental: bool) -> DltResource:
    if incremental and any(field.name == "updated_at" for field in resource.fields):
        # `lag`: dlt itself drops what lies before its start, which has to be the time that is asked for.
        lag = settings.overlap.total_seconds()
        cursor = dlt.sources.incremental[datetime]("updated_at", lag=lag, on_cursor_value_missing="include")
    else:
        cursor = None

    async def everything() -> AsyncGenerator[object, None]:
        is_calendar = resource.name == "calendar"
        tables = _days(resource, settings) if is_calendar else _listed(resource, settings, None)
        async with aclosing(tables):
            async for table in tables:
                yield table

    async def changed(updated_at: dlt.sources.incremental[datetime] | None = cursor) -> AsyncGenerator[object, None]:
        since = None if updated_at is None else updated_at.last_value
        tables = _listed(resource, settings, since)
        async with aclosing(tables):
            async for table in tables:
                yield table

    produce = everything if cursor is None else changed
    return dlt.resource(produce, name=resource.name, primary_key="id", write_disposition="merge")


async def _listed(
    resource: SyncedResource, settings: _Settings, since: datetime | None
) -> AsyncGenerator[object, None]:
    rows: list[Row] = []
    async with settings.client() as client:
        listing = listing_of(for_bulk_work(client), resource, page_size=settings.page_size, since=since)
        async with aclosing(listing.prefetch(settings.look_ahead).pages()) as pages:
            async for page in pages:
                rows += rows_of(resource, page.items, page.raw)
                if len(rows) >= _ROWS_PER_TABLE:
                    yield _table(resource, rows)
                    rows = []
    if rows:
        yield _table(resource, rows)


async def _days(resource: SyncedResource, settings: _Settings) -> AsyncGenerator[object, None]:
    horizon = Horizon.of(datetime.now(UTC), settings.days_ahead, _DAYS_PER_REQUEST)
    rows: list[Row] = []
    async with settings.client() as opened:
        client = for_bulk_work(opened)
        async with aclosing(client.properties.list(page_size=settings.page_size).pages()) as pages:
            async for page in pages:
                for home in page.items:
                    rows += day_rows(home.id, await horizon.read(client, home.id))
                    if len(rows) >= _ROWS_PER_TABLE:
                        yield _table(resource, rows)
                        rows = []
    if rows:
        yield _table(resource, rows)


def _table(resource: SyncedResource, rows: list[Row]) -> object:
    typed = [(field.name, _TYPES.get(field.kind, _arrow.string())) for field in resource.fields]
    parent = [("property_id", _arrow.string())] if resource.name == "calendar" else []
    schema = _arrow.schema([("id", _arrow.string()), *parent, *typed, ("raw", _arrow.string())])
    records = [
        {
            "id": row.id,
            **{name: _fitted(value) for name, value in row.typed.items()},
            "raw": encode_json(row.item).decode(),
        }
        for row in rows
    ]
    return _arrow.Table.from_pylist(records, schema=schema)


def _fitted(value: Value) -> Value:
    """An amount in the places that its column has; `raw` has all of them."""
    return value.quantize(_LAST_PLACE, context=_ROOM) if isinstance(value, Decimal) else value
