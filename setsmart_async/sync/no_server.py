"""No database at all: for a sync whose changes somebody else takes."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, Table, create_engine
from sqlalchemy.dialects import sqlite
from sqlalchemy.pool import StaticPool


class NoServer:
    """An empty database that nothing is ever written to."""

    place: str = "-"
    """For people."""

    def engine(self) -> Engine:
        """Connections to nothing."""
        return create_engine("sqlite://", poolclass=StaticPool, hide_parameters=True)

    def exists(self) -> bool:
        """There is nothing to read."""
        return False

    def prepare(self, connection: Connection, *, alone: bool) -> None:
        """Nothing to do."""

    def protect(self, connection: Connection) -> None:
        """Nothing to do."""

    def release(self) -> None:
        """Nothing to do."""

    def insert(self, table: Table) -> sqlite.Insert:
        """As of every database."""
        return sqlite.insert(table)
