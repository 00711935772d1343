"""What is PostgreSQL's own: a server, a schema, advisory locks. Needs the extra ``postgres`` (psycopg)."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from setsmart_async.errors import ConfigurationError, StoreError
from setsmart_async.sync.faults import explained

if TYPE_CHECKING:  # it may not be installed
    import psycopg

_DRIVERS: Final = {"postgresql", "postgresql+psycopg"}
# Advisory locks belong to a database; a sync fills a schema of it. https://www.postgresql.org/docs/current/explicit-locking.html
_LOCK: Final = "hashtextextended('setsmart_{purpose} ' || coalesce(current_schema(), ''), 0)"
_SYNC: Final = f"SELECT pg_try_advisory_lock({_LOCK.format(purpose='sync')})"
_WRITE: Final = f"SELECT pg_advisory_xact_lock({_LOCK.format(purpose='write')})"
_PATIENCE: Final = "SET lock_timeout = '30s'"


class PostgresqlServer:
    """One schema of one database: the first of the connection's ``search_path``."""

    def __init__(self, url: URL) -> None:
        """Raises `ConfigurationError` for another driver than psycopg, or when that is not installed."""
        if url.drivername not in _DRIVERS:
            raise ConfigurationError(
                f"PostgreSQL is written to by psycopg, not {url.drivername}: use postgresql+psycopg://host/database."
            )
        if find_spec("psycopg") is None:
            raise ConfigurationError("PostgreSQL needs a driver: pip install 'setsmart_async[postgres]'.")
        self._url = url.set(drivername="postgresql+psycopg")
        host = url.query.get("host", "")
        self.place: str = f"{url.database or ''} at {url.host or (host if isinstance(host, str) else host[0])}"
        """The database and its server, for people: without user and password."""

    def engine(self) -> Engine:
        """Connections to it. One transaction writes at a time, as in SQLite: what is compared stays true until it ends.

        The lock is dropped with its connection, however that ends.
        """
        engine = create_engine(self._url, hide_parameters=True, poolclass=NullPool)
        event.listen(engine, "connect", _in_utc)
        event.listen(engine, "begin", _begin)
        return engine

    def exists(self) -> bool:
        """Whether there may be something to read."""
        return True

    def prepare(self, connection: Connection, *, alone: bool) -> None:
        """Make ready to write; `alone`: and keep other syncs out, or raise `StoreError`."""
        with explained(self.place):
            reader = connection.execution_options(setsmart_reader=True)
            reader.exec_driver_sql(_PATIENCE)
            taken = not alone or reader.exec_driver_sql(_SYNC).scalar_one()
            reader.commit()
            connection.execution_options(setsmart_reader=False)
        if not taken:
            raise StoreError(
                f"Another sync is writing to the database {self.place}. Wait for it to end, or end it."
            ) from None

    def protect(self, connection: Connection) -> None:
        """Make ready to read, and not to write."""
        connection.exec_driver_sql("SET default_transaction_read_only = on")
        connection.commit()

    def release(self) -> None:
        """Nothing to do: the lock has gone with the connection."""

    def insert(self, table: Table) -> postgresql.Insert:
        """An insert that can become an update."""
        return postgresql.insert(table)


def _in_utc(driver: psycopg.Connection[Any], _: object) -> None:
    # Times come back in the session's zone, where the first and last day that Python knows may lie beyond its years.
    driver.execute("SET TIME ZONE 'UTC'")
    driver.commit()


def _begin(connection: Connection) -> None:
    if not connection.get_execution_options().get("setsmart_reader", False):
        connection.exec_driver_sql(_WRITE)
