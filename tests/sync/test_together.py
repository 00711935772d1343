"""R-60: readers, webhooks and a second sync beside a running one; the newest version wins, whoever brought it."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine
from sync import looking
from sync.scene import ORIGIN, Impatient, account, answer, held, stored, sync, table, tombs, url

from setsmart_async import (
    ConfigurationError,
    HttpRequest,
    HttpResponse,
    MemoryTransport,
    SetSmart,
    WebhookEvent,
)
from setsmart_async.records.webhook import WebhookEventType
from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi
from setsmart_async.sync import Change, StoreError, Sync, SyncProgress, WebhookSync
from setsmart_async.sync.merging import Known
from setsmart_async.sync.rows import Row
from setsmart_async.wire import JsonObject

NOW = 1.8e9


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "setsmart.db"


def client_of(api: SandboxApi, latency: float = 0.0) -> SetSmart:
    transport = MemoryTransport(api.handle, latency=latency)
    return SetSmart(SANDBOX_API_KEY, base_url=ORIGIN, transport=transport, clock=Impatient())


def event(kind: str, **data: object) -> WebhookEvent:
    return WebhookEvent(id="evt_1", type=WebhookEventType(kind), data=data)


def applied(api: SandboxApi, database: str, *events: WebhookEvent) -> list[Change]:
    async def run() -> list[Change]:
        async with client_of(api) as client, WebhookSync(client, database, days_ahead=5) as tables:
            return [change for each in events for change in await tables.apply(each)]

    return asyncio.run(run())


def test_webhooks_alone_fill_the_same_tables(database: str) -> None:
    api = SandboxApi(3, reservations=3)
    stores = (api.properties, api.reservations.store, api.conversations.store)
    home, stay, talk = (str(next(iter(store))["id"]) for store in stores)
    events = [
        event("property.created", id=home),
        event("reservation.updated", id=stay),
        event("message.received", id="msg_1", conversation_id=talk),
        event("calendar.updated", property_id=home),
        event("property.updated"),
        event("something.else", id="x"),
    ]
    changes = applied(api, database, *events)
    assert [(change.resource, change.change) for change in changes[:3]] == [
        *(("properties", "new"), ("reservations", "new"), ("conversations", "new")),
    ]
    assert {change.resource for change in changes[3:]} == {"calendar"}
    assert len(changes) == 3 + 5
    assert looking.live(database).keys() == {home}
    assert looking.rows(database)[0]["generation"] == 0
    assert applied(api, database, *events) == []
    sync(api, Path(), to=database)
    assert looking.live(database) == {record["id"]: record for record in api.properties}


def test_a_webhook_of_something_gone_marks_it(database: str, tmp_path: Path) -> None:
    api = account(3)
    sync(api, tmp_path, to=database)
    first = next(iter(held(api)))
    api.properties.delete(first)
    [change] = applied(api, database, event("property.deleted", id=first))
    assert (change.id, change.change, change.record) == (first, "deleted", None)
    assert looking.deleted(database) == {first}
    assert applied(api, database, event("property.deleted", id=first)) == []


def test_an_old_webhook_brings_what_is_there_now(path: Path) -> None:
    api = account(3)
    sync(api, path)
    first = next(iter(held(api)))
    api.properties.merge(first, {"name": "Second"}, NOW)
    applied(api, url(path), event("property.updated", id=first, name="First"))
    assert stored(path)[first]["name"] == "Second"


def test_webhooks_into_the_database_of_another_account_are_refused(path: Path) -> None:
    api = account(3)
    sync(api, path, account="Oslo")

    async def run() -> None:
        async with client_of(api) as client, WebhookSync(client, url(path), account="Bergen") as tables:
            await tables.apply(event("property.updated", id=next(iter(held(api)))))

    with pytest.raises(ConfigurationError, match="'Oslo', not 'Bergen'"):
        asyncio.run(run())


def raced(
    api: SandboxApi, database: str, meanwhile: Callable[[WebhookSync], Awaitable[object]], *, at_page: int = 3
) -> None:
    """A sync whose page is read, and written only after something else has happened."""

    async def run() -> None:
        async with client_of(api) as client, WebhookSync(client, database) as tables:
            transport = _HeldBack(api, at_page, lambda: meanwhile(tables))
            async with SetSmart(SANDBOX_API_KEY, base_url=ORIGIN, transport=transport, clock=Impatient()) as slow:
                await Sync(slow, database, resources=["properties"], page_size=10).run()

    asyncio.run(run())


class _HeldBack(MemoryTransport):
    """Hands a page out late: what happens meanwhile is newer than the page."""

    def __init__(self, api: SandboxApi, number: int, meanwhile: Callable[[], Awaitable[object]]) -> None:
        super().__init__(api.handle)
        self._left, self._meanwhile = number, meanwhile

    async def send(self, request: HttpRequest, *, timeout: float | None) -> HttpResponse:  # noqa: ASYNC109 - theirs
        answer = await super().send(request, timeout=timeout)
        self._left -= 1
        if self._left == 0:
            await self._meanwhile()
        return answer


@pytest.mark.parametrize("knows_when", [True, False])
def test_r60_a_page_that_was_read_before_a_webhook_does_not_overwrite_it(
    database: str, tmp_path: Path, *, knows_when: bool
) -> None:
    api = account(40)
    sync(api, tmp_path, to=database)
    target = list(held(api))[25]

    async def rename(tables: WebhookSync) -> None:
        if knows_when:
            api.properties.merge(target, {"name": "Newer"}, NOW)
        else:  # as of a server that gives no times, or the same one twice in a second
            record = held(api)[target]
            api.properties.merge(
                target, {"name": "Newer"}, datetime.fromisoformat(str(record["updated_at"])).timestamp()
            )
        await tables.apply(event("property.updated", id=target))

    raced(api, database, rename)
    assert looking.live(database) == held(api)
    assert looking.live(database)[target]["name"] == "Newer"


def test_r60_a_page_that_was_read_before_a_deletion_does_not_bring_it_back(database: str, tmp_path: Path) -> None:
    api = account(40)
    sync(api, tmp_path, to=database)
    target = list(held(api))[25]

    async def delete(tables: WebhookSync) -> None:
        api.properties.delete(target)
        await tables.apply(event("property.deleted", id=target))

    raced(api, database, delete)
    assert looking.deleted(database) == {target}
    assert looking.live(database) == held(api)


def test_r60_what_a_webhook_brings_while_a_pass_has_gone_by_is_not_swept(database: str, tmp_path: Path) -> None:
    api = account(40)
    sync(api, tmp_path, to=database)
    record: JsonObject = {"id": "prop_0", "name": "Before them all"}

    async def create(tables: WebhookSync) -> None:
        # Where the cursor has passed: this pass's list does not show it any more.
        api.intercept = lambda request: answer(record) if request.target == "/properties/prop_0" else None
        await tables.apply(event("property.created", id="prop_0"))

    raced(api, database, create)
    assert looking.live(database) == {**held(api), "prop_0": record}


def test_r60_what_comes_back_while_the_sweep_asks_for_it_is_not_marked(database: str, tmp_path: Path) -> None:
    api = account(40)
    sync(api, tmp_path, to=database)
    target = list(held(api))[25]
    record = held(api)[target]
    api.properties.delete(target)

    async def restore(tables: WebhookSync) -> None:  # the sweep was told 404 just now
        api.intercept = lambda request: answer(record) if request.target.endswith(target) else None
        await tables.apply(event("property.created", id=target))

    raced(api, database, restore, at_page=4 + 1 + 1)  # four pages, a probe, and the row itself
    assert looking.deleted(database) == set()
    assert looking.live(database)[target] == record


MOMENTS = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3)]


@given(
    known=st.sampled_from([None, *MOMENTS]),
    comes=st.sampled_from([None, *MOMENTS]),
    seen=st.sampled_from(MOMENTS),
    asked=st.sampled_from(MOMENTS),
)
def test_r60_the_newest_version_wins_and_a_wrong_clock_does_not_freeze_a_row(
    known: datetime | None, comes: datetime | None, seen: datetime, asked: datetime
) -> None:
    row = Row(id="a", content_hash="b", item={}, record=None, typed={}, updated_at=comes)
    there = Known(content_hash="a", generation=1, updated_at=known, last_seen=seen, deleted_at=None)
    now = MOMENTS[1]
    wins = there.is_newer_than(row, asked, now)
    if known is not None and comes is not None and known != comes:
        assert wins == (known > comes)
    elif seen > now:  # seen in the future: by a clock that was wrong
        assert not wins
    else:
        assert wins == (asked < seen)


def test_r60_readers_see_a_page_as_it_was_or_as_it_is_and_never_a_mix(database: str, tmp_path: Path) -> None:
    api = account(100)
    sync(api, tmp_path, to=database, page_size=20)
    versions, stop, mixed = 3, threading.Event(), list[str]()

    def read() -> None:
        engine = create_engine(database)
        while not stop.is_set():
            with engine.connect() as connection:
                rows = connection.exec_driver_sql("SELECT raw FROM properties ORDER BY id").scalars().all()
            found: dict[int, set[str]] = {}
            for raw in rows:
                record = json.loads(raw)
                found.setdefault(place[record["id"]] // 20, set()).add(str(record.get("version")))
            mixed.extend(f"page {page}: {seen}" for page, seen in found.items() if len(seen) > 1)
        engine.dispose()

    place = {id_: number for number, id_ in enumerate(held(api))}
    reader = threading.Thread(target=read)
    reader.start()
    try:
        for version in range(versions):
            for identifier in held(api):
                api.properties.merge(identifier, {"version": version}, NOW + version)
            sync(api, tmp_path, to=database, page_size=20, latency=0.001)
    finally:
        stop.set()
        reader.join()
    assert mixed == []


def test_r60_a_second_sync_at_once_is_refused(database: str, tmp_path: Path) -> None:
    api, refusals = account(60), list[str]()

    def second(_: SyncProgress) -> None:
        def run() -> None:
            with pytest.raises(StoreError) as caught:
                sync(api, tmp_path, to=database)
            refusals.append(str(caught.value))

        if not refusals:
            thread = threading.Thread(target=run)
            thread.start()
            thread.join()

    sync(api, tmp_path, to=database, progress=second)
    assert "Another sync is writing to the database" in refusals[0]
    assert "secret" not in refusals[0]
    assert sync(api, tmp_path, to=database).unchanged == 60


@pytest.mark.parametrize("ahead", [timedelta(hours=-3), timedelta(hours=3)])
def test_r60_a_clock_that_is_wrong_loses_no_change(path: Path, ahead: timedelta) -> None:
    """Ours is hours off in one run and right in the next; the server's is right."""
    api, now = account(30), datetime.fromtimestamp(NOW, UTC)

    class Wrong(Impatient):
        wall = staticmethod((now + ahead).timestamp)

    class Right(Impatient):
        wall = staticmethod((now + timedelta(minutes=1)).timestamp)

    first, second, *_ = held(api)
    api.properties.merge(first, {"name": "Seen"}, NOW)
    sync(api, path, clock=Wrong())
    api.properties.merge(second, {"name": "Changed just then"}, NOW + 1)
    sync(api, path, mode="incremental", clock=Right())
    assert stored(path) == held(api)
    assert len(table(path)) == 30
    assert tombs(path) == set()
