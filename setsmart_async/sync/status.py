"""How far a database has come: what `setsmart sync status` shows. Reads, and changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs
from sqlalchemy import Connection, RowMapping, func, inspect, select

from setsmart_async.errors import ConfigurationError
from setsmart_async.sync.database import Database
from setsmart_async.sync.progress import Mode
from setsmart_async.sync.tables import RESOURCES, ResourceName, SyncedResource, state


@attrs.frozen(kw_only=True)
class ResourceStatus:
    """How far one resource has come."""

    live: int
    """Rows that are not deleted."""
    deleted: int
    """Rows that the server has no more."""
    mode: Mode
    """What the last pass was, or the one under way is."""
    pages: int
    """Pages that it has read."""
    started_at: datetime
    """When it began."""
    checkpoint_at: datetime | None
    """When it last wrote something."""
    completed_at: datetime | None
    """When it was found complete; None: it is under way or was interrupted."""
    doubt: str | None
    """Why it can not be complete; the next run starts a new one."""
    bookmark: datetime | None
    """Where the next incremental pass begins; None: there was no complete pass, or records have no `updated_at`."""


@attrs.frozen(kw_only=True)
class SyncStatus:
    """Whose a database is, and how far each resource has come."""

    database: str
    """Its path, or its name and server."""
    source: str
    """Where it was filled from."""
    account: str | None
    """The name given to the account."""
    resources: Mapping[ResourceName, ResourceStatus]
    """Those that were ever synced."""


def sync_status(to: str = "sqlite:///setsmart.db") -> SyncStatus:
    """Read how far a database has come. Blocks; it asks the server nothing.

    Raises `ConfigurationError` for a database that no sync has filled, and `StoreError`.
    """
    database = Database(to)
    try:
        exists = database.open_to_read()
        with database.transaction() as connection:
            if not exists or not inspect(connection).has_table(state.name):
                raise ConfigurationError(f"No sync has filled the database {database.place} yet: run setsmart sync.")
            names = {column["name"] for column in inspect(connection).get_columns(state.name)}
            if not {column.name for column in state.columns} <= names:
                raise ConfigurationError(
                    f"An older version has filled the database {database.place}: the next setsmart sync upgrades it."
                )
            rows = {row["resource"]: row for row in connection.execute(select(state)).mappings()}
            first = next(iter(rows.values()), None)
            return SyncStatus(
                database=database.place,
                source="" if first is None else first["source"],
                account=None if first is None else first["account"],
                resources={
                    name: _status(connection, resource, rows[name])
                    for name, resource in RESOURCES.items()
                    if name in rows
                },
            )
    finally:
        database.close()


def _status(connection: Connection, resource: SyncedResource, row: RowMapping) -> ResourceStatus:
    table = resource.table
    count = select(func.count(), func.count(table.c.deleted_at)).select_from(table)
    rows, deleted = connection.execute(count).one() if inspect(connection).has_table(resource.name) else (0, 0)
    return ResourceStatus(
        live=rows - deleted,
        deleted=deleted,
        mode=row["mode"],
        pages=row["pages"],
        started_at=row["started_at"],
        checkpoint_at=row["checkpoint_at"],
        completed_at=row["completed_at"],
        doubt=row["drift"],
        bookmark=row["bookmark"],
    )
