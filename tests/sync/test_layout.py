"""Databases that an older version of the library has made: brought up to date where they are."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sync import looking
from sync.scene import account, held, state, stored, sync, table, tombs, url

from setsmart_async import ConfigurationError
from setsmart_async.sync import sync_status
from setsmart_async.sync.tables import LAYOUT, RESOURCES
from setsmart_async.sync.tables import state as state_table

# As version 0.1.0 made them, word for word but for the line breaks; then without two columns, as if it had not known
# them yet.
STATE_1 = """
CREATE TABLE setsmart_sync (
    resource TEXT NOT NULL, layout INTEGER NOT NULL, source TEXT NOT NULL, account TEXT, key_fingerprint TEXT NOT NULL,
    generation INTEGER NOT NULL, page_size INTEGER NOT NULL, checkpoint TEXT, pages INTEGER NOT NULL, total INTEGER,
    drift TEXT, new INTEGER NOT NULL, changed INTEGER NOT NULL, unchanged INTEGER NOT NULL, repeated INTEGER NOT NULL,
    started_at DATETIME NOT NULL, checkpoint_at DATETIME, completed_at DATETIME, PRIMARY KEY (resource)
)"""
PROPERTIES_1 = """
CREATE TABLE properties (
    id TEXT NOT NULL, name TEXT NOT NULL, address TEXT, bedrooms INTEGER, bathrooms FLOAT, max_guests INTEGER,
    status TEXT, {more} created_at DATETIME, updated_at DATETIME, raw TEXT NOT NULL, content_hash TEXT NOT NULL,
    first_seen DATETIME NOT NULL, changed_at DATETIME NOT NULL, last_seen DATETIME NOT NULL,
    generation INTEGER NOT NULL, PRIMARY KEY (id)
)"""
WITH_ALL = "timezone TEXT, currency TEXT,"
SYNCED = "2026-01-31 12:00:00.000000"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "setsmart.db"


def made_by_the_first_version(path: Path, more: str = WITH_ALL, *, completed: bool = True) -> None:
    """The rows of account(30) as layout 1 held them; two of three pages of them in an interrupted pass."""
    sync(account(30), path)
    known = [name for name in PROPERTIES_1.split("properties (")[1].replace("{more}", more).split() if name.islower()]
    columns = [name for name in known if name in table(path)[0]]
    names = ", ".join(columns)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("ALTER TABLE properties RENAME TO newer")
        connection.execute(PROPERTIES_1.format(more=more))
        limit = 30 if completed else 20
        connection.execute(f"INSERT INTO properties ({names}) SELECT {names} FROM newer ORDER BY rowid LIMIT {limit}")
        [(fingerprint, checkpoint)] = connection.execute("SELECT key_fingerprint, checkpoint FROM setsmart_sync")
        connection.execute("DROP TABLE newer")
        connection.execute("DROP TABLE setsmart_sync")
        connection.execute(STATE_1)
        checkpoint = None if completed else "cursor=YWZ0ZXI6MTk"  # behind the twentieth
        values = (
            *("properties", 1, "http://127.0.0.1:1/v1", "Oslo", fingerprint, 1, 10, checkpoint, limit // 10, 30, None),
            *(limit, 0, 0, 0, SYNCED, SYNCED, SYNCED if completed else None),
        )
        connection.execute(f"INSERT INTO setsmart_sync VALUES ({', '.join('?' * len(values))})", values)


def test_a_database_of_the_first_version_goes_on(path: Path) -> None:
    made_by_the_first_version(path)
    api = account(30)
    gone = next(iter(held(api)))
    api.properties.delete(gone)
    result = sync(api, path, resources=None)
    homes = result.resources["properties"]
    assert (homes.new, homes.changed, homes.unchanged, homes.deleted) == (0, 0, 29, 1)
    assert (stored(path), tombs(path)) == (held(api), {gone})
    assert {row["layout"] for row in table(path, "setsmart_sync")} == {LAYOUT}
    assert (state(path)["account"], state(path)["mode"], state(path)["generation"]) == ("Oslo", "full", 2)
    assert {row["resource"] for row in table(path, "setsmart_sync")} == {"properties", "reservations", "conversations"}


def test_an_interrupted_pass_of_the_first_version_goes_on_where_it_was(path: Path) -> None:
    made_by_the_first_version(path, completed=False)
    api = account(30)
    result = sync(api, path)
    assert (result.resumed_from, result.new, result.requests) == (20, 10, 1)
    assert stored(path) == held(api)


def test_columns_for_fields_that_a_record_has_gained_are_filled_from_what_was_stored_whole(path: Path) -> None:
    made_by_the_first_version(path, more="")
    assert "currency" not in table(path)[0]
    result = sync(account(30), path)
    assert (result.changed, result.unchanged) == (0, 30)
    assert {(row["currency"], row["timezone"]) for row in table(path)} == {("NOK", "Europe/Oslo")}


def test_the_upgrade_is_done_whole_or_not_at_all(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_by_the_first_version(path, more="")

    def cut_off(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("setsmart_async.sync.layout.typed_again", cut_off)
    with pytest.raises(ZeroDivisionError):
        sync(account(30), path)
    assert "currency" not in table(path)[0]
    assert state(path)["layout"] == 1
    monkeypatch.undo()
    assert sync(account(30), path).unchanged == 30


def test_the_status_of_an_older_layout_changes_nothing(path: Path) -> None:
    made_by_the_first_version(path)
    with pytest.raises(ConfigurationError, match="An older version has filled the database"):
        sync_status(url(path))
    assert state(path)["layout"] == 1


def test_a_table_of_something_else_beside_ours_is_refused_when_it_is_needed(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE reservations (table_number INTEGER)")
    assert sync(account(5), path).new == 5
    with pytest.raises(ConfigurationError, match="a table 'reservations' of something else"):
        sync(account(5), path, resources=None)


def test_an_upgrade_in_postgresql(postgresql: str, tmp_path: Path) -> None:
    from sqlalchemy import create_engine

    sync(account(30), tmp_path, to=postgresql)
    engine = create_engine(postgresql)
    with engine.begin() as connection:
        for statement in (
            "ALTER TABLE properties DROP COLUMN currency, DROP COLUMN deleted_at, DROP COLUMN updated_at",
            "ALTER TABLE setsmart_sync DROP COLUMN bookmark, DROP COLUMN mode, DROP COLUMN healed",
            "UPDATE setsmart_sync SET layout = 1",
        ):
            connection.exec_driver_sql(statement)
    engine.dispose()
    assert sync(account(30), tmp_path, to=postgresql).unchanged == 30
    assert {row["currency"] for row in looking.rows(postgresql)} == {"NOK"}
    assert all(row["updated_at"].tzinfo for row in looking.rows(postgresql))
    assert looking.state(postgresql)["layout"] == LAYOUT


LAYOUTS = {
    2: {
        "properties": 18,
        "reservations": 31,
        "calendar": 19,
        "conversations": 16,
        "setsmart_sync": 27,
    }
}


def test_a_column_more_is_a_layout_more() -> None:
    """Where this fails, a record has gained a field: raise LAYOUT, and add its line here."""
    tables = [*(resource.table for resource in RESOURCES.values()), state_table]
    assert {each.name: len(each.columns) for each in tables} == LAYOUTS[LAYOUT]
