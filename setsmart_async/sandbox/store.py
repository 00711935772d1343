"""The sandbox's records of one kind: in memory, in the order of their creation."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Final

import attrs

from setsmart_async.errors import ConfigurationError
from setsmart_async.sandbox.timestamps import rfc3339
from setsmart_async.wire import Json, JsonObject

Matches = Callable[[JsonObject], bool]
"""Whether a filter lets a record through."""

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


class RecordStore:
    """Raw JSON objects by id and by position.

    Each record has a position that is never given away again: so a walk that continues behind a position misses
    nothing and repeats nothing, whatever is created and deleted meanwhile. Records are replaced, never changed in
    place. Times are unix seconds, passed in.
    """

    def __init__(
        self,
        records: Iterable[JsonObject] = (),
        *,
        kind: str = "property",
        prefix: str = "prop",
        server_fields: Sequence[str] = ("id", "created_at", "updated_at"),
    ) -> None:
        """Take over records as they are; new ones get ids that begin with the prefix.

        `server_fields` are what the server sets: a client's values for them are ignored. Raises `ConfigurationError`
        for a record without an id, or with one twice.
        """
        self.kind = kind
        self._prefix = prefix
        self._server_fields = tuple(server_fields)
        self._records: list[JsonObject] = []
        self._position_of: dict[str, int] = {}
        for record in records:
            identifier = record.get("id")
            if not isinstance(identifier, str) or not identifier:
                raise ConfigurationError(f"Each {kind} that seeds the sandbox needs an id, a text.")
            if identifier in self._position_of:
                raise ConfigurationError(f"What seeds the sandbox holds the id of a {kind} twice.")
            self._position_of[identifier] = len(self._records)
            self._records.append(record)
        self._positions = list(range(len(self._records)))
        self._next_position = len(self._records)
        self._next_number = 1
        self._selections: dict[Hashable, Selection] = {}

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[JsonObject]:
        return iter(self._records)

    def get(self, identifier: str) -> JsonObject | None:
        """The record of an id."""
        position = self._position_of.get(identifier)
        return None if position is None else self._records[bisect_left(self._positions, position)]

    def create(self, fields: JsonObject, now: float, **set_by_server: Json) -> JsonObject:
        """Add a record at the end: the fields, and an id and times of its own."""
        identifier = self._new_id()
        record: JsonObject = {"id": identifier, **self._without_server_fields(fields), **set_by_server}
        for name in ("created_at", "updated_at"):
            if name in self._server_fields:
                record[name] = rfc3339(now)
        self._position_of[identifier] = self._next_position
        self._positions.append(self._next_position)
        self._records.append(record)
        self._next_position += 1
        self._selections.clear()
        return record

    def merge(self, identifier: str, fields: JsonObject, now: float, **set_by_server: Json) -> JsonObject | None:
        """Lay fields over a record. None: there is no such record."""
        record = self.get(identifier)
        if record is None:
            return None
        return self._put({**record, **self._without_server_fields(fields), **set_by_server}, record, now)

    def replace(self, identifier: str, fields: JsonObject, now: float) -> JsonObject | None:
        """Put fields in a record's place; only what the server sets is kept. None: there is no such record."""
        record = self.get(identifier)
        return None if record is None else self._put(self._without_server_fields(fields), record, now)

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

    def select(self, key: Hashable = None, matches: Matches | None = None) -> Selection:
        """The records that match; all of them without a filter. `key` names the filter: the same one, the same key."""
        if matches is None:
            return Selection(self._positions, self._records)
        selection = self._selections.get(key)
        if selection is None:
            found = [pair for pair in zip(self._positions, self._records, strict=True) if matches(pair[1])]
            selection = Selection([position for position, _ in found], [record for _, record in found])
            if len(self._selections) >= _SELECTIONS_KEPT:
                self._selections.clear()
            # A walk asks for the same selection on each of its pages.
            self._selections[key] = selection
        return selection

    def _put(self, fields: JsonObject, old: JsonObject, now: float) -> JsonObject:
        kept: JsonObject = {name: old[name] for name in self._server_fields if name in old}
        record: JsonObject = {**kept, **fields}
        if "updated_at" in self._server_fields:
            record["updated_at"] = rfc3339(now)
        position = self._position_of[str(old["id"])]
        self._records[bisect_left(self._positions, position)] = record
        self._selections.clear()
        return record

    def _new_id(self) -> str:
        while (identifier := f"{self._prefix}_new_{self._next_number}") in self._position_of:
            self._next_number += 1
        self._next_number += 1
        return identifier

    def _without_server_fields(self, fields: JsonObject) -> JsonObject:
        return {name: value for name, value in fields.items() if name not in self._server_fields}
