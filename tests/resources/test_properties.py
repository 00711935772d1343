"""What a resource asks for, and what it makes of the answers: with an engine that only answers."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, TypeVar, get_type_hints

import attrs
import pytest
from resources.fake_engine import FakeEngine, always, run

from setsmart_async import (
    UNSET,
    CallOptions,
    Dialect,
    InvalidResponseError,
    Listing,
    NewProperty,
    NewReservation,
    NewWebhookSubscription,
    NotFoundError,
    Priority,
    Property,
    PropertyChanges,
    PropertyStatus,
    Reply,
    Reservation,
    ReservationChanges,
    Result,
    WebhookSubscription,
    WebhookSubscriptionChanges,
)
from setsmart_async.contract import CONTRACT
from setsmart_async.engine.call import Call
from setsmart_async.resources.properties import Properties
from setsmart_async.wire import Json, JsonObject

T = TypeVar("T")
VILLA: JsonObject = {"id": "prop_123", "name": "Villa", "address": "123 Ocean Drive", "bedrooms": 3, "pool": True}
NEEDED: dict[str, Any] = {"name": "Villa", "address": "1 Shore Road", "bedrooms": 3, "bathrooms": 2, "max_guests": 6}


def all_of(listing: Listing[Property]) -> list[Property]:
    return run(listing.all())


def test_get_asks_for_one_record_and_reads_it() -> None:
    engine = always(VILLA)
    villa = run(engine.properties().get("prop_123"))
    assert (villa.id, villa.bedrooms, villa.extra) == ("prop_123", 3, {"pool": True})
    assert engine.requests == [("GET", "/properties/prop_123")]
    assert engine.calls[0].body is None
    assert engine.calls[0].operation is CONTRACT["properties.get"]


def test_an_id_is_one_segment() -> None:
    engine = always({**VILLA, "id": "../{id}?x=/#"})
    run(engine.properties().get("../{id}?x=/#"))
    assert engine.requests == [("GET", "/properties/..%2F%7Bid%7D%3Fx%3D%2F%23")]


CALLS_WITH_AN_ID: dict[str, Callable[[Properties, str], Coroutine[Any, Any, object]]] = {
    "get": lambda properties, one: properties.get(one),
    "delete": lambda properties, one: properties.delete(one),
    "update": lambda properties, one: properties.update(one, bedrooms=1),
}


@pytest.mark.parametrize("one", ["", ".", "..", "a\r\nb", "x" * 10_000])
@pytest.mark.parametrize("call", CALLS_WITH_AN_ID.values(), ids=list(CALLS_WITH_AN_ID))
def test_an_id_that_can_be_none_is_refused_before_anything_is_sent(
    call: Callable[[Properties, str], Coroutine[Any, Any, object]], one: str
) -> None:
    engine = always(VILLA)
    with pytest.raises(ValueError, match="An id must"):
        run(call(engine.properties(), one))
    assert engine.calls == []


@pytest.mark.parametrize("name", ["get", "update"])
def test_another_record_than_the_one_asked_for_is_an_error(name: str) -> None:
    with pytest.raises(InvalidResponseError, match="another record") as caught:
        run(CALLS_WITH_AN_ID[name](always(VILLA).properties(), "prop_999"))
    assert caught.value.path == "$.id"
    assert "prop_" not in str(caught.value)


def test_an_id_of_another_type_is_called_so() -> None:
    with pytest.raises(InvalidResponseError, match=r"\$\.id: expected a text"):
        run(always({**VILLA, "id": 123}).properties().get("123"))


RECORDS: dict[str, Json] = {
    "bare, as documented": VILLA,
    "under data": {"data": VILLA, "meta": {}},
    "with data of its own": {**VILLA, "data": {"id": "other"}},
}


@pytest.mark.parametrize("body", RECORDS.values(), ids=list(RECORDS))
def test_where_a_record_stands(body: Json) -> None:
    assert run(always(body).properties().get("prop_123")).id == "prop_123"


NO_RECORDS: dict[str, bytes | Json] = {
    "a list": [VILLA],
    "null": None,
    "empty": b"",
    "HTML": b"<html>",
    "no id": {"name": "Villa"},
    "an error": {"error": "no"},
    "data that is a list": {"data": [VILLA]},
}


@pytest.mark.parametrize("body", NO_RECORDS.values(), ids=list(NO_RECORDS))
def test_what_is_no_record_is_an_error(body: bytes | Json) -> None:
    with pytest.raises(InvalidResponseError):
        run(always(body).properties().get("prop_123"))


def test_a_wrong_field_under_data_is_named_by_its_whole_path() -> None:
    with pytest.raises(InvalidResponseError) as caught:
        run(always({"data": {**VILLA, "bedrooms": "3"}}).properties().get("prop_123"))
    assert caught.value.path == "$.data.bedrooms"


def test_create_sends_what_was_passed_and_reads_the_answer() -> None:
    engine = always(VILLA)
    villa = run(engine.properties().create(**NEEDED, status=PropertyStatus.DRAFT, extra={"pool": 1.0}))
    assert villa.id == "prop_123"
    assert engine.requests == [("POST", "/properties")]
    assert engine.body() == {**NEEDED, "status": "draft", "pool": 1}


UPDATES: dict[str, tuple[dict[str, Any], JsonObject]] = {
    "one field": ({"max_guests": 8}, {"max_guests": 8}),
    "None clears a field": ({"address": None}, {"address": None}),
    "UNSET is left out": ({"name": UNSET, "bedrooms": 0}, {"bedrooms": 0}),
    "empty is not unset": ({"name": ""}, {"name": ""}),
    "unknown fields": ({"extra": {"pool": None, "since": datetime(2024, 5, 1, tzinfo=UTC)}},
                       {"pool": None, "since": "2024-05-01T00:00:00Z"}),
    "a known field in extra": ({"extra": {"status": None}}, {"status": None}),
    "the argument before extra": ({"name": "a", "extra": {"name": "b"}}, {"name": "a"}),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "body"), UPDATES.values(), ids=list(UPDATES))
def test_update_sends_only_what_was_passed(changes: dict[str, Any], body: JsonObject) -> None:
    engine = always(VILLA)
    run(engine.properties().update("prop_123", **changes))
    assert engine.requests == [("PUT", "/properties/prop_123")]
    assert engine.body() == body


@pytest.mark.parametrize("changes", [{}, {"name": UNSET}, {"extra": {}}], ids=str)
def test_an_update_of_nothing_is_refused(changes: dict[str, Any]) -> None:
    engine = always(VILLA)
    with pytest.raises(ValueError, match="at least one field"):
        run(engine.properties().update("prop_123", **changes))
    assert engine.calls == []


@pytest.mark.parametrize("body", [VILLA, {"data": VILLA}], ids=["bare", "under data"])
def test_where_put_replaces_the_whole_record_is_read_merged_and_sent(body: Json) -> None:
    engine = always(body)
    run(engine.properties(Dialect(update_style="replace")).update("prop_123", max_guests=8, address=None))
    assert engine.requests == [("GET", "/properties/prop_123"), ("PUT", "/properties/prop_123")]
    assert engine.body() == {**VILLA, "max_guests": 8, "address": None}


def test_where_put_replaces_another_record_is_never_sent_back() -> None:
    engine = always(VILLA)
    with pytest.raises(InvalidResponseError, match="another record"):
        run(engine.properties(Dialect(update_style="replace")).update("prop_999", max_guests=8))
    assert engine.requests == [("GET", "/properties/prop_999")]


@pytest.mark.parametrize("body", [b"", b"null", b'{"deleted": true}', b"<html>"])
def test_delete_reads_nothing_of_the_answer(body: bytes) -> None:
    engine = always(body)
    run(engine.properties().delete("prop_123"))
    assert engine.requests == [("DELETE", "/properties/prop_123")]


LISTS: dict[str, tuple[dict[str, Any], str]] = {
    "everything": ({}, "/properties"),
    "status": ({"status": "active"}, "/properties?status=active"),
    "open status": ({"status": PropertyStatus.DRAFT}, "/properties?status=draft"),
    "updated since": (
        {"updated_since": datetime(2024, 5, 1, tzinfo=UTC)},
        "/properties?updated_since=2024-05-01T00%3A00%3A00Z",
    ),
    "page size": ({"page_size": 50}, "/properties?limit=50"),
    "cursor": ({"cursor": "cursor=c1", "page_size": 50}, "/properties?limit=50&cursor=c1"),
}


@pytest.mark.parametrize(("arguments", "target"), LISTS.values(), ids=list(LISTS))
def test_what_a_list_asks_for(arguments: dict[str, Any], target: str) -> None:
    engine = always([VILLA])
    assert [villa.id for villa in all_of(engine.properties().list(**arguments))] == ["prop_123"]
    assert engine.requests == [("GET", target)]


@pytest.mark.parametrize("page_size", [0, -1])
def test_a_page_size_below_one_is_refused(page_size: int) -> None:
    with pytest.raises(ValueError, match="page_size"):
        always([]).properties().list(page_size=page_size)


def test_a_time_without_its_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        always([]).properties().list(updated_since=datetime(2024, 5, 1))  # noqa: DTZ001 - meant to fail


def test_a_list_walks_on_and_keeps_its_filters() -> None:
    def answer(call: Call[Any]) -> Json:
        last = "cursor" in call.target
        return {"data": [{"id": "b" if last else "a", "name": "x"}], "next_cursor": None if last else "c1"}

    engine = FakeEngine(answer)
    homes = all_of(engine.properties().list(status="active", page_size=1))
    assert [home.id for home in homes] == ["a", "b"]
    assert [target for _, target in engine.requests] == [
        "/properties?status=active&limit=1",
        "/properties?status=active&limit=1&cursor=c1",
    ]


def test_a_wrong_item_of_a_list_is_named_by_its_path() -> None:
    with pytest.raises(InvalidResponseError) as caught:
        all_of(always({"properties": [VILLA, {**VILLA, "bedrooms": "3"}]}).properties().list())
    assert caught.value.path == "$.properties[1].bedrooms"


def test_a_dialect_changes_paths_parameters_and_the_lists_key() -> None:
    dialect = Dialect(
        paths={"properties.list": "/homes", "properties.get": "/homes/{id}/details"},
        items_key="homes",
        cursor_parameter="after",
        page_size_parameter="per_page",
    )

    def answer(call: Call[Any]) -> Json:
        if "details" in call.target:
            return VILLA
        return {"homes": [VILLA], "data": [], "next_cursor": None if "after" in call.target else "c1"}

    engine = FakeEngine(answer)
    properties = engine.properties(dialect)
    run(properties.get("prop_123"))
    with pytest.raises(InvalidResponseError, match="ignores the page"):
        all_of(properties.list(page_size=1))
    assert [target for _, target in engine.requests] == [
        "/homes/prop_123/details",
        "/homes?per_page=1",
        "/homes?per_page=1&after=c1",
    ]


def test_every_call_is_made_with_the_options_of_the_client() -> None:
    options = CallOptions(deadline=1.0, priority=Priority.BULK)
    engine = FakeEngine(lambda call: [VILLA] if call.target == "/properties" and call.body is None else VILLA)
    properties = engine.properties(options=options)

    async def main() -> None:
        await properties.get("prop_123")
        await properties.create(**NEEDED)
        await properties.update("prop_123", bedrooms=1)
        await properties.delete("prop_123")
        await properties.list().all()

    run(main())
    assert [call.operation.name.partition(".")[2] for call in engine.calls] == [
        "get", "create", "update", "delete", "list",
    ]  # fmt: skip
    assert all(call.options is options for call in engine.calls)


def many(engine: FakeEngine, ids: Iterable[str], concurrency: int = 16) -> dict[str, Result[Property]]:
    async def main() -> dict[str, Result[Property]]:
        results = engine.properties().get_many(ids, concurrency=concurrency)
        found = {result.id: result async for result in results}
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return found

    return run(main())


def details(call: Call[Any]) -> Json:
    one = call.target.rpartition("/")[2]
    if one.startswith("missing"):
        raise NotFoundError(404)
    return {"id": "another" if one.startswith("swapped") else one, "name": None if one.startswith("broken") else "x"}


def test_get_many_gives_a_result_for_every_id_and_no_error_loses_another() -> None:
    ids = ["a", "missing", "b", "", "broken", "..", "swapped", "c"]
    found = many(FakeEngine(details), ids)
    assert set(found) == set(ids)
    assert [found[one].unwrap().id for one in ("a", "b", "c")] == ["a", "b", "c"]
    errors = {one: type(result.error) for one, result in found.items() if result.error is not None}
    assert errors == {
        "missing": NotFoundError,
        "": ValueError,
        "broken": InvalidResponseError,
        "..": ValueError,
        "swapped": InvalidResponseError,
    }
    with pytest.raises(NotFoundError):
        found["missing"].unwrap()


def test_get_many_does_not_count_waiting_for_quota_and_keeps_every_other_option() -> None:
    engine = FakeEngine(details)
    many(engine, ["a"])
    assert engine.calls[0].options == CallOptions(queueing_counts=False)


def test_get_many_keeps_to_its_bound() -> None:
    under_way, most = 0, 0

    class Counting(FakeEngine):
        async def run(self, call: Call[T]) -> Reply[T]:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            try:
                return await super().run(call)
            finally:
                under_way -= 1

    assert len(many(Counting(details), map(str, range(50)), concurrency=4)) == 50
    assert most == 4


def test_get_many_of_nothing_asks_for_nothing() -> None:
    engine = FakeEngine(details)
    assert many(engine, []) == {}
    assert engine.calls == []


@pytest.mark.parametrize("concurrency", [0, -1])
def test_get_many_refuses_a_bound_that_lets_nothing_through(concurrency: int) -> None:
    with pytest.raises(ValueError, match="concurrency"):
        many(FakeEngine(details), ["a"], concurrency=concurrency)


def test_a_get_many_that_is_left_leaves_nothing_under_way() -> None:
    async def main() -> None:
        results = FakeEngine(details).properties().get_many(map(str, range(100)), concurrency=4)
        async with aclosing(results) as going:
            async for _ in going:
                break
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(main())


FIELDS_OF: dict[str, tuple[type, type, set[str]]] = {
    "a new property": (NewProperty, Property, set()),
    "a changed property": (PropertyChanges, Property, set()),
    "a new reservation": (NewReservation, Reservation, {"cancelled_at"}),
    "a changed reservation": (ReservationChanges, Reservation, {"cancelled_at"}),
    "a new subscription": (NewWebhookSubscription, WebhookSubscription, {"secret"}),
    "a changed subscription": (WebhookSubscriptionChanges, WebhookSubscription, {"secret"}),
}


@pytest.mark.parametrize("case", FIELDS_OF)
def test_every_field_that_can_be_written_can_be_passed(case: str) -> None:
    kind, record, more = FIELDS_OF[case]
    written_by_the_server = {"id", "created_at", "updated_at"} | more
    fields = set(get_type_hints(kind)) - {"idempotency_key"}
    assert fields == {field.name for field in attrs.fields(record)} - written_by_the_server
