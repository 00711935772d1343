"""What can go wrong with a database, and what to do about it."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from setsmart_async.errors import StoreError

_LOCKED: Final = "is locked: another program is writing to it. Close that one and run again."
_ADVICE: Final[Mapping[int, str]] = {
    sqlite3.SQLITE_FULL: "is full: make room on its disk and run again. What was synced before is kept.",
    sqlite3.SQLITE_IOERR: "can not be read or written: check its disk and run again.",
    sqlite3.SQLITE_READONLY: "is read-only: allow writing to it and to its directory, or choose another one.",
    sqlite3.SQLITE_PERM: "may not be opened: allow reading and writing it, or choose another one.",
    sqlite3.SQLITE_CANTOPEN: "can not be opened: its directory must exist and allow writing.",
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_NOTADB: "is not an SQLite database: choose another file.",
    sqlite3.SQLITE_CORRUPT: "is damaged: restore it from a backup, or sync into a new one.",
}


@contextmanager
def explained(place: str) -> Generator[None, None, None]:
    """Raise `StoreError` for whatever the database raises; `place` names the database.

    The original is dropped, for it quotes the statement and its values.
    """
    try:
        yield
    except sqlite3.Error as fault:
        raise _store_error(place, fault) from None
    except SQLAlchemyError as fault:
        raise _store_error(place, getattr(fault, "orig", None) or fault) from None


def _store_error(place: str, fault: BaseException) -> StoreError:
    code: object = getattr(fault, "sqlite_errorcode", None)
    advice = _ADVICE.get(code & 0xFF) if isinstance(code, int) else None  # the low byte: SQLite's primary code
    if advice is None:
        name = getattr(fault, "sqlite_errorname", None) or type(fault).__name__
        advice = f"failed ({name}): see whether it can be opened with the sqlite3 shell."
    return StoreError(f"The database {place} {advice}")
