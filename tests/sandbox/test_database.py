"""A sandbox that outlives its process: what is in the file, and what may be one."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandbox.asking import HOMES, VILLA, HandSetClock, Sandbox, in_memory

from setsmart_async.contract import Dialect
from setsmart_async.errors import ConfigurationError
from setsmart_async.sandbox import idempotency
from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi
from setsmart_async.sandbox.database import SandboxDatabase
from setsmart_async.sandbox.quota import QuotaRule, QuotaSimulator
from setsmart_async.sandbox.store import RecordStore
from setsmart_async.wire import HttpResponse, JsonObject, decode_json

STAY = {"property_id": "prop_1", "check_in": "2026-01-01", "check_out": "2026-01-03"}
CALENDAR = "/properties/prop_1/calendar"


@contextmanager
def opened(path: Path, **asked: Any) -> Iterator[Sandbox]:  # noqa: ANN401  as SandboxApi
    """A sandbox that keeps what it holds in this file."""
    with SandboxDatabase(path) as database:
        clock = HandSetClock()
        quota = QuotaSimulator(QuotaRule(10**6))
        yield in_memory(SandboxApi(database=database, clock=clock, quota=quota, **asked), clock)


def everything(sandbox: Sandbox) -> list[Any]:
    lists = ("/properties", "/reservations", "/conversations", "/conversations/conv_1/messages", "/webhooks")
    found = [sandbox.read("GET", f"{target}?limit=200") for target in lists]
    return [*found, sandbox.read("GET", f"{CALENDAR}?start_date=2026-01-01&end_date=2026-01-31")]


def test_everything_is_there_again(tmp_path: Path) -> None:
    with opened(
        tmp_path / "sandbox.db",
        properties=HOMES,
        conversations=[{"id": "conv_1"}],
        messages=[{"id": "msg_1", "conversation_id": "conv_1"}],
    ) as sandbox:
        sandbox.read("POST", "/properties", VILLA)
        sandbox.read("DELETE", "/properties/prop_3")
        sandbox.read("PUT", "/properties/prop_2", {"max_guests": 9})
        cancelled = sandbox.read("POST", "/reservations", STAY)
        sandbox.read("POST", f"/reservations/{cancelled['id']}/cancel", {"cancelled_by": "host"})
        sandbox.read("POST", "/reservations", {**STAY, "guest": {"first_name": "Ada"}})
        sandbox.read("POST", "/conversations/conv_1/messages", {"body": "Hello"})
        hook = sandbox.read("POST", "/webhooks", {"url": "https://example.com/", "events": ["*"]})
        for nights, end in ((3, "2026-01-05"), (4, "2026-01-02")):
            change = {"start_date": "2026-01-01", "end_date": end, "min_stay": nights}
            sandbox.read("PUT", CALENDAR, {"days": [change]})
        before = everything(sandbox)
    # What seeds it the next time is passed over.
    with opened(tmp_path / "sandbox.db", properties=[{"id": "other"}], reservations=1000) as sandbox:
        assert everything(sandbox) == before
        stored = sandbox.api.webhooks.store.get(hook["id"])
        assert stored is not None
        assert stored["secret"] == hook["secret"]
        made = sandbox.read("POST", "/properties", VILLA)
        assert made["id"] not in {home["id"] for home in before[0]["data"]}


def test_a_cursor_holds_over_a_restart(tmp_path: Path) -> None:
    with opened(tmp_path / "sandbox.db", properties=HOMES) as sandbox:
        cursor = sandbox.read("GET", "/properties?limit=6")["next_cursor"]
        sandbox.read("DELETE", "/properties/prop_7")
        sandbox.read("DELETE", "/properties/prop_6")
    with opened(tmp_path / "sandbox.db") as sandbox:
        made = sandbox.read("POST", "/properties", VILLA)
        assert [home["id"] for home in sandbox.read("GET", f"/properties?cursor={cursor}")["data"]] == [made["id"]]


def test_a_repetition_is_known_after_a_restart(tmp_path: Path) -> None:
    path, dialect = tmp_path / "sandbox.db", Dialect(idempotency_header="Idempotency-Key")

    def create(sandbox: Sandbox, mark: str) -> HttpResponse:
        return sandbox.ask("POST", "/properties", VILLA, headers={"Idempotency-Key": mark})

    with opened(path, dialect=dialect) as sandbox:
        first = create(sandbox, "mark-1")
    with opened(path, dialect=dialect) as sandbox:
        second = create(sandbox, "mark-1")
        assert (second.body, second.headers["Idempotent-Replayed"]) == (first.body, "true")
        assert sandbox.ask("POST", "/properties", {}, headers={"Idempotency-Key": "mark-1"}).status == 422
        assert len(sandbox.api.properties) == 1
    assert SANDBOX_API_KEY.encode() not in path.read_bytes()


def test_only_the_newest_repetitions_are_known_after_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "_MOST_KEPT", 2)
    path, dialect = tmp_path / "sandbox.db", Dialect(idempotency_header="Idempotency-Key")
    marks = ("one", "two", "three")
    with opened(path, dialect=dialect) as sandbox:
        for mark in marks:
            sandbox.ask("POST", "/properties", VILLA, headers={"Idempotency-Key": mark})
    with opened(path, dialect=dialect) as sandbox:
        for mark in reversed(marks):
            sandbox.ask("POST", "/properties", VILLA, headers={"Idempotency-Key": mark})
        assert sandbox.api.statistics.replayed == 2


def test_writing_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    with SandboxDatabase(tmp_path / "sandbox.db") as database:
        shelf = database.shelf("things")
        not_json: Any = object()
        with pytest.raises(TypeError), database.transaction():
            shelf.write([("a", 1)])
            shelf.write([("b", 2), ("c", not_json)])
        assert list(shelf.entries()) == []
        with pytest.raises(TypeError):
            shelf.write([("b", 2), ("c", not_json)])
        assert list(shelf.entries()) == []
        shelf.write([("a", 1), ("b", 2), ("a", 3)])
        assert list(shelf.entries()) == [("a", 3), ("b", 2)]


def test_what_is_refused_leaves_nothing(tmp_path: Path) -> None:
    with opened(tmp_path / "sandbox.db", properties=HOMES) as sandbox:
        before = everything_but_messages(sandbox)
        sandbox.fail("POST", "/properties", {})
        sandbox.fail("PUT", CALENDAR, {"days": [{"start_date": "2026-01-01", "end_date": "2026-01-02"}, {}]})
        sandbox.fail("POST", "/reservations", {**STAY, "property_id": "none"})
    with opened(tmp_path / "sandbox.db") as sandbox:
        assert everything_but_messages(sandbox) == before


def everything_but_messages(sandbox: Sandbox) -> list[Any]:
    targets = ("/properties", "/reservations", f"{CALENDAR}?start_date=2026-01-01&end_date=2026-01-31")
    return [sandbox.read("GET", target) for target in targets]


def test_one_request_is_written_as_one_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    with pytest.raises(ZeroDivisionError), opened(path, conversations=[{"id": "conv_1"}]) as sandbox:

        def fails(*_: object, **__: object) -> JsonObject:
            raise ZeroDivisionError

        sandbox.api.conversations.store.merge = fails  # type: ignore[method-assign]  # breaks between two writes
        sandbox.ask("POST", "/conversations/conv_1/messages", {"body": "Hello"})
    with opened(path) as sandbox:
        assert sandbox.read("GET", "/conversations/conv_1/messages")["data"] == []


def test_what_was_answered_survives_a_process_that_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    code = """
import os, sys
from setsmart_async.sandbox.api import SandboxApi
from setsmart_async.sandbox.database import SandboxDatabase
from setsmart_async.wire import HttpRequest, Origin

api = SandboxApi([{"id": "prop_1"}, {"id": "prop_2"}], database=SandboxDatabase(sys.argv[1]))
headers = {"X-API-Key": "sandbox-key-not-a-secret"}
origin = Origin.parse("http://127.0.0.1/v1")
api.handle(HttpRequest(method="DELETE", origin=origin, target="/properties/prop_1", headers=headers))
os._exit(7)
"""
    assert subprocess.run([sys.executable, "-c", code, path], check=False).returncode == 7
    with opened(path) as sandbox:
        assert [home["id"] for home in sandbox.api.properties] == ["prop_2"]


def test_only_one_sandbox_may_have_it(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    in_use = pytest.raises(ConfigurationError, match=r"sandbox\.db is in use by another sandbox")
    for _ in ("a new file", "an old one"):
        with SandboxDatabase(path), in_use:
            SandboxDatabase(path)
    SandboxDatabase(path).close()


def test_it_may_be_closed_twice(tmp_path: Path) -> None:
    database = SandboxDatabase(tmp_path / "sandbox.db")
    database.close()
    database.close()


def test_another_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "setsmart.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE properties (id TEXT)")
        other.commit()
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="is no sandbox's file"):
        SandboxDatabase(path)
    assert path.read_bytes() == before


def test_a_file_of_another_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    SandboxDatabase(path).close()
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version = 99")
    with pytest.raises(ConfigurationError, match="another version"):
        SandboxDatabase(path)


@pytest.mark.parametrize("name", ["text.db", "no/such/folder.db", "."])
def test_what_is_no_database_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "text.db").write_text("What I did in the holidays. " * 100)
    with pytest.raises(ConfigurationError, match="The sandbox can not use the file"):
        SandboxDatabase(tmp_path / name)


def test_a_file_of_any_age_is_a_sandboxs_own(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    path.touch()
    with opened(path, properties=HOMES) as sandbox:
        assert len(sandbox.api.properties) == 7


actions = st.lists(st.tuples(st.sampled_from(["create", "merge", "replace", "delete", "restart"]), st.integers(0, 99)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.integers(0, 9), actions=actions)
def test_the_file_holds_what_memory_holds(tmp_path: Path, number: int, actions: list[tuple[str, int]]) -> None:
    (tmp_path / "store.db").unlink(missing_ok=True)
    (tmp_path / "store.db-wal").unlink(missing_ok=True)
    seeds: list[JsonObject] = [{"id": f"prop_{index}"} for index in range(number)]
    memory = RecordStore(seeds)
    database = SandboxDatabase(tmp_path / "store.db")
    kept = RecordStore(seeds, shelf=database.shelf("properties"))
    try:
        for what, which in actions:
            if what == "restart":
                database.close()
                database = SandboxDatabase(tmp_path / "store.db")
                kept = RecordStore(shelf=database.shelf("properties"))
            present = [str(record["id"]) for record in memory] or ["none"]
            for store in (memory, kept):
                if what == "create":
                    store.create({"name": str(which)}, 0.0)
                elif what == "merge":
                    store.merge(present[which % len(present)], {"name": str(which)}, 0.0)
                elif what == "replace":
                    store.replace(present[which % len(present)], {"name": str(which)}, 0.0)
                elif what == "delete":
                    store.delete(present[which % len(present)])
            assert list(kept) == list(memory)
            assert kept.select() == memory.select()
    finally:
        database.close()


def test_a_file_is_json_that_a_person_can_read(tmp_path: Path) -> None:
    with opened(tmp_path / "sandbox.db", properties=HOMES[:1]):
        pass
    with closing(sqlite3.connect(tmp_path / "sandbox.db")) as file:
        rows = file.execute("SELECT value FROM entries WHERE shelf = 'properties' AND key = '0'").fetchall()
    assert [decode_json(value) for (value,) in rows] == HOMES[:1]
