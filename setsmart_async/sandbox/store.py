"""The sandbox's properties: in memory, in the order of their creation."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

import attrs

from setsmart_async.errors import ConfigurationError
from setsmart_async.sandbox.timestamps import rfc3339
from setsmart_async.wire import JsonObject

SERVER_FIELDS: Final = ("id", "created_at", "updated_at")
"""What the server sets; a client's values for them are ignored."""

_SELECTIONS_KEPT: Final = 8


@attrs.frozen
class Selection:
    """The records that a filter lets through, in order. Valid until the store changes."""

    positions: Sequence[int]
    """Where each record stands in the order of creation: rising, never used twice, with gaps."""
    records: Sequence[JsonObject]
    """The records themselves; not to be changed."""

    def after(self, position: int, count: int) -> Selection:
        """At most `count` records behind a position, whether or not its record still exists."""
        start = bisect_right(self.positions, position)
        return Selection(self.positions[start : start + count], self.records[start : start + count])


class PropertyStore:
    """Raw JSON objects by id and by position.

    Each record has a position that is never given away again: so a walk that continues behind a position misses
    nothing and repeats nothing, whatever is created and deleted meanwhile. Records are replaced, never changed in
    place. Times are unix seconds, passed in.
    """

    def __init__(self, properties: Iterable[JsonObject] = ()) -> None:
        """Take over records as they are. Raises `ConfigurationError` for one without an id, or with one twice."""
        self._records: list[JsonObject] = []
        self._position_of: dict[str, int] = {}
        for record in properties:
            identifier = record.get("id")
            if not isinstance(identifier, str) or not identifier:
                raise ConfigurationError("Each property that seeds the sandbox needs an id, a text.")
            if identifier in self._position_of:
                raise ConfigurationError("The properties that seed the sandbox hold an id twice.")
            self._position_of[identifier] = len(self._records)
            self._records.append(record)
        self._positions = list(range(len(self._records)))
        self._next_position = len(self._records)
        self._next_number = 1
        self._selections: dict[tuple[str | None, datetime | None], Selection] = {}

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[JsonObject]:
        return iter(self._records)

    def get(self, identifier: str) -> JsonObject | None:
        """The record of an id."""
        position = self._position_of.get(identifier)
        return None if position is None else self._records[bisect_left(self._positions, position)]

    def create(self, fields: JsonObject, now: float) -> JsonObject:
        """Add a record at the end: the fields, and an id and times of its own."""
        identifier = self._new_id()
        moment = rfc3339(now)
        record: JsonObject = {"id": identifier, **_without_server_fields(fields)}
        record["created_at"] = record["updated_at"] = moment
        self._position_of[identifier] = self._next_position
        self._positions.append(self._next_position)
        self._records.append(record)
        self._next_position += 1
        self._selections.clear()
        return record

    def merge(self, identifier: str, fields: JsonObject, now: float) -> JsonObject | None:
        """Lay fields over a record. None: there is no such record."""
        record = self.get(identifier)
        return None if record is None else self._put({**record, **_without_server_fields(fields)}, record, now)

    def replace(self, identifier: str, fields: JsonObject, now: float) -> JsonObject | None:
        """Put fields in a record's place; only what the server sets is kept. None: there is no such record."""
        record = self.get(identifier)
        return None if record is None else self._put(_without_server_fields(fields), record, now)

    def delete(self, identifier: str) -> bool:
        """Remove a record; False: there is no such record."""
        position = self._position_of.pop(identifier, None)
        if position is None:
            return False
        index = bisect_left(self._positions, position)
        del self._positions[index]
        del self._records[index]
        self._selections.clear()
        return True

    def select(self, *, status: str | None = None, updated_since: datetime | None = None) -> Selection:
        """The records with this status, and changed at this moment or later; None lets all through."""
        if status is None and updated_since is None:
            return Selection(self._positions, self._records)
        selection = self._selections.get((status, updated_since))
        if selection is None:
            matches = [
                (position, record)
                for position, record in zip(self._positions, self._records, strict=True)
                if (status is None or record.get("status") == status)
                and (updated_since is None or _changed_since(record, updated_since))
            ]
            selection = Selection([position for position, _ in matches], [record for _, record in matches])
            if len(self._selections) >= _SELECTIONS_KEPT:
                self._selections.clear()
            # A walk asks for the same selection on each of its pages.
            self._selections[status, updated_since] = selection
        return selection

    def _put(self, fields: JsonObject, old: JsonObject, now: float) -> JsonObject:
        kept: JsonObject = {name: old[name] for name in SERVER_FIELDS if name in old}
        record: JsonObject = {**kept, **fields, "updated_at": rfc3339(now)}
        position = self._position_of[str(old["id"])]
        self._records[bisect_left(self._positions, position)] = record
        self._selections.clear()
        return record

    def _new_id(self) -> str:
        while (identifier := f"prop_new_{self._next_number}") in self._position_of:
            self._next_number += 1
        self._next_number += 1
        return identifier


def _without_server_fields(fields: JsonObject) -> JsonObject:
    return {name: value for name, value in fields.items() if name not in SERVER_FIELDS}


def _changed_since(record: JsonObject, moment: datetime) -> bool:
    try:
        changed = datetime.fromisoformat(str(record.get("updated_at")))
    except ValueError:
        return False
    return (changed if changed.tzinfo else changed.replace(tzinfo=UTC)) >= moment
