"""The sandbox's reservations, in memory, over HTTP and over HTTPS."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox.asking import HOMES, HandSetClock, Opener, Sandbox, in_memory

from setsmart_async.records.codec import decode_record
from setsmart_async.records.reservation import Reservation, ReservationStatus
from setsmart_async.sandbox.api import SandboxApi
from setsmart_async.sandbox.quota import QuotaRule, QuotaSimulator
from setsmart_async.wire import Json, JsonObject

STAY: JsonObject = {"property_id": "prop_1", "check_in": "2026-07-10", "check_out": "2026-07-14"}
GUEST: JsonObject = {"first_name": "Ada", "email": "ada@example.com"}
SEEDS: list[JsonObject] = [
    {
        "id": f"res_{day}",
        "property_id": f"prop_{1 + day % 2}",
        "status": "confirmed" if day % 3 else "cancelled",
        "check_in": f"2026-01-{day:02}",
        "check_out": f"2026-01-{day + 1:02}",
        "updated_at": f"2025-12-{day:02}T00:00:00Z",
    }
    for day in range(1, 11)
]


def ids(page: Any) -> list[str]:  # noqa: ANN401  JSON to look into
    return [record["id"] for record in page["data"]]


def test_a_stay_is_booked_and_found_again(open_sandbox: Opener) -> None:
    sandbox = open_sandbox()
    asked = {**STAY, "guest": GUEST, "adults": 2, "total_amount": "740.50", "currency": "EUR", "own": [1]}
    booked = sandbox.read("POST", "/reservations", {**asked, "id": "mine", "cancelled_at": "2020-01-01T00:00:00Z"})
    now = "2023-11-14T22:13:20Z"
    assert booked == {**asked, "id": booked["id"], "status": "confirmed", "created_at": now, "updated_at": now}
    assert booked["id"] != "mine"
    assert sandbox.read("GET", f"/reservations/{booked['id']}") == booked
    assert sandbox.read("GET", "/reservations")["data"] == [booked]
    assert decode_record(Reservation, booked).nights == 4


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({}, dict.fromkeys(STAY, "required")),
        ({**STAY, "check_in": None}, {"check_in": "required"}),
        ({**STAY, "check_in": 7, "check_out": "soon"}, {"check_in": "invalid_type", "check_out": "invalid_value"}),
        ({**STAY, "check_in": "2026-02-30"}, {"check_in": "invalid_value"}),
        ({**STAY, "check_in": "2026-W28-5"}, {"check_in": "invalid_value"}),
        ({**STAY, "check_in": "2026-07-10T12:00:00Z"}, {"check_in": "invalid_value"}),
        ({**STAY, "check_out": STAY["check_in"]}, {"check_out": "invalid_value"}),
        ({**STAY, "check_out": "2026-07-09"}, {"check_out": "invalid_value"}),
        ({**STAY, "status": "perhaps", "adults": -1}, {"status": "invalid_value", "adults": "invalid_value"}),
        ({**STAY, "children": 1.5, "pets": True}, {"children": "invalid_type", "pets": "invalid_type"}),
        (
            {**STAY, "total_amount": "lots", "currency": "euro"},
            {"total_amount": "invalid_value", "currency": "invalid_value"},
        ),
        ({**STAY, "total_amount": "-1.00"}, {"total_amount": "invalid_value"}),
        ({**STAY, "total_amount": {"cents": 5}}, {"total_amount": "invalid_type"}),
        ({**STAY, "guest": "Ada"}, {"guest": "invalid_type"}),
        ({**STAY, "guest": {"email": 7}}, {"guest.email": "invalid_type"}),
        ({**STAY, "notes": ["x"], "channel": ""}, {"notes": "invalid_type", "channel": "invalid_value"}),
    ],
)  # fmt: skip
def test_a_stay_that_can_not_be_is_refused(open_sandbox: Opener, fields: JsonObject, errors: dict[str, str]) -> None:
    sandbox = open_sandbox()
    assert sandbox.fail("POST", "/reservations", fields) == (400, "invalid_parameters", errors)
    assert len(sandbox.api.reservations.store) == 0


def test_a_stay_in_a_home_that_there_is_not_is_unprocessable(open_sandbox: Opener) -> None:
    sandbox = open_sandbox()
    refused = (422, "invalid_parameters", {"property_id": "not_found"})
    assert sandbox.fail("POST", "/reservations", {**STAY, "property_id": "prop_99"}) == refused
    booked = sandbox.read("POST", "/reservations", STAY)
    assert sandbox.fail("PUT", f"/reservations/{booked['id']}", {"property_id": "prop_99"}) == refused


@pytest.mark.parametrize("sent", ["740.50", 740.5, {"amount": "740.50", "currency": "EUR"}])
def test_every_form_of_money_is_read_and_kept_as_text(open_sandbox: Opener, sent: Json) -> None:
    booked = open_sandbox().read("POST", "/reservations", {**STAY, "total_amount": sent, "currency": "EUR"})
    assert (float(booked["total_amount"]), type(booked["total_amount"])) == (740.5, str)
    assert booked["currency"] == "EUR"


@pytest.mark.parametrize(
    ("check_in", "check_out", "taken"),
    [
        ("2026-07-01", "2026-07-10", False),  # leaves on the day that the other arrives
        ("2026-07-14", "2026-07-20", False),
        ("2026-07-13", "2026-07-14", True),
        ("2026-07-01", "2026-07-11", True),
        ("2026-07-01", "2026-08-01", True),
        ("2026-07-11", "2026-07-12", True),
    ],
)
def test_no_night_is_sold_twice(open_sandbox: Opener, check_in: str, check_out: str, taken: bool) -> None:
    sandbox = open_sandbox()
    sandbox.read("POST", "/reservations", STAY)
    other = {**STAY, "check_in": check_in, "check_out": check_out}
    sandbox.read("POST", "/reservations", {**other, "property_id": "prop_2"})
    sandbox.read("POST", "/reservations", {**other, "status": "inquiry"})
    assert sandbox.ask("POST", "/reservations", other).status == (409 if taken else 200)
    if taken:
        assert sandbox.fail("POST", "/reservations", other) == (409, "nights_taken", {})


def test_an_update_merges_and_is_held_against_the_others(open_sandbox: Opener) -> None:
    sandbox = open_sandbox()
    sandbox.read("POST", "/reservations", STAY)
    second = sandbox.read(
        "POST", "/reservations", {**STAY, "check_in": "2026-07-20", "check_out": "2026-07-22", "notes": "late"}
    )
    where = f"/reservations/{second['id']}"
    sandbox.clock.now += 60
    longer = sandbox.read("PUT", where, {"check_out": "2026-07-25", "notes": None})
    assert longer == {**second, "check_out": "2026-07-25", "notes": None, "updated_at": "2023-11-14T22:14:20Z"}
    assert sandbox.fail("PUT", where, {"check_in": "2026-07-13"})[:2] == (409, "nights_taken")
    assert sandbox.fail("PUT", where, {"check_in": "2026-07-26"})[2] == {"check_out": "invalid_value"}
    assert sandbox.fail("PUT", where, {"check_in": None, "status": None})[2] == {
        "check_in": "required", "status": "required",
    }  # fmt: skip
    assert sandbox.read("GET", where) == longer


def test_an_update_can_cancel_too(open_sandbox: Opener) -> None:
    sandbox = open_sandbox()
    booked = sandbox.read("POST", "/reservations", STAY)
    where = f"/reservations/{booked['id']}"
    cancelled = sandbox.read("PUT", where, {"status": "cancelled"})
    assert (cancelled["status"], cancelled["cancelled_at"]) == ("cancelled", "2023-11-14T22:13:20Z")
    sandbox.clock.now += 60
    assert sandbox.read("PUT", where, {"status": "cancelled"})["cancelled_at"] == cancelled["cancelled_at"]


def test_an_update_can_replace(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(put_replaces=True)
    booked = sandbox.read("POST", "/reservations", {**STAY, "notes": "late"})
    where = f"/reservations/{booked['id']}"
    assert sandbox.fail("PUT", where, {"adults": 2})[2] == dict.fromkeys(STAY, "required")
    replaced = sandbox.read("PUT", where, {**STAY, "adults": 2})
    assert replaced == {**{name: booked[name] for name in booked if name != "notes"}, "adults": 2}


def test_a_cancelled_stay_frees_its_nights_and_stays_as_a_tombstone(open_sandbox: Opener) -> None:
    sandbox = open_sandbox()
    booked = sandbox.read("POST", "/reservations", STAY)
    sandbox.clock.now += 60
    where = f"/reservations/{booked['id']}/cancel"
    cancelled = sandbox.read("POST", where, {"cancelled_by": "guest", "reason": "ill"})
    assert cancelled == {
        **booked,
        "status": "cancelled",
        "cancelled_by": "guest",
        "cancellation_reason": "ill",
        "cancelled_at": "2023-11-14T22:14:20Z",
        "updated_at": "2023-11-14T22:14:20Z",
    }
    assert sandbox.read("GET", f"/reservations/{booked['id']}") == cancelled
    assert sandbox.fail("POST", where, {"cancelled_by": "guest"}) == (409, "not_cancellable", {})
    assert sandbox.fail("DELETE", f"/reservations/{booked['id']}")[0] == 405
    sandbox.read("POST", "/reservations", STAY)


@pytest.mark.parametrize("body", [{}, {"cancelled_by": "cat"}, {"cancelled_by": None}])
def test_who_cancels_has_to_be_said(open_sandbox: Opener, body: JsonObject) -> None:
    sandbox = open_sandbox()
    booked = sandbox.read("POST", "/reservations", STAY)
    refused = sandbox.fail("POST", f"/reservations/{booked['id']}/cancel", body)
    assert refused == (400, "invalid_parameters", {"cancelled_by": "invalid_value"})
    assert sandbox.read("GET", f"/reservations/{booked['id']}")["status"] == "confirmed"


def test_what_is_cancelled_or_over_can_not_be_cancelled(open_sandbox: Opener) -> None:
    seeds: list[JsonObject] = [
        {**STAY, "id": f"res_{status}", "status": status} for status in ("cancelled", "canceled", "checked_out")
    ]
    sandbox = open_sandbox(reservations=seeds)
    for seed in seeds:
        assert sandbox.fail("POST", f"/reservations/{seed['id']}/cancel", {"cancelled_by": "host"})[0] == 409
    assert sandbox.fail("POST", "/reservations/none/cancel", {"cancelled_by": "host"})[0] == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("property_id=prop_1", [2, 4, 6, 8, 10]),
        ("property_id=none", []),
        ("status=cancelled", [3, 6, 9]),
        ("check_in_from=2026-01-08", [8, 9, 10]),
        ("check_in_to=2026-01-02", [1, 2]),
        ("check_out_from=2026-01-10", [9, 10]),
        ("check_out_to=2026-01-03", [1, 2]),
        ("updated_since=2025-12-09T00:00:00Z", [9, 10]),
        ("status=confirmed&property_id=prop_2&check_in_from=2026-01-02&check_in_to=2026-01-07", [5, 7]),
    ],
)
def test_the_filters(open_sandbox: Opener, query: str, found: list[int]) -> None:
    page = open_sandbox(reservations=SEEDS).read("GET", f"/reservations?{query}")
    assert ids(page) == [f"res_{number}" for number in found]
    assert page["total"] == len(found)


def test_filters_that_can_not_be_are_named(open_sandbox: Opener) -> None:
    names = ("status", "check_in_from", "check_in_to", "check_out_from", "check_out_to", "updated_since", "limit")
    query = "&".join(f"{name}=x" for name in names)
    refused = open_sandbox().fail("GET", f"/reservations?{query}")
    assert refused == (400, "invalid_parameters", dict.fromkeys(names, "invalid_value"))


days = st.integers(1, 28)
wishes = st.lists(
    st.tuples(days, days, st.sampled_from(["prop_1", "prop_2"]), st.sampled_from(sorted(ReservationStatus.members))),
    max_size=15,
)


@given(wishes=wishes, changes=st.lists(st.tuples(st.integers(0, 14), days, days), max_size=8))
def test_whatever_is_asked_no_night_is_taken_twice(
    wishes: list[tuple[int, int, str, str]], changes: list[tuple[int, int, int]]
) -> None:
    api = SandboxApi(HOMES, clock=HandSetClock(), quota=QuotaSimulator(QuotaRule(10**6)))
    sandbox = in_memory(api, HandSetClock())
    for first, last, home, status in wishes:
        dates = {"check_in": f"2026-01-{first:02}", "check_out": f"2026-01-{last:02}"}
        answer = sandbox.ask("POST", "/reservations", {**dates, "property_id": home, "status": status})
        assert answer.status in (200, 400, 409)
    for number, first, last in changes:
        dates = {"check_in": f"2026-01-{first:02}", "check_out": f"2026-01-{last:02}"}
        assert sandbox.ask("PUT", f"/reservations/res_new_{number + 1}", dates).status in (200, 400, 404, 409)
    assert no_night_is_taken_twice(sandbox)


def no_night_is_taken_twice(sandbox: Sandbox) -> bool:
    nights: list[tuple[str, Any]] = []
    for record in sandbox.api.reservations.store:
        stay = decode_record(Reservation, record)
        if stay.blocks_calendar:
            nights.extend((stay.property_id, stay.check_in.toordinal() + night) for night in range(stay.nights))
    return len(nights) == len(set(nights))
