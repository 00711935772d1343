"""What a sync brings into the database."""

import asyncio
import json
import sqlite3
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, event
from sync.scene import (
    ORIGIN,
    STYLES,
    Impatient,
    account,
    answer,
    held,
    homes,
    numbered,
    state,
    steps,
    stored,
    sync,
    table,
    tombs,
    url,
)

from setsmart_async import (
    ConfigurationError,
    HttpRequest,
    HttpResponse,
    LocalLimiter,
    MemoryTransport,
    Permit,
    Priority,
    SetSmart,
)
from setsmart_async.sandbox.api import SANDBOX_API_KEY
from setsmart_async.sandbox.listing import PagingStyle
from setsmart_async.sandbox.server import SandboxServer
from setsmart_async.sync import Sync, SyncProgress, SyncResult, Tally
from setsmart_async.sync.store import Store
from setsmart_async.wire import JsonObject


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "setsmart.db"


@pytest.mark.parametrize("paging", STYLES)
def test_every_property_lands_once_whatever_the_paging(path: Path, paging: PagingStyle) -> None:
    api = account(95, paging)
    result = sync(api, path)
    assert stored(path) == held(api)
    assert (result.records, result.new, result.changed, result.unchanged) == (95, 95, 0, 0)
    assert (result.pages, result.requests) == (10, 10)
    assert (result.deleted, result.resumed_from, result.rate_limited, result.retries) == (0, 0, 0, 0)


@pytest.mark.parametrize("paging", ["cursor", "page"])
def test_over_http(path: Path, paging: PagingStyle) -> None:
    api = account(250, paging)

    async def run() -> SyncResult:
        tally = Tally()
        async with (
            SandboxServer(api) as server,
            SetSmart(SANDBOX_API_KEY, base_url=server.url, observer=tally) as client,
        ):
            return await Sync(client, url(path), resources=["properties"], tally=tally).run()

    result = asyncio.run(run())
    assert stored(path) == held(api)
    assert (result.new, result.pages, result.requests) == (250, 3, 3)
    assert api.statistics.requests == 3


def test_the_columns_are_the_records_fields(path: Path) -> None:
    home: JsonObject = {
        "id": "prop_1",
        "name": "Fjord View Åse 🌊",
        "address": "1 Shore Road",
        "bedrooms": 3,
        "bathrooms": 1.5,
        "max_guests": 6,
        "status": "haunted",
        "timezone": "Europe/Oslo",
        "currency": "NOK",
        "created_at": "2024-01-31T10:00:00+02:00",
        "updated_at": "2024-02-01T00:00:00Z",
        "pool": {"heated": True},
    }
    sync(lambda _: answer([home]), path)
    [row] = table(path)
    assert {name: row[name] for name in home if name in row} == {
        **{name: value for name, value in home.items() if name != "pool"},
        "created_at": "2024-01-31 08:00:00.000000",
        "updated_at": "2024-02-01 00:00:00.000000",
    }
    assert json.loads(row["raw"]) == home


def test_a_second_run_changes_nothing_and_says_so(path: Path) -> None:
    api = account(30)
    sync(api, path)
    before = table(path)
    result = sync(api, path)
    assert (result.new, result.changed, result.unchanged) == (0, 0, 30)
    moving = {"last_seen", "generation"}
    assert [{**row, **dict.fromkeys(moving)} for row in table(path)] == [
        {**row, **dict.fromkeys(moving)} for row in before
    ]
    assert {row["generation"] for row in table(path)} == {2}
    assert state(path)["completed_at"] is not None


class Calendar(Impatient):
    """Each run is a day of its own."""

    def __init__(self, day: int) -> None:
        moment = datetime(2026, 1, day, tzinfo=UTC).timestamp()
        self.wall = staticmethod(lambda: moment)


def test_changed_new_and_deleted_rows_are_told_apart(path: Path) -> None:
    api = account(3)
    first, second, third = held(api)
    sync(api, path, clock=Calendar(1))
    api.properties.merge(first, {"name": "Renamed"}, Calendar(2).wall())
    api.properties.delete(second)
    added = str(api.properties.create({"name": "Added", "address": "2 Shore Road"}, 0.0)["id"])
    result = sync(api, path, clock=Calendar(2))
    assert (result.new, result.changed, result.unchanged, result.deleted) == (1, 1, 1, 1)
    assert tombs(path) == {second}
    assert result.records == 3
    days = {
        row["id"]: tuple(int(row[name][8:10]) for name in ("first_seen", "changed_at", "last_seen"))
        for row in table(path)
    }
    assert days == {first: (1, 2, 2), second: (1, 1, 1), third: (1, 1, 2), added: (2, 2, 2)}
    names = {row["id"]: row["name"] for row in table(path)}
    assert (names[first], names[added]) == ("Renamed", "Added")
    generations = {row["id"]: row["generation"] for row in table(path)}
    assert generations == {first: 2, second: 1, third: 2, added: 2}


def test_another_order_of_the_same_fields_is_no_change(path: Path) -> None:
    sync(lambda _: answer([{"id": "a", "name": "A", "tags": {"x": 1, "y": 2}}]), path)
    result = sync(lambda _: answer([{"tags": {"y": 2, "x": 1}, "name": "A", "id": "a"}]), path)
    assert (result.changed, result.unchanged) == (0, 1)


def test_a_field_that_this_version_does_not_know_is_kept_and_noticed(path: Path) -> None:
    sync(lambda _: answer([{"id": "a", "name": "A", "pets": False}]), path)
    result = sync(lambda _: answer([{"id": "a", "name": "A", "pets": True}]), path)
    assert result.changed == 1
    assert stored(path) == {"a": {"id": "a", "name": "A", "pets": True}}


@pytest.mark.parametrize("paging", STYLES)
def test_an_account_without_properties(path: Path, paging: PagingStyle) -> None:
    result = sync(account(0, paging), path)
    assert (result.records, result.pages) == (0, 1)
    assert state(path)["completed_at"] is not None


def test_more_rows_than_a_statement_takes_parameters(path: Path) -> None:
    def restrict(connection: sqlite3.Connection, _: object) -> None:
        connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 999)  # what SQLite before 3.32 takes

    api = account(1500)
    everything = answer([*api.properties])
    event.listen(Engine, "connect", restrict)
    try:
        assert sync(lambda _: everything, path).new == 1500
        assert sync(lambda _: everything, path).unchanged == 1500
    finally:
        event.remove(Engine, "connect", restrict)
    assert stored(path) == held(api)


@pytest.mark.parametrize(("paging", "most"), [("page", 16), ("cursor", 1)])
def test_numbered_pages_are_asked_for_at_once_and_cursors_one_by_one(
    path: Path, paging: PagingStyle, most: int
) -> None:
    transport = CountingTransport(account(300, paging).handle)

    async def run() -> None:
        async with SetSmart(SANDBOX_API_KEY, transport=transport) as client:
            await Sync(client, url(path), resources=["properties"], page_size=10).run()

    asyncio.run(run())
    assert transport.most == most


class CountingTransport(MemoryTransport):
    """Tells how many requests were under way at once, at the most."""

    def __init__(self, handler: Callable[[HttpRequest], HttpResponse]) -> None:
        super().__init__(handler, latency=0.005)
        self.now = self.most = 0

    async def send(self, request: HttpRequest, *, timeout: float | None) -> HttpResponse:  # noqa: ASYNC109 - the interface
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            return await super().send(request, timeout=timeout)
        finally:
            self.now -= 1


@pytest.mark.parametrize("paging", ["page", "cursor"])
def test_a_slow_disk_does_not_stop_the_fetching(
    path: Path, paging: PagingStyle, monkeypatch: pytest.MonkeyPatch
) -> None:
    api, write, asked_meanwhile = account(300, paging), Store.write, threading.Event()

    def slow_write(*args: object, **kwargs: object) -> object:
        # The disk is done only when 20 more pages were asked for: for ever, if fetching waited for it.
        patience = time.monotonic() + 20
        while api.statistics.requests < 21 and time.monotonic() < patience:
            time.sleep(0.001)
        if api.statistics.requests >= 21:
            asked_meanwhile.set()
        return write(*args, **kwargs)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(Store, "write", slow_write)
    sync(api, path, latency=0.001)
    assert asked_meanwhile.is_set()
    assert stored(path) == held(api)


@pytest.mark.parametrize("paging", ["page", "cursor"])
def test_pages_ahead_of_the_disk_are_bounded(path: Path, paging: PagingStyle, monkeypatch: pytest.MonkeyPatch) -> None:
    api, write, ahead = account(2000, paging), Store.write, list[int]()
    least = 100 if paging == "page" else 60

    def slow_write(*args: object, **kwargs: object) -> object:
        if not ahead:
            patience = time.monotonic() + 20
            while api.statistics.requests < least and time.monotonic() < patience:
                time.sleep(0.001)
            time.sleep(0.1)  # long enough for many more, were there no bound
            ahead.append(api.statistics.requests)
        return write(*args, **kwargs)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(Store, "write", slow_write)
    sync(api, path, latency=0.0001)
    assert least <= ahead[0] <= least + 80
    assert stored(path) == held(api)


def test_progress_tells_how_far_it_has_come(path: Path) -> None:
    seen, tell = steps()
    sync(account(40, "page"), path, progress=tell)
    assert seen[0] == SyncProgress(done=0, resumed_from=0, total=None)
    assert seen[-1] == SyncProgress(done=40, resumed_from=0, total=40)
    assert [step.done for step in seen] == sorted(step.done for step in seen)


@pytest.mark.parametrize(("page_size", "in_flight"), [(0, 16), (100, 0)])
def test_impossible_sizes_are_refused(path: Path, page_size: int, in_flight: int) -> None:
    with pytest.raises(ConfigurationError, match="must be 1 or more"):
        sync(account(1), path, page_size=page_size, in_flight=in_flight)
    assert not path.exists()


class Noticing(LocalLimiter):
    """Keeps what it was asked for with, and lets nobody go at once."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[Priority, float | None]] = []

    def acquire_nowait(self, cost: int = 1, *, priority: Priority = Priority.NORMAL) -> None:
        return None

    async def acquire(
        self,
        cost: int = 1,
        *,
        priority: Priority = Priority.NORMAL,
        max_wait: float | None = None,
        again: bool = False,
    ) -> Permit:
        self.asked.append((priority, max_wait))
        return await super().acquire(cost, priority=priority, max_wait=max_wait, again=again)


def test_calls_wait_for_quota_as_long_as_it_takes_and_let_others_go_first(path: Path) -> None:
    limiter, timeouts, api = Noticing(), list[float | None](), account(30)

    class NoticingTransport(MemoryTransport):
        async def send(self, request: HttpRequest, *, timeout: float | None) -> HttpResponse:  # noqa: ASYNC109 - theirs
            timeouts.append(timeout)
            return await super().send(request, timeout=timeout)

    async def run() -> None:
        async with SetSmart(
            SANDBOX_API_KEY,
            base_url=ORIGIN,
            transport=NoticingTransport(api.handle),
            limiter=limiter,
            deadline=5,
            attempt_timeout=None,
        ) as client:
            await Sync(client, url(path), resources=["properties"], page_size=10).run()

    asyncio.run(run())
    assert limiter.asked == [(Priority.BULK, None)] * 3
    assert timeouts == [None] * 3


def test_each_call_is_tried_five_times(path: Path) -> None:
    failures = dict.fromkeys(range(1, 4), 4)
    whole = numbered([homes(range(2)), homes(range(2, 4)), homes([4])], 5)

    def handle(request: HttpRequest) -> HttpResponse:
        number = 1 + request.target.count("page=2") + 2 * request.target.count("page=3")
        if failures[number]:
            failures[number] -= 1
            return HttpResponse(status=503)
        return whole(request)

    result = sync(handle, path)
    assert (result.records, result.retries, result.requests) == (5, 12, 15)
    assert state(path)["source"] == ORIGIN
