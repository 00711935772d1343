"""The sandbox's calendars, in memory, over HTTP and over HTTPS."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox.asking import HOMES, HandSetClock, Opener, in_memory

from setsmart_async.records.calendar_day import CalendarDay
from setsmart_async.records.codec import decode_records
from setsmart_async.sandbox.api import SandboxApi
from setsmart_async.sandbox.quota import QuotaRule, QuotaSimulator
from setsmart_async.wire import Json, JsonObject

HOME: JsonObject = {"id": "prop_1", "nightly_price": "185.00", "currency": "EUR", "minimum_nights": 2}
OPEN: JsonObject = {"available": True, "nightly_rate": "185.00", "currency": "EUR", "min_stay": 2}
WHERE = "/properties/prop_1/calendar"


A_YEAR: list[Json] = [{"start_date": "2026-01-01", "end_date": "2026-12-31", "available": False}]


def a_range(start: str, end: str, **fields: Json) -> JsonObject:
    return {"days": [{"start_date": start, "end_date": end, **fields}]}


def days_of(sandbox: Any, start: str, end: str) -> list[Any]:  # noqa: ANN401  JSON to look into
    found: list[Any] = sandbox.read("GET", f"{WHERE}?start_date={start}&end_date={end}")["data"]
    return found


def test_days_that_nobody_touched_are_open_at_the_homes_price(open_sandbox: Opener) -> None:
    days = days_of(open_sandbox([HOME]), "2024-02-28", "2024-03-01")
    assert days == [{"date": day, **OPEN} for day in ("2024-02-28", "2024-02-29", "2024-03-01")]
    assert decode_records(CalendarDay, days)[1].date == date(2024, 2, 29)


def test_both_ends_are_included(open_sandbox: Opener) -> None:
    assert len(days_of(open_sandbox([HOME]), "2026-01-01", "2026-01-01")) == 1


def test_what_is_pushed_lies_over_what_was_there(open_sandbox: Opener) -> None:
    sandbox = open_sandbox([HOME, HOMES[1]])
    pushed = sandbox.read("PUT", WHERE, a_range("2026-01-02", "2026-01-03", nightly_rate="200.00", note="fair"))
    assert pushed == {"updated_days": 2}
    sandbox.read("PUT", WHERE, a_range("2026-01-03", "2026-01-04", available=False, min_stay=5, note=None))
    assert days_of(sandbox, "2026-01-01", "2026-01-05") == [
        {"date": "2026-01-01", **OPEN},
        {"date": "2026-01-02", **OPEN, "nightly_rate": "200.00", "note": "fair"},
        {"date": "2026-01-03", **OPEN, "nightly_rate": "200.00", "note": None, "available": False, "min_stay": 5},
        {"date": "2026-01-04", **OPEN, "note": None, "available": False, "min_stay": 5},
        {"date": "2026-01-05", **OPEN},
    ]
    other = sandbox.read("GET", "/properties/prop_2/calendar?start_date=2026-01-03&end_date=2026-01-03")["data"]
    assert other[0]["available"] is True


def test_ranges_of_one_push_are_laid_on_in_turn(open_sandbox: Opener) -> None:
    sandbox = open_sandbox([HOME])
    ranges = [
        {"start_date": "2026-01-01", "end_date": "2026-01-03", "min_stay": 3},
        {"start_date": "2026-01-02", "end_date": "2026-01-04", "max_stay": 9},
        {"start_date": "2026-01-02", "end_date": "2026-01-02", "min_stay": 7},
    ]
    assert sandbox.read("PUT", WHERE, {"days": ranges}) == {"updated_days": 4}
    days = days_of(sandbox, "2026-01-01", "2026-01-04")
    assert [(day["min_stay"], day.get("max_stay")) for day in days] == [(3, None), (7, 9), (3, 9), (2, 9)]


def test_a_push_can_be_taken_on_for_later(open_sandbox: Opener) -> None:
    sandbox = open_sandbox([HOME], calendar_accepts_later=True)
    assert sandbox.ask("PUT", WHERE, a_range("2026-01-02", "2026-01-02", available=False)).status == 202
    assert days_of(sandbox, "2026-01-02", "2026-01-02")[0]["available"] is False


def test_a_booked_night_is_not_available_whatever_is_pushed(open_sandbox: Opener) -> None:
    sandbox = open_sandbox([HOME])
    stay = {"property_id": "prop_1", "check_in": "2026-01-02", "check_out": "2026-01-04"}
    booked = sandbox.read("POST", "/reservations", stay)
    sandbox.read("PUT", WHERE, a_range("2026-01-01", "2026-01-05", available=True, reservation_id="res_other"))
    days = days_of(sandbox, "2026-01-01", "2026-01-05")
    assert [day["available"] for day in days] == [True, False, False, True, True]
    assert [day.get("reservation_id") for day in days] == [None, booked["id"], booked["id"], None, None]
    sandbox.read("POST", f"/reservations/{booked['id']}/cancel", {"cancelled_by": "guest"})
    assert all(day["available"] for day in days_of(sandbox, "2026-01-01", "2026-01-05"))


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("", {"start_date": "required", "end_date": "required"}),
        ("?start_date=2026-01-01", {"end_date": "required"}),
        ("?start_date=x&end_date=20260101", {"start_date": "invalid_value", "end_date": "invalid_value"}),
        ("?start_date=2026-01-02&end_date=2026-01-01", {"end_date": "invalid_value"}),
        ("?start_date=2026-01-01&end_date=2028-01-02", {"end_date": "invalid_value"}),
    ],
)
def test_a_range_that_can_not_be_asked_is_refused(open_sandbox: Opener, query: str, errors: dict[str, str]) -> None:
    assert open_sandbox([HOME]).fail("GET", f"{WHERE}{query}") == (400, "invalid_parameters", errors)


def test_two_years_are_the_most(open_sandbox: Opener) -> None:
    assert len(days_of(open_sandbox([HOME]), "2026-01-01", "2028-01-01")) == 731


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"days": "required"}),
        ({"days": []}, {"days": "required"}),
        ({"days": {"start_date": "2026-01-01"}}, {"days": "required"}),
        ({"days": ["2026-01-01"]}, {"days[0]": "invalid_type"}),
        ({"days": [{}]}, {"days[0].start_date": "required", "days[0].end_date": "required"}),
        (a_range("2026-01-02", "2026-01-01"), {"days[0].end_date": "invalid_value"}),
        (a_range("2026-01-01", "2030-01-01"), {"days[0].end_date": "invalid_value"}),
        (
            a_range("2026-01-01", "x", min_stay=0),
            {"days[0].end_date": "invalid_value", "days[0].min_stay": "invalid_value"},
        ),
        (a_range("2026-01-01", "2026-01-01", available="no"), {"days[0].available": "invalid_type"}),
        (a_range("2026-01-01", "2026-01-01", nightly_rate="cheap"), {"days[0].nightly_rate": "invalid_value"}),
        ({"days": A_YEAR * 3}, {"days": "invalid_value"}),
    ],
)  # fmt: skip
def test_a_push_that_can_not_be_changes_nothing(open_sandbox: Opener, body: JsonObject, errors: dict[str, str]) -> None:
    sandbox = open_sandbox([HOME])
    before = days_of(sandbox, "2026-01-01", "2026-01-05")
    assert sandbox.fail("PUT", WHERE, body) == (400, "invalid_parameters", errors)
    if isinstance(days := body.get("days"), list):
        assert sandbox.ask("PUT", WHERE, {"days": [*A_YEAR, *days, {}]}).status == 400
    assert days_of(sandbox, "2026-01-01", "2026-01-05") == before


def test_the_calendar_of_a_home_that_there_is_not(open_sandbox: Opener) -> None:
    sandbox = open_sandbox([HOME])
    assert sandbox.fail("GET", "/properties/nope/calendar?start_date=2026-01-01&end_date=2026-01-02")[0] == 404
    assert sandbox.fail("PUT", "/properties/nope/calendar", a_range("2026-01-01", "2026-01-02"))[0] == 404


FIRST = date(2026, 1, 1)
pushes = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(1, 9)), max_size=12)


@given(pushes=pushes)
def test_pushes_are_laid_over_each_other_day_by_day(pushes: list[tuple[int, int, int]]) -> None:
    sandbox = in_memory(
        SandboxApi([HOME], clock=HandSetClock(), quota=QuotaSimulator(QuotaRule(10**6))), HandSetClock()
    )
    expected = dict.fromkeys(range(31), 2)
    for first, last, nights in pushes:
        start, end = (FIRST + timedelta(days=number) for number in (first, last))
        answer = sandbox.ask("PUT", WHERE, a_range(str(start), str(end), min_stay=nights))
        assert answer.status == (200 if first <= last else 400)
        expected |= dict.fromkeys(range(first, last + 1), nights)
    days = days_of(sandbox, "2026-01-01", "2026-01-31")
    assert [day["min_stay"] for day in days] == list(expected.values())
