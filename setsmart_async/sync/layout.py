"""Making the tables, and bringing those of an older version of the library up to date."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import Column, Connection, Table, func, inspect, select, update
from sqlalchemy.schema import CreateColumn

from setsmart_async.errors import ConfigurationError, InvalidResponseError
from setsmart_async.sync.rows import typed_again
from setsmart_async.sync.tables import LAYOUT, RESOURCES, SyncedResource, metadata, state

_OURS: Final = {"id", "raw", "content_hash", "generation"}
_ROWS_AT_ONCE: Final = 500


def make_ready(connection: Connection, resources: Sequence[SyncedResource], *, place: str) -> None:
    """Make the tables that are missing, and add the columns that an older layout lacks, filled from `raw`.

    Raises `ConfigurationError` for tables of something else, and those of a newer version.
    """
    found = inspect(connection)
    there = {table: {column["name"] for column in found.get_columns(table)} for table in found.get_table_names()}
    for resource in resources:
        if resource.name in there and not there[resource.name] >= _OURS:
            raise ConfigurationError(
                f"The database {place} has a table {resource.name!r} of something else: choose another one."
            )
    if state.name in there:
        layouts = connection.execute(select(func.min(state.c.layout), func.max(state.c.layout))).one()
        oldest, newest = (LAYOUT if layout is None else int(layout) for layout in layouts)
        if newest > LAYOUT:
            raise ConfigurationError(
                f"The database {place} was written by a newer version of setsmart_async: upgrade, or sync into "
                "another one."
            )
        if oldest < LAYOUT:
            _upgrade(connection, there)
    needed = [state, *(resource.table for resource in resources)]
    if any(table.name not in there for table in needed):
        metadata.create_all(connection, tables=needed)


def _upgrade(connection: Connection, there: dict[str, set[str]]) -> None:
    _add_missing(connection, state, there[state.name])
    for resource in RESOURCES.values():
        if there.get(resource.name, set()) >= _OURS:
            added = _add_missing(connection, resource.table, there[resource.name])
            typed = {field.name for field in resource.fields} & added
            if typed:
                _fill(connection, resource, typed)
    connection.execute(update(state).values(layout=LAYOUT))


def _add_missing(connection: Connection, table: Table, there: Collection[str]) -> set[str]:
    missing = [column for column in table.columns if column.name not in there]
    for column in missing:
        definition = CreateColumn(_addable(column)).compile(dialect=connection.dialect)
        connection.exec_driver_sql(f'ALTER TABLE "{table.name}" ADD COLUMN {definition}')
    return {column.name for column in missing}


def _addable(column: Column[Any]) -> Column[Any]:
    """The column as rows that are there already can have it: with a default, or empty."""
    return Column(
        column.name, column.type, nullable=column.server_default is None, server_default=column.server_default
    )


def _fill(connection: Connection, resource: SyncedResource, names: set[str]) -> None:
    """Read the new columns' values out of what was stored whole, so that nothing has to be asked for again."""
    table, last = resource.table, ""
    while True:
        some = select(table.c.id, table.c.raw).where(table.c.id > last).order_by(table.c.id).limit(_ROWS_AT_ONCE)
        rows = connection.execute(some).all()
        for identifier, raw in rows:
            try:
                typed = typed_again(resource, raw)
            except InvalidResponseError:
                continue  # read by other rules then; the next sync that meets the record writes it
            connection.execute(
                update(table).where(table.c.id == identifier).values({name: typed[name] for name in names})
            )
        if len(rows) < _ROWS_AT_ONCE:
            return
        last = rows[-1][0]
