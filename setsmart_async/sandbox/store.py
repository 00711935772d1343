"""The sandbox's records of one kind: in memory, in the order of their creation; in a file too, if there is one."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Final

import attrs

from setsmart_async.errors import ConfigurationError
from setsmart_async.sandbox.database import Shelf
from setsmart_async.sandbox.timestamps import rfc3339
from setsmart_async.wire import Json, JsonObject

Matches = Callable[[JsonObject], bool]
"""Whether a filter lets a record through."""

_SELECTIONS_KEPT: Final = 8
_COUNTERS: Final = "counters"


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


@attrs.frozen
class RecordKind:
    """What a store's records are."""

    name: str
    """What to call one of them."""
    prefix: str
    """What the ids of new ones begin with."""
    server_fields: Sequence[str] = ("id", "created_at", "updated_at")
    """What the server sets: a client's values for these are ignored."""


PROPERTY: Final = RecordKind("property", "prop")
"""Properties."""


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
        kind: RecordKind = PROPERTY,
        shelf: Shelf | None = None,
    ) -> None:
        """Take over records as they are. What `shelf` holds from an earlier run stands in their place.

        Raises `ConfigurationError` for a record without an id, or with one twice.
        """
        self.kind: RecordKind = kind
        self._shelf = shelf
        self._records: list[JsonObject] = []
        self._position_of: dict[str, int] = {}
        self._positions: list[int] = []
        self._next_position = 0
        self._next_number = 1
        self._selections: dict[Hashable, Selection] = {}
        if shelf is None or not self._restore(shelf):
            self._take_over(records)

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
            if name in self.kind.server_fields:
                record[name] = rfc3339(now)
        position = self._next_position
        self._next_position += 1
        if self._shelf is not None:
            self._shelf.write([(str(position), record), self._counters()])
        self._add(position, record)
        self._selections.clear()
        return record

    def merge(self, identifier: str, fields: JsonObject, now: float, **set_by_server: Json) -> JsonObject | None:
        """Lay fields over a record. None: there is no such record."""
        record = self.get(identifier)
        if record is None:
            return None
        return self._put({**record, **self._without_server_fields(fields), **set_by_server}, record, now)

    def replace(self, identifier: str, fields: JsonObject, now: float, **set_by_server: Json) -> JsonObject | None:
        """Put fields in a record's place; only what the server sets is kept. None: there is no such record."""
        record = self.get(identifier)
        if record is None:
            return None
        return self._put({**self._without_server_fields(fields), **set_by_server}, record, now)

    def delete(self, identifier: str) -> bool:
        """Remove a record; False: there is no such record."""
        position = self._position_of.pop(identifier, None)
        if position is None:
            return False
        if self._shelf is not None:
            self._shelf.delete(str(position))
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

    def _take_over(self, records: Iterable[JsonObject]) -> None:
        for position, record in enumerate(records):
            identifier = record.get("id")
            if not isinstance(identifier, str) or not identifier:
                raise ConfigurationError(f"Each {self.kind.name} that seeds the sandbox needs an id, a text.")
            if identifier in self._position_of:
                raise ConfigurationError(f"What seeds the sandbox holds the id of a {self.kind.name} twice.")
            self._add(position, record)
        self._next_position = len(self._records)
        if self._shelf is not None:
            self._shelf.write([self._counters()])
            self._shelf.write((str(position), record) for position, record in enumerate(self._records))

    def _restore(self, shelf: Shelf) -> bool:
        """Take what an earlier run left; False: there was none."""
        entries = shelf.entries()
        key, counters = next(entries, (None, None))
        if key != _COUNTERS or not isinstance(counters, list):
            return False
        self._next_position, self._next_number = (int(str(number)) for number in counters)
        for key, record in entries:
            assert isinstance(record, dict)  # noqa: S101 - as it was written
            self._add(int(key), record)
        return True

    def _counters(self) -> tuple[str, Json]:
        return _COUNTERS, [self._next_position, self._next_number]

    def _add(self, position: int, record: JsonObject) -> None:
        self._position_of[str(record["id"])] = position
        self._positions.append(position)
        self._records.append(record)

    def _put(self, fields: JsonObject, old: JsonObject, now: float) -> JsonObject:
        kept: JsonObject = {name: old[name] for name in self.kind.server_fields if name in old}
        record: JsonObject = {**kept, **fields}
        if "updated_at" in self.kind.server_fields:
            record["updated_at"] = rfc3339(now)
        position = self._position_of[str(old["id"])]
        if self._shelf is not None:
            self._shelf.write([(str(position), record)])
        self._records[bisect_left(self._positions, position)] = record
        self._selections.clear()
        return record

    def _new_id(self) -> str:
        while (identifier := f"{self.kind.prefix}_new_{self._next_number}") in self._position_of:
            self._next_number += 1
        self._next_number += 1
        return identifier

    def _without_server_fields(self, fields: JsonObject) -> JsonObject:
        return {name: value for name, value in fields.items() if name not in self.kind.server_fields}
