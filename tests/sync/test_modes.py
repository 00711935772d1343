"""Full, incremental, hydrate, dry: what each asks for, and what it leaves behind."""

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest
from sync.scene import (
    ORIGIN,
    Handler,
    Impatient,
    account,
    answer,
    chained,
    held,
    homes,
    query_of,
    state,
    stored,
    sync,
    table,
    tombs,
    url,
)

from setsmart_async import HttpRequest, HttpResponse, MemoryTransport, PermissionDeniedError, SetSmart
from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi
from setsmart_async.sync import Change, Sync
from setsmart_async.wire import Json

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


class At(Impatient):
    """A clock that stands."""

    def __init__(self, moment: datetime) -> None:
        self.wall = staticmethod(moment.timestamp)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "setsmart.db"


def since_asked(api: SandboxApi) -> list[str]:
    """Fills with each `updated_since` that the server is asked for."""
    asked: list[str] = []

    def intercept(request: HttpRequest) -> None:
        asked.append(unquote(query_of(request).get("updated_since", "")))

    api.intercept = intercept
    return asked


def renamed(api: SandboxApi, number: int, at: datetime) -> str:
    identifier = list(held(api))[number]
    api.properties.merge(identifier, {"name": f"Renamed at {at}"}, at.timestamp())
    return identifier


def test_an_incremental_sync_asks_for_what_has_changed_since_and_no_more(path: Path) -> None:
    api = account(60)
    renamed(api, 0, NOON - timedelta(days=1))
    sync(api, path, clock=At(NOON))
    renamed(api, 5, NOON + timedelta(hours=1))
    renamed(api, 6, NOON + timedelta(hours=1))
    asked = since_asked(api)
    result = sync(api, path, mode="incremental", clock=At(NOON + timedelta(hours=2)))
    assert asked == ["2026-05-31T11:55:00Z"]  # five minutes before the latest change
    homes = result.resources["properties"]
    assert (homes.mode, homes.note, homes.records, homes.changed, homes.unchanged) == ("incremental", None, 3, 2, 1)
    assert stored(path) == held(api)


def test_changes_of_the_same_instant_are_none_of_them_lost(path: Path) -> None:
    """The second of two with the same `updated_at` shows only after the first was seen."""
    api = account(30)
    at = NOON + timedelta(hours=1)
    sync(api, path, clock=At(NOON))
    renamed(api, 1, at)
    sync(api, path, mode="incremental", overlap=0, clock=At(at))
    renamed(api, 2, at)
    assert sync(api, path, mode="incremental", overlap=0, clock=At(at)).changed == 1
    assert stored(path) == held(api)


def test_the_bookmark_does_not_pass_the_beginning_of_the_pass(path: Path) -> None:
    """A record from the future must not hide what changes until then."""
    api = account(30)
    renamed(api, 1, NOON + timedelta(days=365))
    sync(api, path, clock=At(NOON))
    assert state(path)["bookmark"] == "2026-06-01 11:55:00.000000"
    renamed(api, 2, NOON + timedelta(minutes=1))
    sync(api, path, mode="incremental", clock=At(NOON + timedelta(minutes=2)))
    assert stored(path) == held(api)


def test_what_changes_while_a_full_pass_is_read_is_met_by_the_next_incremental_one(path: Path) -> None:
    api = account(60)
    first = next(iter(held(api)))

    def intercept(request: HttpRequest) -> None:
        if "cursor" in request.target:
            api.properties.merge(first, {"name": "Changed behind the cursor"}, NOON.timestamp())

    api.intercept = intercept
    sync(api, path, clock=At(NOON))
    api.intercept = None
    assert stored(path) != held(api)
    sync(api, path, mode="incremental", clock=At(NOON + timedelta(minutes=1)))
    assert stored(path) == held(api)


def test_without_a_complete_pass_before_it_reads_everything_and_says_so(path: Path) -> None:
    api = account(30)
    result = sync(api, path, mode="incremental").resources["properties"]
    assert (result.mode, result.records) == ("full", 30)
    assert result.note == "there is no complete pass to go on from, so all of it was read"
    assert sync(api, path, mode="incremental").resources["properties"].mode == "incremental"


def ignoring_the_filter(request: HttpRequest) -> HttpResponse:
    items: list[Json] = [{"id": f"p{n}", "name": "A", "updated_at": f"2026-05-{n:02}T00:00:00Z"} for n in range(1, 9)]
    return answer(items)


def refusing_the_filter(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=400) if "updated_since" in request.target else ignoring_the_filter(request)


@pytest.mark.parametrize("server", [ignoring_the_filter, refusing_the_filter])
def test_a_list_that_knows_no_such_filter_is_read_whole_and_that_is_said(path: Path, server: Handler) -> None:
    sync(server, path)
    result = sync(server, path, mode="incremental").resources["properties"]
    assert (result.mode, result.records, result.unchanged) == ("full", 8, 8)
    assert result.note == "the list knows no updated_since, so all of it was read"
    assert state(path)["completed_at"] is not None


def test_records_without_times_leave_no_bookmark(path: Path) -> None:
    whole = chained({"": (homes(range(5)), None)})
    sync(whole, path)
    assert state(path)["bookmark"] is None
    assert sync(whole, path, mode="incremental").resources["properties"].mode == "full"


def test_an_incremental_pass_deletes_nothing_and_the_next_full_one_does(path: Path) -> None:
    api = account(30)
    sync(api, path)
    first = next(iter(held(api)))
    api.properties.delete(first)
    sync(api, path, mode="incremental")
    assert tombs(path) == set()
    sync(api, path)
    assert tombs(path) == {first}


def test_an_interrupted_incremental_pass_goes_on_with_what_it_asked_for(path: Path) -> None:
    api = account(60)
    sync(api, path, clock=At(NOON))
    for number in range(40):
        renamed(api, number, NOON + timedelta(hours=1))
    seen = 0

    def intercept(_: HttpRequest) -> HttpResponse | None:
        nonlocal seen
        seen += 1
        return HttpResponse(status=403) if seen == 3 else None

    api.intercept = intercept
    with pytest.raises(PermissionDeniedError):
        sync(api, path, mode="incremental", clock=At(NOON + timedelta(hours=2)))
    asked = since_asked(api)
    result = sync(api, path, mode="incremental", clock=At(NOON + timedelta(hours=3)))
    assert set(asked) == {state(path)["since"].replace(" ", "T").removesuffix(".000000") + "Z"}
    assert (result.resumed_from, result.changed) == (20, 20)
    assert stored(path) == held(api)


def short_list(request: HttpRequest) -> HttpResponse:
    """A list that leaves out what each record has besides."""
    path = request.target.partition("?")[0]
    if path == "/properties":
        return answer(homes(range(25)))
    number = path.rpartition("_")[2]
    return answer({"id": f"prop_{number}", "name": f"Home {number}", "bedrooms": int(number), "pool": True})


def test_hydrating_writes_each_record_as_it_is_by_its_id(path: Path) -> None:
    result = sync(short_list, path, page_size=30, mode="hydrate")
    assert (result.records, result.new, result.requests) == (25, 25, 27)  # one asks whether 25 is a cap
    assert {row["id"]: row["bedrooms"] for row in table(path)} == {f"prop_{n}": n for n in range(25)}
    assert all(record["pool"] for record in stored(path).values())
    assert sync(short_list, path, page_size=30, mode="hydrate").unchanged == 25


def test_a_record_that_goes_between_list_and_detail_is_no_doubt(path: Path) -> None:
    api = account(30)
    gone = list(held(api))[15]

    def intercept(request: HttpRequest) -> None:
        if request.target.endswith(gone):
            api.properties.delete(gone)

    api.intercept = intercept
    assert sync(api, path, mode="hydrate").records == 29
    assert stored(path) == held(api)


def test_details_are_asked_for_side_by_side(path: Path) -> None:
    under_way = most = 0

    class Counting(MemoryTransport):
        async def send(self, request: HttpRequest, *, timeout: float | None) -> HttpResponse:  # noqa: ASYNC109 - theirs
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            try:
                return await super().send(request, timeout=timeout)
            finally:
                under_way -= 1

    async def run() -> None:
        transport = Counting(account(60).handle, latency=0.001)
        async with SetSmart(SANDBOX_API_KEY, base_url=ORIGIN, transport=transport, clock=Impatient()) as client:
            await Sync(client, url(path), resources=["properties"], mode="hydrate", in_flight=8, page_size=30).run()

    asyncio.run(run())
    assert most == 8


def test_a_dry_run_counts_what_would_be_done_and_writes_nothing(path: Path) -> None:
    api = account(30)
    result = sync(api, path, dry_run=True)
    assert (result.new, path.exists()) == (30, False)
    sync(api, path)
    before, rows = state(path), table(path)
    first, second, *_ = held(api)
    api.properties.merge(first, {"name": "Renamed"}, NOON.timestamp())
    api.properties.delete(second)
    api.properties.create({"name": "Added", "address": "2 Shore Road"}, NOON.timestamp())
    result = sync(api, path, dry_run=True, resources=["properties", "reservations"])
    homes = result.resources["properties"]
    assert (homes.new, homes.changed, homes.unchanged, homes.deleted, homes.live) == (1, 1, 28, 1, 30)
    assert (state(path), table(path)) == (before, rows)
    assert sync(api, path, dry_run=True, mode="incremental").changed == 1


def test_a_full_refresh_takes_the_servers_word_and_starts_from_the_first_page(path: Path) -> None:
    """After a backup was restored at the server, its records are older than ours."""
    api = account(30)
    first = renamed(api, 0, NOON)
    sync(api, path)
    api.properties.merge(first, {"name": "As it was"}, (NOON - timedelta(days=9)).timestamp())
    assert sync(api, path).changed == 0
    assert sync(api, path, full_refresh=True).changed == 1
    assert stored(path) == held(api)


@pytest.mark.parametrize("option", ["full_refresh", "reset"])
def test_neither_a_full_refresh_nor_a_reset_goes_on_where_a_run_was_interrupted(path: Path, option: str) -> None:
    api = account(60)
    seen = 0

    def intercept(_: HttpRequest) -> HttpResponse | None:
        nonlocal seen
        seen += 1
        return HttpResponse(status=403) if seen == 4 else None

    api.intercept = intercept
    with pytest.raises(PermissionDeniedError):
        sync(api, path)
    result = sync(api, path, full_refresh=option == "full_refresh", reset=option == "reset")
    assert (result.resumed_from, result.new, result.unchanged) == (0, 30, 30)


def test_a_reset_forgets_the_bookmark_and_keeps_the_rows(path: Path) -> None:
    api = account(30)
    sync(api, path)
    before = {row["id"]: row["first_seen"] for row in table(path)}
    result = sync(api, path, mode="incremental", reset=True).resources["properties"]
    assert (result.mode, result.unchanged) == ("full", 30)
    assert {row["id"]: row["first_seen"] for row in table(path)} == before


def test_changes_come_as_they_land(path: Path) -> None:
    api = account(45)
    sync(api, path)
    first, second, *_ = held(api)
    api.properties.merge(first, {"name": "Renamed"}, NOON.timestamp())
    api.properties.delete(second)
    added = str(api.properties.create({"name": "Added", "address": "2 Shore Road"}, NOON.timestamp())["id"])
    found: list[Change] = []

    async def run() -> None:
        transport = MemoryTransport(api.handle)
        async with SetSmart(SANDBOX_API_KEY, base_url=ORIGIN, transport=transport, clock=Impatient()) as client:
            sync = Sync(client, url(path), resources=["properties"], page_size=10)
            async for change in sync.changes():
                is_there = (stored(path).get(change.id) or {}).get("name") == (change.raw or {}).get("name")  # type: ignore[union-attr]  # an object
                assert is_there, "it is told after it was committed"
                found.append(change)
            assert sync.result is not None
            assert sync.result.deleted == 1

    asyncio.run(run())
    assert {(change.id, change.change) for change in found} == {
        *((first, "changed"), (second, "deleted"), (added, "new")),
    }


def test_leaving_the_changes_early_ends_the_run_and_keeps_what_was_written(path: Path) -> None:
    api = account(300)

    async def run() -> None:
        transport = MemoryTransport(api.handle, latency=0.0001)
        async with (
            SetSmart(SANDBOX_API_KEY, base_url=ORIGIN, transport=transport, clock=Impatient()) as client,
            aclosing(Sync(client, url(path), resources=["properties"], page_size=10).changes()) as changes,
        ):
            async for _ in changes:
                break

    asyncio.run(run())
    kept = len(stored(path))
    assert 0 < kept < 300
    assert sync(api, path).resumed_from == kept
    assert stored(path) == held(api)


def test_an_error_comes_after_the_changes_before_it(path: Path) -> None:
    api = account(60)
    api.intercept = lambda request: HttpResponse(status=403) if "cursor" in request.target else None
    found: list[Change] = []

    async def run() -> None:
        transport = MemoryTransport(api.handle)
        async with SetSmart(SANDBOX_API_KEY, base_url=ORIGIN, transport=transport) as client:
            async for change in Sync(client, "-", resources=["properties"], page_size=10).changes():
                found.append(change)  # noqa: PERF401 - those before the error count

    with pytest.raises(PermissionDeniedError):
        asyncio.run(run())
    assert [change.id for change in found] == list(held(api))[:10]
