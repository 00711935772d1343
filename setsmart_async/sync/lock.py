"""One sync at a time into one database."""

from __future__ import annotations

import sqlite3
from typing import Self

from setsmart_async.errors import StoreError
from setsmart_async.sync.faults import explained


class SyncLock:
    """Held while a sync runs; a second one is refused.

    It is SQLite's own lock on an empty database beside the real one (``setsmart.db-sync``): the operating system
    drops it with the process, however that ends, and SQLite does it in the same way on every system. The file
    stays, as removing it would let two syncs lock two files of the same name.
    """

    def __init__(self, database: str) -> None:
        self._database = database
        self._path = f"{database}-sync"
        self._connection: sqlite3.Connection | None = None

    def acquire(self) -> Self:
        """Take the lock. Raises `StoreError` when another sync has it or no file can be made for it."""
        with explained(self._path):
            connection = sqlite3.connect(self._path, timeout=0, isolation_level=None)
            try:
                connection.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as fault:
                connection.close()
                if fault.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
                raise StoreError(
                    f"Another sync is writing to the database {self._database}. Wait for it to end, or end it."
                ) from None
        self._connection = connection
        return self

    def release(self) -> None:
        """Let the next one in. May be called twice."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
