"""Every resource in a table of its own, its columns typed, in either database."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sync import looking
from sync.scene import Impatient, answer, stored, sync, table, url

from setsmart_async import (
    ConfigurationError,
    HttpRequest,
    HttpResponse,
    InvalidResponseError,
    NotFoundError,
    PermissionDeniedError,
    SyncIncompleteError,
)
from setsmart_async.sandbox.api import SandboxApi
from setsmart_async.sandbox.quota import QuotaRule, QuotaSimulator
from setsmart_async.sync import ResourceName
from setsmart_async.wire import JsonObject

ALL: tuple[ResourceName, ...] = ("properties", "reservations", "calendar", "conversations")


class NewYear(Impatient):
    """It is noon on the first of January 2026."""

    wall = staticmethod(lambda: datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp())


def account(homes: int = 12, stays: int = 8) -> SandboxApi:
    return SandboxApi(homes, reservations=stays, quota=QuotaSimulator(QuotaRule(limit=10**6, window=3600)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "setsmart.db"


def test_all_of_it_lands_and_a_second_run_finds_nothing_new(database: str, tmp_path: Path) -> None:
    api = account()
    for run in (1, 2):
        result = sync(api, tmp_path, to=database, resources=ALL, days_ahead=10, clock=NewYear())
        assert list(result.resources) == list(ALL)
        counts = {name: (each.records, each.new, each.unchanged) for name, each in result.resources.items()}
        assert counts == {
            name: (records, records * (run == 1), records * (run == 2))
            for name, records in (("properties", 12), ("reservations", 8), ("calendar", 120), ("conversations", 8))
        }
    assert looking.live(database) == {record["id"]: record for record in api.properties}
    assert looking.live(database, "reservations") == {record["id"]: record for record in api.reservations.store}
    assert looking.live(database, "conversations") == {record["id"]: record for record in api.conversations.store}
    days = looking.rows(database, "calendar")
    assert len({(day["property_id"], str(day["date"])) for day in days}) == 120
    assert {day["id"] for day in days} >= {f"{record['id']}/2026-01-09" for record in api.properties}


STAY: JsonObject = {
    "id": "res_1",
    "property_id": "prop_1",
    "check_in": "2026-12-24",
    "check_out": "2026-12-27",
    "status": "canceled",
    "guest": {"id": "g1", "first_name": "Kari", "email": "kari@example.com", "vip": True},
    "adults": 2,
    "total_amount": "1000000000000000.10",
    "currency": "NOK",
    "notes": "a\0b",
    "cancelled_at": "2026-01-31T12:00:00+01:00",
}


def stays_alone(request: HttpRequest) -> HttpResponse:
    return answer([STAY])


def test_money_is_exact_days_are_days_and_times_are_aware_in_postgresql(postgresql: str, tmp_path: Path) -> None:
    sync(stays_alone, tmp_path, to=postgresql, resources=["reservations"])
    [row] = looking.rows(postgresql, "reservations")
    assert (row["check_in"], row["check_out"]) == (date(2026, 12, 24), date(2026, 12, 27))
    assert row["total_amount"] == Decimal("1000000000000000.10")
    assert row["cancelled_at"] == datetime(2026, 1, 31, 11, tzinfo=UTC)
    assert (row["status"], row["adults"], row["guest_first_name"], row["guest_email"]) == (
        *("cancelled", 2, "Kari", "kari@example.com"),
    )
    assert row["notes"] == "a\N{REPLACEMENT CHARACTER}b"  # PostgreSQL's texts hold no NUL; `raw` has it, escaped
    assert looking.live(postgresql, "reservations") == {"res_1": STAY}


def test_money_is_a_text_in_sqlite_that_no_float_has_touched(path: Path) -> None:
    sync(stays_alone, path, resources=["reservations"])
    [row] = table(path, "reservations")
    assert row["total_amount"] == "1000000000000000.10"
    assert (row["check_in"], row["cancelled_at"]) == ("2026-12-24", "2026-01-31 11:00:00.000000")
    with closing(sqlite3.connect(path)) as connection:
        kinds = {name: kind for _, name, kind, *_ in connection.execute("PRAGMA table_info(reservations)")}
    assert (kinds["total_amount"], kinds["check_in"], kinds["adults"], kinds["cancelled_at"]) == (
        *("TEXT", "DATE", "INTEGER", "DATETIME"),
    )


def test_when_nothing_is_named_what_the_account_does_not_offer_is_skipped(path: Path) -> None:
    api = account()

    def intercept(request: HttpRequest) -> HttpResponse | None:
        statuses = {"/reservations": 404, "/conversations": 403}
        status = next((status for start, status in statuses.items() if request.target.startswith(start)), None)
        return None if status is None else HttpResponse(status=status)

    api.intercept = intercept
    result = sync(api, path, resources=None)
    assert list(result.resources) == ["properties"]
    assert result.skipped == {"reservations": 404, "conversations": 403}
    assert len(stored(path)) == 12


@pytest.mark.parametrize(("status", "error"), [(404, NotFoundError), (403, PermissionDeniedError)])
def test_what_was_named_is_an_error_after_all_others_were_read(path: Path, status: int, error: type[Exception]) -> None:
    api = account()
    api.intercept = lambda r: HttpResponse(status=status) if r.target.startswith("/reservations") else None
    with pytest.raises(error):
        sync(api, path, resources=["reservations", "conversations"])
    assert len(stored(path, "conversations")) == 8


@pytest.mark.parametrize("status", [403, 404])
def test_a_resource_that_breaks_off_is_not_skipped(path: Path, status: int) -> None:
    api = account(stays=30)
    api.intercept = lambda r: (
        HttpResponse(status=status) if r.target.startswith("/reservations") and "cursor" in r.target else None
    )
    with pytest.raises((NotFoundError, PermissionDeniedError)):
        sync(api, path, resources=None)
    assert (len(stored(path)), len(stored(path, "reservations")), len(stored(path, "conversations"))) == (12, 10, 30)


def test_an_account_without_properties_at_all_is_an_error(path: Path) -> None:
    with pytest.raises(NotFoundError):
        sync(lambda _: HttpResponse(status=404), path, resources=None)


def test_one_resource_that_can_not_be_complete_does_not_keep_the_others_from_it(path: Path) -> None:
    api = account()

    def intercept(request: HttpRequest) -> HttpResponse | None:
        return answer([{"id": "a", "name": 7}]) if request.target.startswith("/properties") else None

    api.intercept = intercept
    with pytest.raises(SyncIncompleteError, match="Unusable answer"):
        sync(api, path, resources=None)
    assert len(stored(path, "reservations")) == 8


@pytest.mark.parametrize("resources", [[], ["homes"], ["properties", "guests"]])  # as an untyped program may
def test_names_that_are_none(path: Path, resources: list[ResourceName]) -> None:
    with pytest.raises(ConfigurationError, match="What can be synced: properties, reservations, calendar"):
        sync(account(), path, resources=resources)


def test_calendars_bring_their_properties_and_go_on_property_by_property(path: Path) -> None:
    api, asked = account(homes=9), list[str]()

    def cut_off(request: HttpRequest) -> HttpResponse | None:
        if "/calendar" in request.target:
            asked.append(request.target.split("/")[2])
            return HttpResponse(status=403) if len(asked) == 6 else None
        return None

    api.intercept = cut_off
    with pytest.raises(PermissionDeniedError):
        sync(api, path, resources=["calendar"], days_ahead=4, in_flight=1, clock=NewYear())
    assert asked == sorted(str(record["id"]) for record in api.properties)[:6]
    assert len(table(path, "calendar")) == 5 * 4
    api.intercept = None
    result = sync(api, path, resources=["calendar"], days_ahead=4, in_flight=1, clock=NewYear())
    assert (result.resources["calendar"].resumed_from, result.resources["calendar"].new) == (20, 16)
    assert len(table(path, "calendar")) == 9 * 4


def test_a_calendar_is_asked_for_in_chunks_and_a_change_is_noticed(path: Path) -> None:
    api, asked = account(homes=1, stays=0), list[str]()
    home = str(next(iter(api.properties))["id"])

    def push(days: dict[str, Any]) -> None:
        body = {"days": [{"start_date": "2026-01-02", "end_date": "2026-01-03", **days}]}

        async def send() -> None:
            from setsmart_async import MemoryTransport, SetSmart
            from setsmart_async.sandbox.api import SANDBOX_API_KEY

            async with SetSmart(
                SANDBOX_API_KEY, base_url="http://127.0.0.1:1/v1", transport=MemoryTransport(api.handle)
            ) as client:
                await client.request("PUT", "/properties/{id}/calendar", id=home, body=body)

        asyncio.run(send())

    def intercept(request: HttpRequest) -> None:
        if request.method == "GET" and "calendar" in request.target:
            asked.append(request.target.partition("?")[2])

    api.intercept = intercept
    sync(api, path, resources=["calendar"], days_ahead=10, days_per_request=4, clock=NewYear())
    assert asked == [
        "start_date=2025-12-31&end_date=2026-01-03",
        "start_date=2026-01-04&end_date=2026-01-07",
        "start_date=2026-01-08&end_date=2026-01-09",
    ]
    push({"nightly_rate": "1850.00", "available": False})
    result = sync(api, path, resources=["calendar"], days_ahead=10, clock=NewYear())
    assert (result.resources["calendar"].changed, result.resources["calendar"].unchanged) == (2, 8)
    changed = [row for row in table(path, "calendar") if row["nightly_rate"] == "1850.00"]
    assert [(row["date"], row["available"]) for row in changed] == [("2026-01-02", 0), ("2026-01-03", 0)]


def test_the_calendar_of_a_home_that_has_gone_meanwhile_is_no_failure(path: Path) -> None:
    api = account(homes=3)
    first = min(str(record["id"]) for record in api.properties)

    def intercept(request: HttpRequest) -> None:
        if "calendar" in request.target:
            api.properties.delete(first)

    api.intercept = intercept
    result = sync(api, path, resources=["calendar"], days_ahead=2, clock=NewYear())
    assert result.resources["calendar"].records == 4


def test_an_api_without_calendars_is_an_error_that_says_so(path: Path) -> None:
    api = account(homes=3)
    api.intercept = lambda request: HttpResponse(status=404) if "calendar" in request.target else None
    with pytest.raises(NotFoundError, match=r"calendar"):
        sync(api, path, resources=["calendar"], clock=NewYear())


@pytest.mark.parametrize("id_", ["a\0b"])
def test_an_id_that_no_database_holds(path: Path, id_: str) -> None:
    with pytest.raises(SyncIncompleteError) as caught:
        sync(lambda _: answer([{"id": id_, "name": "A"}]), path)
    assert isinstance(caught.value.__cause__, InvalidResponseError)


def test_a_database_of_one_account_takes_no_other_resource_of_another(path: Path) -> None:
    sync(account(), path, resources=["reservations"], account="Oslo")
    with pytest.raises(ConfigurationError, match="'Oslo', not 'Bergen'"):
        sync(account(), path, resources=["properties"], account="Bergen")
    assert url(path).endswith("setsmart.db")
