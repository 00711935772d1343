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
# By SQLSTATE, or the class that its first two characters are.
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRESQL_ADVICE: Final[Mapping[str, str]] = {
    "53100": "is full: make room on its disk and run again. What was synced before is kept.",
    "53": "has no resources left: see its log, and run again.",
    "25006": "is read-only: connect to the primary server, as a user who may write.",
    "28": "refuses the user: see name and password in the URL.",
    "3D": "does not exist: create it first.",
    "3F": "has no schema to write to: create it, or see the search_path of the URL.",
    "42501": "may not be written to by this user: grant CREATE on the schema, or choose another one.",
    "55P03": _LOCKED,
    "57": "was shut down or has ended the connection: run again when it is there.",
    "58": "can not be read or written: check its disk and run again.",
    "XX": "is damaged: see its log, and restore it from a backup.",
}
_UNREACHABLE: Final = "can not be reached: see whether it runs, and the host, user and password in the URL."


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
    if type(fault).__module__.partition(".")[0] == "psycopg":
        return StoreError(f"The database {place} {_postgresql_advice(fault)}")
    code: object = getattr(fault, "sqlite_errorcode", None)
    advice = _ADVICE.get(code & 0xFF) if isinstance(code, int) else None  # the low byte: SQLite's primary code
    if advice is None:
        name = getattr(fault, "sqlite_errorname", None) or type(fault).__name__
        advice = f"failed ({name}): see whether it can be opened with the sqlite3 shell."
    return StoreError(f"The database {place} {advice}")


def _postgresql_advice(fault: BaseException) -> str:
    state: object = getattr(fault, "sqlstate", None)
    if not isinstance(state, str):  # the client's own error: no connection, or one that was lost
        return _UNREACHABLE if type(fault).__name__ == "OperationalError" else f"failed ({type(fault).__name__})."
    advice = _POSTGRESQL_ADVICE.get(state) or _POSTGRESQL_ADVICE.get(state[:2])
    return advice or f"failed (SQLSTATE {state}): see the server's log."
