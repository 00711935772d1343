"""What is in a database of either kind, read by other means than the library's."""

import json
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError, ProgrammingError

from setsmart_async.wire import JsonObject

Rows = list[dict[str, Any]]


def rows(database: str, table: str = "properties") -> Rows:
    """Every row of a table, by id; none where there is no table yet."""
    engine = create_engine(database)
    try:
        with engine.connect() as connection:
            found = connection.exec_driver_sql(f"SELECT * FROM {table}").mappings()
            return sorted((dict(row) for row in found), key=lambda row: str(row.get("id")))
    except (OperationalError, ProgrammingError):
        return []
    finally:
        engine.dispose()


def live(database: str, table: str = "properties") -> dict[str, JsonObject]:
    """What is not deleted, by id: the objects as they came."""
    return {row["id"]: json.loads(row["raw"]) for row in rows(database, table) if row["deleted_at"] is None}


def deleted(database: str, table: str = "properties") -> set[str]:
    return {row["id"] for row in rows(database, table) if row["deleted_at"] is not None}


def state(database: str, resource: str = "properties") -> dict[str, Any]:
    return next((row for row in rows(database, "setsmart_sync") if row["resource"] == resource), {})


def is_intact(database: str) -> bool:
    """SQLite's own check; PostgreSQL has none that is its equal."""
    if not database.startswith("sqlite"):
        return True
    engine = create_engine(database)
    try:
        with engine.connect() as connection:
            return connection.exec_driver_sql("PRAGMA integrity_check").scalars().all() == ["ok"]
    finally:
        engine.dispose()
