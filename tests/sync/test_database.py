"""What databases do to a sync: full, read-only, locked, broken. Each is one clear error, and the rows stay right."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Engine, Text, cast, create_engine, event, literal, select
from sync.scene import account, held, state, stored, sync, table, url

from setsmart_async import ConfigurationError, SetSmartError
from setsmart_async.sync import StoreError, SyncProgress
from setsmart_async.sync.columns import UtcTime
from setsmart_async.sync.database import Database
from setsmart_async.sync.faults import explained
from setsmart_async.sync.tables import PROPERTIES


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "setsmart.db"


@contextmanager
def pages_at_most(number: int) -> Iterator[None]:
    """Every new connection may grow its database to so many pages: SQLITE_FULL as on a full disk."""

    def restrict(connection: sqlite3.Connection, _: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {number}").close()

    event.listen(Engine, "connect", restrict)
    try:
        yield
    finally:
        event.remove(Engine, "connect", restrict)


def intact(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        return [*connection.execute("PRAGMA integrity_check")] == [("ok",)]


@pytest.mark.parametrize("pages", [1, 5, 20, 50])
def test_a_full_database(path: Path, pages: int) -> None:
    api = account(500)
    with pages_at_most(pages), pytest.raises(StoreError, match=r"setsmart\.db is full: make room"):
        sync(api, path)
    assert intact(path)
    kept = 10 * state(path)["pages"] if pages > 5 else 0
    if pages > 5:
        assert len(stored(path)) == kept
    result = sync(api, path)
    assert (result.resumed_from, result.new) == (kept, 500 - kept)
    assert stored(path) == held(api)


def test_a_read_only_database(path: Path) -> None:
    api = account(20)
    sync(api, path)
    before = table(path)
    api.properties.merge(str(before[0]["id"]), {"name": "Renamed"}, 0.0)
    with pytest.raises(StoreError, match=r"setsmart\.db is read-only: allow writing"):
        sync(api, path, to=f"sqlite:///file:{path}?mode=ro&uri=true")
    assert table(path) == before


def test_a_directory_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no/x\.db does not exist: create it first"):
        sync(account(1), tmp_path / "no" / "x.db")


def test_a_directory_where_the_database_should_be(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="can not be opened"):
        sync(account(1), tmp_path)


def test_a_directory_that_refuses_new_files(path: Path) -> None:
    """The place of the lock is taken by a directory: whoever runs the tests, root too, can not open it."""
    Path(f"{path}-sync").mkdir()
    with pytest.raises(StoreError, match=r"setsmart\.db-sync can not be opened"):
        sync(account(1), path)


@pytest.mark.parametrize(
    "content", [b"no database at all, though long enough" * 50, b"SQLite format 3\0" + b"x" * 9000]
)
def test_a_file_that_is_no_database(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"is (not an SQLite database|damaged)"):
        sync(account(1), path)
    assert path.read_bytes() == content


def test_a_damaged_database(path: Path) -> None:
    sync(account(500), path)
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="is damaged: restore it"):
        sync(account(500), path)


def test_a_database_of_something_else(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE properties (street TEXT)")
    with pytest.raises(ConfigurationError, match="a table 'properties' of something else"):
        sync(account(1), path)
    assert table(path) == []


def test_other_tables_beside_ours_are_let_be(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE guests (name TEXT)")
    assert sync(account(5), path).new == 5
    assert table(path, "guests") == []


def test_a_database_of_a_newer_version(path: Path) -> None:
    sync(account(5), path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE setsmart_sync SET layout = 99")
    with pytest.raises(ConfigurationError, match="newer version of setsmart_async: upgrade"):
        sync(account(5), path)


def test_another_program_that_writes_for_long(path: Path) -> None:
    api = account(20)
    sync(api, path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="is locked: another program is writing"):
            sync(api, path, to=f"{url(path)}?timeout=0.05")
        connection.execute("ROLLBACK")
    assert sync(api, path).unchanged == 20


def test_readers_are_not_kept_out(path: Path) -> None:
    counted: list[int] = []
    sync(account(60), path, progress=lambda _: counted.append(len(stored(path))) if path.stat().st_size else None)
    assert counted[-1] == 60


def test_commits_reach_the_disk(path: Path) -> None:
    database = Database(url(path))
    database.open([PROPERTIES])
    with database.transaction() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
        with (
            closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other,
            pytest.raises(sqlite3.OperationalError, match="locked"),  # from a transaction's first instant
        ):
            other.execute("BEGIN IMMEDIATE")
    database.close()
    database.close()


def test_times_are_kept_in_utc_whatever_zone_they_come_in() -> None:
    oslo = datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=1)))
    engine = create_engine("sqlite://")
    with closing(engine.connect()) as connection:
        assert connection.scalar(select(literal(oslo, UtcTime))) == oslo
        assert connection.scalar(select(cast(literal(oslo, UtcTime), Text))) == "2026-01-31 11:00:00.000000"
        assert connection.scalar(select(literal(None, UtcTime))) is None
    engine.dispose()


def test_a_second_sync_into_the_same_database_is_refused(path: Path) -> None:
    api, refusals = account(60), list[str]()

    def second(progress: SyncProgress) -> None:
        with closing(Database(url(path))) as database, pytest.raises(StoreError) as caught:
            database.open([PROPERTIES])
        refusals.append(str(caught.value))

    sync(api, path, progress=second)
    assert "Another sync is writing to the database" in refusals[0]
    assert sync(api, path).unchanged == 60


HOLD = (
    "import sys; from setsmart_async.sync.lock import SyncLock; SyncLock(sys.argv[1]).acquire(); print('held'); input()"
)


def test_the_lock_holds_between_processes_and_goes_with_a_killed_one(path: Path) -> None:
    command = [sys.executable, "-u", "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(StoreError, match="Another sync"):
            sync(account(5), path)
        other.kill()
    assert sync(account(5), path).new == 5


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        ("sqlite://", "in memory would be gone"),
        ("sqlite:///:memory:", "in memory would be gone"),
        ("sqlite:///file:x?mode=memory&uri=true", "in memory would be gone"),
        ("postgresql+asyncpg://user:secret@localhost/x", r"by psycopg, not postgresql\+asyncpg: "),
        ("sqlite+aiosqlite:///x.db", r"SQLite or PostgreSQL, not sqlite\+aiosqlite"),
        ("mysql://user:secret@localhost/x", "SQLite or PostgreSQL, not mysql"),
        ("nosuch:///x.db", "SQLite or PostgreSQL, not nosuch"),
        ("setsmart.db", "named by a URL such as"),
        ("", "named by a URL such as"),
    ],
)
def test_other_databases_are_refused_before_anything_is_opened(path: Path, to: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason) as caught:
        sync(account(1), path, to=to)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (sqlite3.SQLITE_FULL, "is full: make room"),
        (sqlite3.SQLITE_IOERR_WRITE, "can not be read or written: check its disk"),
        (sqlite3.SQLITE_READONLY_DBMOVED, "is read-only"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "is locked"),
        (sqlite3.SQLITE_CORRUPT_INDEX, "is damaged"),
        (sqlite3.SQLITE_CANTOPEN_ISDIR, "can not be opened"),
        (sqlite3.SQLITE_SCHEMA, r"failed \(SQLITE_X\): see whether"),
        (None, r"failed \(SQLITE_X\): see whether"),
    ],
)
def test_sqlites_finer_codes_get_the_advice_of_their_kind(code: int | None, advice: str) -> None:
    fault = sqlite3.OperationalError("INSERT INTO properties VALUES ('Jane')")
    fault.sqlite_errorname = "SQLITE_X"
    if code is not None:
        fault.sqlite_errorcode = code
    with pytest.raises(StoreError, match=f"The database x.db {advice}") as caught, explained("x.db"):
        raise fault
    assert "Jane" not in str(caught.value)


def test_an_error_shows_neither_statement_nor_values(path: Path) -> None:
    api = account(500)
    with pages_at_most(20), pytest.raises(StoreError) as caught:
        sync(api, path)
    name = str(next(iter(api.properties))["name"])
    seen: BaseException | None = caught.value
    assert seen is not None
    assert seen.__cause__ is None
    assert seen.__suppress_context__
    assert "INSERT" not in str(seen)
    assert name not in str(seen)


def test_store_errors_are_errors_of_the_library() -> None:
    assert issubclass(StoreError, SetSmartError)


def test_nothing_is_left_open(path: Path) -> None:
    """Also not by runs that fail: Python warns of each connection that nobody closed, and warnings are errors."""
    import gc

    Path(f"{path}-sync").mkdir()
    for _ in range(2):
        with pytest.raises(StoreError):
            sync(account(1), path)
    Path(f"{path}-sync").rmdir()
    sync(account(1), path)
    gc.collect()
    assert not Path(f"{path}-wal").exists()
    assert asyncio.new_event_loop().close() is None
