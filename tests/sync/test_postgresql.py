"""What PostgreSQL does to a sync: each fault is one clear error, without password or data."""

import importlib.util
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sync import looking
from sync.scene import account, held, sync

from setsmart_async import ConfigurationError
from setsmart_async.sync import StoreError, SyncProgress, sync_status
from setsmart_async.sync.faults import explained


def test_two_schemas_of_one_database_are_two_accounts_at_once(postgresql: str, tmp_path: Path) -> None:
    api, inside = account(40), list[int]()
    schema = make_url(postgresql).query["options"]
    assert isinstance(schema, str)
    second = f"{schema.partition('=')[2]}_b"
    engine = create_engine(postgresql)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {second}")
    engine.dispose()
    other = make_url(postgresql).update_query_dict({"options": f"-csearch_path={second}"})

    def beside(_: SyncProgress) -> None:
        if not inside:
            import threading

            def run() -> None:
                inside.append(sync(account(7), tmp_path, to=other.render_as_string(hide_password=False)).new)

            thread = threading.Thread(target=run)
            thread.start()
            thread.join()

    sync(api, tmp_path, to=postgresql, progress=beside)
    assert inside == [7]
    assert looking.live(postgresql) == held(api)


def test_a_connection_that_the_server_ends_in_mid_run(postgresql: str, tmp_path: Path) -> None:
    api = account(60)

    def end_it(progress: SyncProgress) -> None:
        if progress.done:
            engine = create_engine(postgresql)
            with engine.begin() as connection:
                connection.exec_driver_sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
            engine.dispose()

    with pytest.raises(StoreError, match=r"was shut down or has ended the connection|can not be reached"):
        sync(api, tmp_path, to=postgresql, progress=end_it, latency=0.02)
    assert 0 < len(looking.live(postgresql)) < 60
    result = sync(api, tmp_path, to=postgresql)
    assert result.resumed_from == len(held(api)) - result.new > 0
    assert looking.live(postgresql) == held(api)


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"The database homes at 127\.0\.0\.1 can not be reached") as caught:
        sync(account(1), tmp_path, to="postgresql://kari:secret-word@127.0.0.1:9/homes")
    assert "secret-word" not in str(caught.value)
    assert "kari" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_database_that_does_not_exist(postgresql: str, tmp_path: Path) -> None:
    nowhere = make_url(postgresql).set(database="nosuch").render_as_string(hide_password=False)
    with pytest.raises(StoreError, match=r"nosuch at .* (does not exist|can not be reached)"):
        sync(account(1), tmp_path, to=nowhere)


def test_a_server_that_lets_nobody_write(postgresql: str, tmp_path: Path) -> None:
    options = make_url(postgresql).query["options"]
    url = make_url(postgresql).update_query_dict({"options": f"{options} -cdefault_transaction_read_only=on"})
    with pytest.raises(StoreError, match="is read-only: connect to the primary server"):
        sync(account(1), tmp_path, to=url.render_as_string(hide_password=False))


def test_without_the_driver_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "setsmart_async.sync.postgresql.find_spec", lambda name: None if name == "psycopg" else find(name)
    )
    with pytest.raises(ConfigurationError, match=r"pip install 'setsmart_async\[postgres\]'"):
        sync(account(1), tmp_path, to="postgresql://127.0.0.1/x")


def test_the_status_reads_and_a_dry_run_writes_nothing(postgresql: str, tmp_path: Path) -> None:
    api = account(12)
    with pytest.raises(ConfigurationError, match="No sync has filled the database"):
        sync_status(postgresql)
    assert sync(api, tmp_path, to=postgresql, dry_run=True).new == 12
    assert looking.rows(postgresql) == []
    sync(api, tmp_path, to=postgresql)
    found = sync_status(postgresql).resources["properties"]
    assert (found.live, found.deleted, found.mode) == (12, 0, "full")
    assert found.completed_at is not None
    assert found.bookmark is not None
    assert sync(api, tmp_path, to=postgresql, dry_run=True).unchanged == 12


class FaultError(psycopg.Error):
    """Any SQLSTATE."""

    __module__ = "psycopg.errors"

    def __init__(self, state: str | None) -> None:
        super().__init__("INSERT INTO properties VALUES ('Jane')")
        self.sqlstate = state


@pytest.mark.parametrize(
    ("state", "advice"),
    [
        ("53100", "is full: make room"),
        ("53300", "has no resources left"),
        ("28P01", "refuses the user"),
        ("3D000", "does not exist: create it"),
        ("42501", "may not be written to by this user"),
        ("55P03", "is locked: another program"),
        ("57P01", "was shut down"),
        ("XX001", "is damaged"),
        ("42P99", r"failed \(SQLSTATE 42P99\): see the server's log"),
        (None, r"failed \(FaultError\)"),
    ],
)
def test_what_postgresql_says_gets_advice_and_is_not_quoted(state: str | None, advice: str) -> None:
    with pytest.raises(StoreError, match=f"The database x {advice}") as caught, explained("x"):
        from sqlalchemy.exc import DBAPIError

        raise DBAPIError.instance("SELECT 1", {}, FaultError(state), psycopg.Error)
    assert "Jane" not in str(caught.value)
