"""A page of records as rows of the table."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import attrs
import msgspec

from setsmart_async.errors import InvalidResponseError
from setsmart_async.records.property import Property
from setsmart_async.wire import Json, encode_json

_canonical = msgspec.json.Encoder(order="deterministic")  # keys sorted: their order is no change
_GREATEST: Final = 2**63 - 1
_WHOLE_NUMBERS: Final = ("bedrooms", "max_guests")


@attrs.frozen(kw_only=True)
class Row:
    """One property as it is stored, but for what the store itself knows."""

    id: str
    content_hash: str
    raw: str
    """The object as it came, as JSON."""
    record: Property

    def columns(self) -> dict[str, str | int | float | datetime | None]:
        """The typed columns, `raw` and `content_hash`."""
        record = self.record
        return {
            "id": self.id,
            "name": record.name,
            "address": record.address,
            "bedrooms": record.bedrooms,
            "bathrooms": record.bathrooms,
            "max_guests": record.max_guests,
            "status": None if record.status is None else str(record.status),
            "timezone": record.timezone,
            "currency": record.currency,
            "created_at": record.created_at,
            "updated_at": record.updated_at,
            "raw": self.raw,
            "content_hash": self.content_hash,
        }


def rows_of(records: Sequence[Property], raw: Sequence[Json]) -> list[Row]:
    """The rows of one page, in its order: `records` and `raw` are the same items.

    Raises `InvalidResponseError` for a number that no database column holds.
    """
    return [_row(number, record, item) for number, (record, item) in enumerate(zip(records, raw, strict=True))]


def _row(number: int, record: Property, item: Json) -> Row:
    for name in _WHOLE_NUMBERS:
        value = getattr(record, name)
        if value is not None and not -_GREATEST <= value <= _GREATEST:
            raise InvalidResponseError(f"item {number}, {name}", "the number is too great to be stored")
    return Row(
        id=record.id,
        content_hash=hashlib.sha256(_canonical.encode(item)).hexdigest(),
        raw=encode_json(item).decode(),
        record=record,
    )
