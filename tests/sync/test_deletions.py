"""What is deleted, by whom and when: a deletion is not undone by older news, and is never guessed."""

import asyncio
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sync import looking
from sync.scene import Handler, account, answer, held, homes, numbered, stored, sync, table, tombs, url
from sync.test_together import client_of, event, raced

from setsmart_async import ConfigurationError, HttpRequest, HttpResponse, SetSmartError
from setsmart_async.sandbox.api import SandboxApi
from setsmart_async.sync import WebhookSync
from setsmart_async.sync.merging import Known
from setsmart_async.sync.rows import Row
from setsmart_async.wire import Json


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "setsmart.db"


def test_a_page_that_was_read_before_a_deletion_does_not_bring_the_row_back(database: str, tmp_path: Path) -> None:
    api = account(40)
    sync(api, tmp_path, to=database)
    target = list(held(api))[25]
    api.properties.merge(target, {"name": "Newer"}, 1.8e9)  # the page that is held back has it

    async def delete(tables: WebhookSync) -> object:
        api.properties.delete(target)
        return await tables.apply(event("property.deleted", id=target))

    raced(api, database, delete)
    assert looking.deleted(database) == {target}


def restored(moment: str, count: int) -> Handler:
    """So many homes, all changed at that time."""

    def handle(request: HttpRequest) -> HttpResponse:
        if not request.target.startswith("/properties/"):
            data: list[Json] = [{"id": f"prop_{n}", "name": "Home", "updated_at": moment} for n in range(count)]
            return answer({"data": data, "next_cursor": None})
        number = int(request.target.rpartition("_")[2])
        return answer({"id": f"prop_{number}", "name": "Home"}) if number < count else HttpResponse(status=404)

    return handle


def test_what_is_listed_again_with_an_older_time_is_there_again(path: Path) -> None:
    sync(restored("2026-02-01T00:00:00Z", 10), path)
    sync(restored("2026-02-01T00:00:00Z", 9), path)
    assert tombs(path) == {"prop_9"}
    sync(restored("2026-01-01T00:00:00Z", 10), path)
    assert tombs(path) == set()


def test_a_database_that_webhooks_have_filled_is_their_accounts(path: Path) -> None:
    api = account(3)
    other = SandboxApi([{"id": f"other_{number}", "name": "Other"} for number in range(3)])

    async def apply() -> None:
        async with client_of(api) as client, WebhookSync(client, url(path), account="Oslo") as tables:
            for home in held(api):
                await tables.apply(event("property.updated", id=home))

    asyncio.run(apply())
    with pytest.raises(ConfigurationError):
        sync(other, path, account="Bergen")
    assert tombs(path) == set()
    assert set(stored(path)) == set(held(api))


@pytest.mark.parametrize(("ahead", "is_newer"), [(2, True), (299, True), (3600, False)])
def test_a_clock_that_is_a_little_ahead_is_believed(ahead: int, is_newer: bool) -> None:
    now = datetime(2026, 5, 1, 12, tzinfo=UTC)
    seen = now + timedelta(seconds=ahead)
    known = Known(content_hash="a", generation=1, updated_at=None, last_seen=seen, deleted_at=None)
    row = Row(id="p", content_hash="b", item={}, record=None, typed={}, updated_at=None)
    assert known.is_newer_than(row, now - timedelta(seconds=5), now) == is_newer


def test_one_property_without_a_calendar_does_not_hide_those_behind_it(path: Path) -> None:
    api = account(6)
    ids = sorted(held(api))
    api.intercept = lambda asked: (
        HttpResponse(status=404) if ids[2] in asked.target and "calendar" in asked.target else None
    )
    for _ in range(2):
        sync(api, path, resources=["calendar"], days_ahead=5, in_flight=1)
    assert {row["property_id"] for row in table(path, "calendar")} == {*ids} - {ids[2]}


def test_an_unreadable_record_in_the_sweep_does_not_keep_other_resources_from_being_read(path: Path) -> None:
    api = SandboxApi(10, reservations=5)
    sync(api, path, resources=["properties"])
    first = next(iter(held(api)))
    api.properties.delete(first)
    odd: Json = {"id": first, "name": "Home", "bedrooms": "many"}
    api.intercept = lambda asked: answer(odd) if asked.target.endswith(first) else None
    with pytest.raises(SetSmartError):
        sync(api, path, resources=["properties", "reservations"])
    assert len(table(path, "reservations")) == 5


def test_a_dry_run_counts_each_record_once(path: Path) -> None:
    totals = iter([24, *[25] * 50])
    pages = [homes(range(10)), homes(range(10, 20)), homes(range(20, 25))]
    assert sync(numbered(pages, totals), path, dry_run=True, in_flight=1).new == 25


def test_a_dry_run_on_an_older_layout_says_so(path: Path) -> None:
    sync(account(3), path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("ALTER TABLE setsmart_sync DROP COLUMN healed")
        connection.execute("UPDATE setsmart_sync SET layout = 1")
    with pytest.raises(ConfigurationError, match="older version"):
        sync(account(3), path, dry_run=True)


def test_numbers_that_can_not_be_meant_are_refused(path: Path) -> None:
    api = account(3)
    with pytest.raises(ConfigurationError, match="overlap"):
        sync(api, path, overlap=1e20)
    with pytest.raises(ConfigurationError, match="page_size"):
        sync(api, path, page_size=10**30)
    with pytest.raises(ConfigurationError, match="days_ahead"), suppress(TypeError):
        sync(api, path, days_ahead=4_000_000, resources=["calendar"])
