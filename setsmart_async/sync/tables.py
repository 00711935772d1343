"""The tables of a synced database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Column, DateTime, Float, Integer, MetaData, Table, Text, TypeDecorator
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

LAYOUT: Final = 1
"""The number of this layout; a database with a greater one was written by a newer version of the library."""

metadata: Final = MetaData()


class UtcTime(TypeDecorator[datetime]):
    """An aware time, kept in UTC: SQLite itself knows no time zone."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = DateTime
    cache_ok: bool | None = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Towards the database: in UTC, without saying so."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Back: aware again."""
        return None if value is None else value.replace(tzinfo=UTC)


properties: Final = Table(
    "properties",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("address", Text),
    Column("bedrooms", Integer),
    Column("bathrooms", Float),
    Column("max_guests", Integer),
    Column("status", Text),
    Column("timezone", Text),
    Column("currency", Text),
    Column("created_at", UtcTime),
    Column("updated_at", UtcTime),
    # The whole object as JSON, fields included that this version does not know.
    Column("raw", Text, nullable=False),
    # SHA-256 of the object with its keys in order: what "changed" is decided by.
    Column("content_hash", Text, nullable=False),
    Column("first_seen", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("last_seen", UtcTime, nullable=False),
    # The last pass that listed the row. One behind `setsmart_sync.generation` of a completed pass: the API lists
    # the property no more. Nothing is ever deleted here.
    Column("generation", Integer, nullable=False),
)
"""One row per property."""

state: Final = Table(
    "setsmart_sync",
    metadata,
    Column("resource", Text, primary_key=True),
    Column("layout", Integer, nullable=False),
    # Whose rows these are.
    Column("source", Text, nullable=False),
    Column("account", Text),
    Column("key_fingerprint", Text, nullable=False),
    # The pass that is under way, or was the last: its number, where it goes on, and what it has met.
    Column("generation", Integer, nullable=False),
    Column("page_size", Integer, nullable=False),
    Column("checkpoint", Text),
    Column("pages", Integer, nullable=False),
    Column("total", Integer),
    Column("drift", Text),
    Column("new", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("unchanged", Integer, nullable=False),
    Column("repeated", Integer, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("checkpoint_at", UtcTime),
    Column("completed_at", UtcTime),
)
"""One row per synced resource: who filled it, and how far the pass has come."""
