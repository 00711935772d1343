"""Records as rows of their table."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

import msgspec

from setsmart_async.errors import InvalidResponseError
from setsmart_async.records.calendar_day import CalendarDay
from setsmart_async.records.codec import decode_record, encode_record
from setsmart_async.sync.columns import Value
from setsmart_async.sync.tables import CALENDAR, SyncedResource
from setsmart_async.wire import Json, decode_json, encode_json

_canonical: Final = msgspec.json.Encoder(order="deterministic")  # keys sorted: their order is no change


class Listed(Protocol):
    """A record that a list gives."""

    @property
    def id(self) -> str:
        """Opaque."""
        ...

    @property
    def updated_at(self) -> datetime | None:
        """When the server last changed it."""
        ...


class Row(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One record as it is stored, but for what the store itself knows."""

    id: str
    content_hash: str
    item: Json
    """The object as it came."""
    record: object
    typed: Mapping[str, Value]
    """The typed columns."""
    updated_at: datetime | None
    """When the server last changed it, if it says."""

    def columns(self) -> dict[str, Value]:
        """The typed columns, `raw` and `content_hash`."""
        raw = encode_json(self.item).decode()
        return {"id": self.id, **self.typed, "raw": raw, "content_hash": self.content_hash}


def rows_of(resource: SyncedResource, records: Sequence[Listed], raw: Sequence[Json]) -> list[Row]:
    """The rows of one page, in its order: `records` and `raw` are the same items.

    Raises `InvalidResponseError` for what no database column holds.
    """
    rows: list[Row] = []
    for number, (record, item) in enumerate(zip(records, raw, strict=True)):
        try:
            rows.append(row_of(resource, record, item))
        except InvalidResponseError as fault:
            raise InvalidResponseError(f"item {number}, {fault.path}", fault.reason) from None
    return rows


def row_of(resource: SyncedResource, record: Listed, item: Json) -> Row:
    """One row. Raises `InvalidResponseError` for what no database column holds."""
    if "\0" in record.id:
        raise InvalidResponseError("id", "holds a character that can not be stored")
    return Row(
        id=record.id,
        content_hash=_hash(item),
        item=item,
        record=record,
        typed={field.name: field.value(record) for field in resource.fields},
        updated_at=record.updated_at,
    )


def day_rows(property_id: str, days: Iterable[CalendarDay]) -> list[Row]:
    """A property's days as rows of the calendar; of a day that is given twice, the last one counts."""
    rows: dict[str, Row] = {}
    for day in days:
        item = encode_record(day)
        identifier = f"{property_id}/{day.date.isoformat()}"
        typed: dict[str, Value] = {"property_id": property_id}
        typed |= {field.name: field.value(day) for field in CALENDAR.fields}
        rows[identifier] = Row(
            id=identifier,
            content_hash=_hash(item),
            item=item,
            record=day,
            typed=typed,
            updated_at=None,
        )
    return list(rows.values())


def typed_again(resource: SyncedResource, raw: str) -> dict[str, Value]:
    """The typed columns of a row that an older version wrote. Raises `InvalidResponseError`."""
    record = decode_record(resource.record, decode_json(raw.encode()))
    return {field.name: field.value(record) for field in resource.fields}


def _hash(item: Json) -> str:
    return hashlib.sha256(_canonical.encode(item)).hexdigest()
