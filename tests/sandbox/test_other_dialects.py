"""A sandbox that speaks otherwise: every setting of a dialect, in memory, over HTTP and over HTTPS."""

from typing import Any

import pytest
from sandbox.asking import HOMES, VILLA, Opener

from setsmart_async.contract import Dialect
from setsmart_async.records.money import MoneyForm
from setsmart_async.wire import Json, JsonObject, decode_json

STAY: JsonObject = {"property_id": "prop_1", "check_in": "2026-01-01", "check_out": "2026-01-03"}


def test_other_paths(open_sandbox: Opener) -> None:
    paths = {
        "properties.list": "/homes",
        "properties.get": "/homes/{id}.json",
        "properties.update": "/homes/change-{id}",
        "reservations.cancel": "/cancellations/{id}",
    }
    sandbox = open_sandbox(dialect=Dialect(paths=paths))
    assert len(sandbox.read("GET", "/homes")["data"]) == 7
    assert sandbox.fail("GET", "/properties")[0] == 405  # where one may still create
    assert sandbox.read("GET", "/homes/prop_1.json") == HOMES[0]
    for odd in ("/homes/prop_1", "/homes/.json", "/homes/json"):
        assert sandbox.fail("GET", odd)[0] == 404
    assert sandbox.read("PUT", "/homes/change-prop_1", {"max_guests": 3})["max_guests"] == 3
    assert sandbox.fail("GET", "/homes/change-prop_1")[0] == 405
    booked = sandbox.read("POST", "/reservations", STAY)
    assert sandbox.read("POST", f"/cancellations/{booked['id']}", {"cancelled_by": "host"})["status"] == "cancelled"
    assert sandbox.api.statistics.by_operation["reservations.cancel"] == 1


def test_other_names_of_fields(open_sandbox: Opener) -> None:
    names = {"properties.max_guests": "accommodates", "properties.id": "ref", "calendar.min_stay": "least_nights"}
    sandbox = open_sandbox(dialect=Dialect(fields=names))
    asked = {name: value for name, value in VILLA.items() if name != "max_guests"}
    made = sandbox.read("POST", "/properties", {**asked, "accommodates": 6})
    assert (made["accommodates"], "max_guests" in made, "id" in made) == (6, False, False)
    assert sandbox.read("GET", f"/properties/{made['ref']}") == made
    assert sandbox.read("GET", "/properties?limit=200")["data"][-1] == made
    refused = sandbox.fail("POST", "/properties", {**VILLA, "accommodates": 0, "bedrooms": -1})
    assert refused[2] == {"accommodates": "invalid_value", "bedrooms": "invalid_value"}
    where = "/properties/prop_1/calendar"
    one_day = {"start_date": "2026-01-01", "end_date": "2026-01-01"}
    sandbox.read("PUT", where, {"days": [{**one_day, "least_nights": 4}]})
    day = sandbox.read("GET", f"{where}?start_date=2026-01-01&end_date=2026-01-01")["data"][0]
    assert (day["least_nights"], "min_stay" in day) == (4, False)
    wrong = {"days": [{**one_day, "least_nights": 0}]}
    assert sandbox.fail("PUT", where, wrong)[2] == {"days[0].least_nights": "invalid_value"}


def test_other_names_of_parameters(open_sandbox: Opener) -> None:
    names = {"properties.status": "state", "reservations.check_in_from": "arrival_after", "calendar.start_date": "from"}
    dialect = Dialect(
        parameters=names, cursor_parameter="after", page_parameter="number", page_size_parameter="per_page"
    )
    sandbox = open_sandbox(dialect=dialect)
    page = sandbox.read("GET", "/properties?per_page=3&state=active")
    assert [home["id"] for home in page["data"]] == ["prop_1", "prop_2", "prop_3"]
    after = sandbox.read("GET", f"/properties?per_page=3&after={page['next_cursor']}")["data"]
    assert [home["id"] for home in after] == ["prop_4", "prop_5", "prop_6"]
    assert len(sandbox.read("GET", "/properties?state=draft")["data"]) == 0
    refused = sandbox.fail("GET", "/properties?state=x&per_page=0&after=x&number=0")[2]
    assert refused == dict.fromkeys(("state", "per_page", "after", "number"), "invalid_value")
    assert sandbox.fail("GET", "/reservations?arrival_after=x")[2] == {"arrival_after": "invalid_value"}
    days = "/properties/prop_1/calendar?from=2026-01-01&end_date=2026-01-02"
    assert len(sandbox.read("GET", days)["data"]) == 2
    assert sandbox.fail("GET", "/properties/prop_1/calendar")[2] == {"from": "required", "end_date": "required"}


def test_links_are_in_the_servers_own_words(open_sandbox: Opener) -> None:
    dialect = Dialect(cursor_parameter="after", page_size_parameter="per_page", parameters={"properties.status": "st"})
    sandbox = open_sandbox(dialect=dialect, paging="link")
    link = sandbox.ask("GET", "/properties?per_page=3&st=active").headers["Link"]
    assert "per_page=3" in link
    assert "st=active" in link
    assert "after=" in link
    target = link.partition(">")[0].removeprefix(f"<{sandbox.origin}")
    assert [home["id"] for home in sandbox.read("GET", target)] == ["prop_4", "prop_5", "prop_6"]


@pytest.mark.parametrize("paging", ["cursor", "page", "offset", "link", "array"])
def test_other_envelopes(open_sandbox: Opener, paging: str) -> None:
    dialect = Dialect(items_key="rows", record_key="row", calendar_key="changes")
    sandbox = open_sandbox(dialect=dialect, paging=paging)
    assert sandbox.read("GET", "/properties")["rows"] == HOMES
    assert sandbox.read("GET", "/properties/prop_1") == {"row": HOMES[0]}
    made = sandbox.read("POST", "/properties", VILLA)["row"]
    assert sandbox.read("PUT", f"/properties/{made['id']}", {"max_guests": 9})["row"]["max_guests"] == 9
    where = "/properties/prop_1/calendar"
    change: JsonObject = {"start_date": "2026-01-01", "end_date": "2026-01-01", "available": False}
    sandbox.read("PUT", where, {"changes": [change]})
    days = sandbox.read("GET", f"{where}?start_date=2026-01-01&end_date=2026-01-01")
    assert days["rows"][0]["available"] is False
    assert sandbox.fail("PUT", where, {"days": [change]})[2] == {"changes": "required"}
    assert sandbox.fail("PUT", where, {"changes": [7]})[2] == {"changes[0]": "invalid_type"}


@pytest.mark.parametrize(
    ("money", "written"),
    [("string", "740.50"), ("number", 740.5), ("object", {"amount": "740.50", "currency": "EUR"})],
)
def test_other_forms_of_money(open_sandbox: Opener, money: MoneyForm, written: Json) -> None:
    sandbox = open_sandbox([{"id": "prop_1", "currency": "EUR"}], dialect=Dialect(money=money))
    booked = sandbox.read("POST", "/reservations", {**STAY, "total_amount": "740.50", "currency": "EUR"})
    assert booked["total_amount"] == written
    assert ("currency" in booked) == (money != "object")
    assert sandbox.read("GET", "/reservations")["data"] == [booked]
    again = sandbox.read("PUT", f"/reservations/{booked['id']}", {"total_amount": written})
    assert again["total_amount"] == written
    assert (
        sandbox.read("POST", f"/reservations/{booked['id']}/cancel", {"cancelled_by": "host"})["total_amount"]
        == written
    )
    where = "/properties/prop_1/calendar"
    change: JsonObject = {"start_date": "2026-01-01", "end_date": "2026-01-01", "nightly_rate": written}
    sandbox.read("PUT", where, {"days": [change]})
    day = sandbox.read("GET", f"{where}?start_date=2026-01-01&end_date=2026-01-01")["data"][0]
    assert day["nightly_rate"] == written


@pytest.mark.parametrize("amount", ["a lot", "1234567890123456.78", None])
def test_an_amount_that_has_no_number_is_shown_as_it_is(open_sandbox: Opener, amount: Json) -> None:
    sandbox = open_sandbox(
        reservations=[{**STAY, "id": "res_1", "total_amount": amount}], dialect=Dialect(money="number")
    )
    assert sandbox.read("GET", "/reservations/res_1")["total_amount"] == amount


def test_another_header_for_the_key(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(dialect=Dialect(api_key_header="Authorization"), api_keys=["Bearer-1"])
    assert sandbox.ask("GET", "/properties", key=None, headers={"authorization": "Bearer-1"}).status == 200
    answer = sandbox.ask("GET", "/properties", key="Bearer-1")
    error: Any = decode_json(answer.body)
    assert (answer.status, "Authorization" in error["error"]["message"]) == (401, True)


def test_updates_that_replace(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(dialect=Dialect(update_style="replace"))
    replaced = sandbox.read("PUT", "/properties/prop_1", {"name": "A", "address": "B"})
    assert "pool" not in replaced
    assert sandbox.fail("PUT", "/properties/prop_1", {"name": "A"})[2] == {"address": "required"}


def test_another_status_for_wrong_fields(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(invalid_status=422)
    assert sandbox.fail("POST", "/properties", {**VILLA, "name": 7}) == (
        422, "invalid_parameters", {"name": "invalid_type"},
    )  # fmt: skip
    assert sandbox.fail("PUT", "/properties/prop_1", {"name": None})[0] == 422
    assert sandbox.fail("POST", "/reservations", {})[0] == 422
    # What is wrong with the request itself stays a bad request.
    assert sandbox.fail("POST", "/properties", raw=b"{")[0] == 400
    assert sandbox.fail("GET", "/properties?limit=0")[0] == 400
