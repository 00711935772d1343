"""The statements that read and write rows: of any resource, in either database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Final, TypeVar

from sqlalchemy import Connection, null, select, update

from setsmart_async.sync.database import Database
from setsmart_async.sync.merging import CLOCKS_DIFFER, Known, Merge
from setsmart_async.sync.rows import Row
from setsmart_async.sync.tables import SyncedResource

T = TypeVar("T")

_MOST_IDS: Final = 500
"""In one statement: older SQLite takes 999 parameters."""


def known_rows(connection: Connection, resource: SyncedResource, ids: Sequence[str]) -> dict[str, Known]:
    """What the database knows of these rows; those that are not there are left out."""
    table, found = resource.table, dict[str, Known]()
    updated_at = table.c.updated_at if "updated_at" in table.c else null()
    columns = select(
        table.c.id, table.c.content_hash, table.c.generation, updated_at, table.c.last_seen, table.c.deleted_at
    )
    for some in split(ids):
        for id_, content_hash, generation, changed, seen, deleted in connection.execute(
            columns.where(table.c.id.in_(some))
        ):
            found[id_] = Known(
                content_hash=content_hash, generation=generation, updated_at=changed, last_seen=seen, deleted_at=deleted
            )
    return found


def upsert(
    connection: Connection,
    database: Database,
    resource: SyncedResource,
    rows: Iterable[tuple[Row, datetime]],
    *,
    generation: int | None,
    now: datetime,
) -> None:
    """Write rows, whatever was there; without a `generation` that of a row that is there stays, and a new one has 0."""
    values = [
        {
            **row.columns(),
            "first_seen": now,
            "changed_at": now,
            "last_seen": asked_at,
            "deleted_at": None,
            "generation": generation or 0,
        }
        for row, asked_at in rows
    ]
    if not values:
        return
    statement = database.insert(resource.table)
    kept = {"id", "first_seen"} if generation else {"id", "first_seen", "generation"}
    columns = {column.name: column for column in statement.excluded if column.name not in kept}
    connection.execute(statement.on_conflict_do_update(index_elements=[resource.table.c.id], set_=columns), values)


def touch(connection: Connection, resource: SyncedResource, merge: Merge, generation: int | None) -> None:
    """Note that rows have come again as they are, or that newer ones stand in their place.

    Without a `generation`, theirs stays: no list has shown them.
    """
    table = resource.table
    listed = {} if generation is None else {"generation": generation}
    by_time = sorted(merge.same.items(), key=itemgetter(1))
    for asked_at, group in groupby(by_time, key=itemgetter(1)):
        for some in split([id_ for id_, _ in group]):
            seen = update(table).where(table.c.id.in_(some)).values(last_seen=asked_at, **listed)
            connection.execute(seen)
    for some in split(list(merge.older) if listed else []):
        connection.execute(update(table).where(table.c.id.in_(some)).values(**listed))


def mark_gone(
    connection: Connection, resource: SyncedResource, ids: Sequence[str], asked_at: datetime, now: datetime
) -> list[str]:
    """Mark rows as deleted that were gone when the server was asked; the ids of those that this was news for.

    One that somebody has seen since, a webhook perhaps, stays.
    """
    table, marked = resource.table, list[str]()
    news = table.c.deleted_at.is_(None) & ((table.c.last_seen <= asked_at) | (table.c.last_seen > now + CLOCKS_DIFFER))
    for some in split(ids):
        found = update(table).where(table.c.id.in_(some), news).values(deleted_at=asked_at)
        marked += connection.scalars(found.returning(table.c.id))
    return marked


def split(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """In parts that one statement takes."""
    return (items[start : start + _MOST_IDS] for start in range(0, len(items), _MOST_IDS))
