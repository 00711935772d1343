"""A replay store in a database: SQLite, or PostgreSQL by URL. Needs the extra ``sync`` (SQLAlchemy)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Engine,
    Float,
    MetaData,
    Table,
    Text,
    create_engine,
    delete,
    event,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from setsmart_async.errors import ConfigurationError, WebhookStoreError
from setsmart_async.webhooks.store import DONE, SWEEP_EVERY, UNDER_WAY, Claim, new_token

T = TypeVar("T")

_metadata: Final = MetaData()
_claims: Final = Table(
    "setsmart_webhook_claims",
    _metadata,
    Column("key", Text, primary_key=True),
    Column("token", Text, nullable=False),
    Column("done", Boolean, nullable=False),
    # Unix seconds: the end of the lease, or of remembering that it is done.
    Column("until", Float(53), nullable=False, index=True),
)
_newest: Final = Table(
    "setsmart_webhook_newest",
    _metadata,
    Column("subject", Text, primary_key=True),
    Column("position", Float(53), nullable=False),
    Column("until", Float(53), nullable=False, index=True),
)


class SqlReplayStore:
    """Remembers in two tables of a database, which it makes where they are missing.

    ``SqlReplayStore("sqlite:///webhooks.db")`` or ``SqlReplayStore("postgresql+psycopg://…")``; any number of
    processes may use the same. Its SQL runs in threads of its own, never on the event loop.
    """

    def __init__(self, url: str, *, threads: int = 4) -> None:
        """Nothing is opened yet. Raises `ConfigurationError` for a URL of another kind of database."""
        try:
            parsed = make_url(url)
        except ArgumentError:
            raise ConfigurationError("A replay store's URL is such as sqlite:///webhooks.db.") from None
        self._sqlite = parsed.get_backend_name() == "sqlite"
        if not self._sqlite and parsed.get_backend_name() != "postgresql":
            raise ConfigurationError(f"A replay store is kept in SQLite or PostgreSQL, not in {parsed.drivername}.")
        if self._sqlite and parsed.database in {None, "", ":memory:"}:
            raise ConfigurationError("For a replay store in memory use MemoryReplayStore.")
        self._url = parsed
        self._engine: Engine | None = None
        # SQLite has one writer: a second thread would only wait for it.
        self._threads = ThreadPoolExecutor(1 if self._sqlite else threads, thread_name_prefix="setsmart-webhooks")
        self._opening = asyncio.Lock()
        self._writes = 0

    async def claim(self, key: str, *, now: float, lease: float) -> Claim:
        """See `ReplayStore`."""
        self._writes += 1
        sweep = self._writes % SWEEP_EVERY == 0
        return await self._run(lambda connection: self._claim(connection, key, now, lease, sweep=sweep))

    async def renew(self, key: str, token: str, *, now: float, lease: float) -> bool:
        """See `ReplayStore`."""
        return await self._run(lambda connection: _own(connection, key, token, until=now + lease))

    async def done(self, key: str, token: str, *, now: float, keep: float) -> bool:
        """See `ReplayStore`."""
        return await self._run(lambda connection: _own(connection, key, token, until=now + keep, done=True))

    async def release(self, key: str, token: str) -> None:
        """See `ReplayStore`."""
        mine = (_claims.c.key == key) & (_claims.c.token == token) & ~_claims.c.done
        await self._run(lambda connection: connection.execute(delete(_claims).where(mine)).rowcount)

    async def newest(self, subject: str) -> float | None:
        """See `ReplayStore`."""
        query = select(_newest.c.position).where(_newest.c.subject == subject)
        return await self._run(lambda connection: connection.scalar(query))

    async def advance(self, subject: str, position: float, *, now: float, keep: float) -> bool:
        """See `ReplayStore`."""
        row = {"subject": subject, "position": position, "until": now + keep}
        fresh = self._insert(_newest).values(row)
        upsert = fresh.on_conflict_do_update(
            index_elements=[_newest.c.subject],
            set_={"position": fresh.excluded.position, "until": fresh.excluded.until},
            where=_newest.c.position <= fresh.excluded.position,
        ).returning(_newest.c.subject)
        return await self._run(lambda connection: connection.scalar(upsert) is not None)

    async def aclose(self) -> None:
        """Wait for what runs, and close the database."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await asyncio.get_running_loop().run_in_executor(self._threads, engine.dispose)
        self._threads.shutdown(wait=False)

    async def _run(self, work: Callable[[Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        try:
            async with self._opening:
                engine = self._engine
                if engine is None:
                    opened = await loop.run_in_executor(self._threads, self._open)
                    engine = self._engine = opened
            return await loop.run_in_executor(self._threads, _in_transaction, engine, work)
        except (SQLAlchemyError, RuntimeError) as fault:  # RuntimeError: the threads are shut down
            kind = type(fault).__name__
        # Raised out here, so that it does not carry the fault, which may quote the URL with its password.
        raise WebhookStoreError(f"The webhook replay store can not be used ({kind}): look at its database.")

    def _open(self) -> Engine:
        engine = create_engine(self._url, hide_parameters=True)
        if self._sqlite:
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        with engine.begin() as connection:
            if not self._sqlite:  # two processes that start at once would both make the tables
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7367657462)")
            _metadata.create_all(connection)
        return engine

    def _claim(self, connection: Connection, key: str, now: float, lease: float, *, sweep: bool) -> Claim:
        if sweep:
            connection.execute(delete(_claims).where(_claims.c.until <= now))
            connection.execute(delete(_newest).where(_newest.c.until <= now))
        row = {"key": key, "token": new_token(), "done": False, "until": now + lease}
        fresh = self._insert(_claims).values(row)
        take = fresh.on_conflict_do_update(
            index_elements=[_claims.c.key],
            set_={"token": fresh.excluded.token, "done": fresh.excluded.done, "until": fresh.excluded.until},
            where=_claims.c.until <= now,
        ).returning(_claims.c.key)  # PostgreSQL's driver does not count the rows of an INSERT
        if connection.scalar(take) is not None:
            return Claim(str(row["token"]))
        return DONE if connection.scalar(select(_claims.c.done).where(_claims.c.key == key)) else UNDER_WAY

    def _insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        return sqlite.insert(table) if self._sqlite else postgresql.insert(table)


def _own(connection: Connection, key: str, token: str, *, until: float, done: bool = False) -> bool:
    mine = (_claims.c.key == key) & (_claims.c.token == token) & ~_claims.c.done
    return connection.execute(update(_claims).where(mine).values(done=done, until=until)).rowcount == 1


def _in_transaction(engine: Engine, work: Callable[[Connection], T]) -> T:
    with engine.begin() as connection:
        return work(connection)


def _prepare_sqlite(driver: Any, _: object) -> None:  # noqa: ANN401 - SQLAlchemy hands out the driver's own
    # FULL: a commit has reached the disk, so that what is done stays so after a power cut.
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 10000"):
        driver.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    # With the write lock at once: a transaction that has read first could not get it behind another's back.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
