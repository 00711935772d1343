"""The tables of a synced database: one for each resource, described by its record's class, and the sync's own."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

import attrs
from sqlalchemy import Column, Index, MetaData, Table, Text

from setsmart_async.records.calendar_day import CalendarDay
from setsmart_async.records.conversation import Conversation
from setsmart_async.records.property import Property
from setsmart_async.records.reservation import Reservation
from setsmart_async.sync.columns import Field, UtcTime, Whole, fields_of

LAYOUT: Final = 2
"""The number of this layout; a database with a greater one was written by a newer version of the library."""

metadata: Final = MetaData()

ResourceName: TypeAlias = Literal["properties", "reservations", "calendar", "conversations"]
"""What can be synced: the name of its table."""


@attrs.frozen(eq=False)
class SyncedResource:
    """A resource, and the table that it is kept in."""

    name: ResourceName
    one: str
    """What to call one of its records."""
    many: str
    """What to call several."""
    record: type[attrs.AttrsInstance]
    """The class of its records."""
    fields: tuple[Field, ...]
    """The typed columns."""
    table: Table


def _synced(
    name: ResourceName, one: str, record: type[attrs.AttrsInstance], *, many: str = "", parent: str | None = None
) -> SyncedResource:
    """A table: the id, the record's own columns, and what every table has. `parent`: what else tells rows apart."""
    fields = tuple(field for field in fields_of(record) if field.name != "id")
    parents: list[Column[Any]] = [] if parent is None else [Column(parent, Text, nullable=False)]
    indexes = [] if parent is None else [Index(f"{name}_{parent}_date", parent, "date", unique=True)]
    table = Table(
        name,
        metadata,
        Column("id", Text, primary_key=True),
        *parents,
        *(field.column() for field in fields),
        # The whole object as JSON, fields included that this version does not know.
        Column("raw", Text, nullable=False),
        # SHA-256 of the object with its keys in order: what "changed" is decided by.
        Column("content_hash", Text, nullable=False),
        Column("first_seen", UtcTime, nullable=False),
        Column("changed_at", UtcTime, nullable=False),
        # When the server was asked for what stands here.
        Column("last_seen", UtcTime, nullable=False),
        # When the server was found to have it no more; null: it is there. No row is ever removed.
        Column("deleted_at", UtcTime),
        # The last pass that listed the row; 0: none has, a webhook brought it.
        Column("generation", Whole, nullable=False),
        *indexes,
    )
    return SyncedResource(name, one, many or name, record, fields, table)


PROPERTIES: Final = _synced("properties", "property", Property)
"""One row per property."""
RESERVATIONS: Final = _synced("reservations", "reservation", Reservation)
"""One row per reservation, its guest in columns of their own."""
CALENDAR: Final = _synced("calendar", "day", CalendarDay, many="days", parent="property_id")
"""One row per property and day; its id is ``prop_123/2026-12-24``."""
CONVERSATIONS: Final = _synced("conversations", "conversation", Conversation)
"""One row per conversation."""

RESOURCES: Final[dict[ResourceName, SyncedResource]] = {
    each.name: each for each in (PROPERTIES, RESERVATIONS, CALENDAR, CONVERSATIONS)
}
"""By name, in the order in which they are synced."""

state: Final = Table(
    "setsmart_sync",
    metadata,
    Column("resource", Text, primary_key=True),
    Column("layout", Whole, nullable=False),
    # Whose rows these are.
    Column("source", Text, nullable=False),
    Column("account", Text),
    Column("key_fingerprint", Text, nullable=False),
    # The pass that is under way, or was the last: its number and kind, where it goes on, and what it has met.
    Column("generation", Whole, nullable=False),
    Column("mode", Text, nullable=False, server_default="full"),
    Column("page_size", Whole, nullable=False),
    Column("since", UtcTime),
    Column("checkpoint", Text),
    Column("pages", Whole, nullable=False),
    Column("total", Whole),
    Column("least_total", Whole),
    Column("most_total", Whole),
    Column("drift", Text),
    Column("new", Whole, nullable=False),
    Column("changed", Whole, nullable=False),
    Column("unchanged", Whole, nullable=False),
    Column("repeated", Whole, nullable=False),
    Column("vanished", Whole, nullable=False, server_default="0"),
    Column("deleted", Whole, nullable=False, server_default="0"),
    Column("healed", Whole, nullable=False, server_default="0"),
    # The latest change that this pass has met, and where the next incremental pass begins.
    Column("newest", UtcTime),
    Column("bookmark", UtcTime),
    Column("started_at", UtcTime, nullable=False),
    Column("checkpoint_at", UtcTime),
    Column("completed_at", UtcTime),
)
"""One row per synced resource: who filled it, and how far the pass has come."""
