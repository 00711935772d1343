"""Records from JSON and back: nothing coerced, nothing lost, every wrong field named and none quoted."""

import pickle
import string
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import cast

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.values import CANARY, everything_on, json_values

from setsmart_async import InvalidResponseError, Property, PropertyStatus
from setsmart_async.records.codec import decode_record, decode_records, encode_record, encode_value
from setsmart_async.wire import Json, JsonObject, decode_json, encode_json

VILLA: JsonObject = {
    "id": "prop_123",
    "name": "Beachfront Villa",
    "address": "123 Ocean Drive",
    "bedrooms": 3,
    "bathrooms": 2,
    "max_guests": 6,
    "status": "active",
}
"""The documented example."""
KNOWN = {field.name for field in attrs.fields(Property)} - {"extra"}


def villa(**changes: Json) -> JsonObject:
    return {**VILLA, **changes}


def test_the_documented_example_is_read() -> None:
    assert decode_record(Property, VILLA) == Property(
        id="prop_123",
        name="Beachfront Villa",
        address="123 Ocean Drive",
        bedrooms=3,
        bathrooms=2.0,
        max_guests=6,
        status=PropertyStatus("active"),
    )


def test_the_documented_example_is_written_as_it_came() -> None:
    assert encode_json(encode_record(decode_record(Property, VILLA))) == encode_json(VILLA)


READ: dict[str, tuple[JsonObject, str, object]] = {
    "a missing field is None": ({}, "timezone", None),
    "null is None": ({"bedrooms": None}, "bedrooms", None),
    "a studio has 0 bedrooms": ({"bedrooms": 0}, "bedrooms", 0),
    "a whole float is an integer": ({"bedrooms": 3.0}, "bedrooms", 3),
    "half a bathroom": ({"bathrooms": 1.5}, "bathrooms", 1.5),
    "an integer is a number": ({"bathrooms": 1}, "bathrooms", 1.0),
    "an empty text": ({"address": ""}, "address", ""),
    "a known status": ({"status": "archived"}, "status", PropertyStatus.ARCHIVED),
    "an unknown status": ({"status": "haunted"}, "status", PropertyStatus("haunted")),
    "UTC": ({"created_at": "2024-05-01T12:30:00Z"}, "created_at", datetime(2024, 5, 1, 12, 30, tzinfo=UTC)),
    "an offset": (
        {"created_at": "2024-05-01T12:30:00.25+02:00"},
        "created_at",
        datetime(2024, 5, 1, 10, 30, 0, 250_000, tzinfo=UTC),
    ),
    "no offset is UTC": ({"updated_at": "2024-05-01T12:30:00"}, "updated_at", datetime(2024, 5, 1, 12, 30, tzinfo=UTC)),
    "no seconds": ({"updated_at": "2024-05-01T12:30"}, "updated_at", datetime(2024, 5, 1, 12, 30, tzinfo=UTC)),
    "a blank for T": ({"updated_at": "2024-05-01 12:30:00Z"}, "updated_at", datetime(2024, 5, 1, 12, 30, tzinfo=UTC)),
}


@pytest.mark.parametrize(("fields", "name", "value"), READ.values(), ids=list(READ))
def test_what_is_read(fields: JsonObject, name: str, value: object) -> None:
    read = getattr(decode_record(Property, villa(**fields)), name)
    assert read == value
    assert type(read) is type(value)


def test_times_are_in_utc() -> None:
    record = decode_record(Property, villa(created_at="2024-05-01T12:30:00+02:00"))
    assert record.created_at is not None
    assert record.created_at.tzinfo is UTC


WRONG: dict[str, tuple[Json, list[tuple[str, str]]]] = {
    "an array": ([], [("$", "expected an object, got an array")]),
    "null": (None, [("$", "expected an object, got null")]),
    "a text": (CANARY, [("$", "expected an object, got a text")]),
    "nothing in it": ({}, [("$.id", "missing"), ("$.name", "missing")]),
    "no name": ({"id": "prop_1"}, [("$.name", "missing")]),
    "null for what must be": (villa(name=None), [("$.name", "expected a text, got null")]),
    "a number for a text": (villa(id=123), [("$.id", "expected a text, got an integer")]),
    "an array for a text": (villa(address=[CANARY]), [("$.address", "expected a text, got an array")]),
    "an object for a text": (villa(address={"a": CANARY}), [("$.address", "expected a text, got an object")]),
    "a text for an integer": (villa(bedrooms="3"), [("$.bedrooms", "expected an integer, got a text")]),
    "a boolean for an integer": (villa(bedrooms=True), [("$.bedrooms", "expected an integer, got a boolean")]),
    "a broken integer": (villa(bedrooms=3.7), [("$.bedrooms", "expected an integer, got a number")]),
    "a text for a number": (villa(bathrooms="1.5"), [("$.bathrooms", "expected a number, got a text")]),
    "a boolean for a number": (villa(bathrooms=True), [("$.bathrooms", "expected a number, got a boolean")]),
    "too large a number": (villa(bathrooms=10**400), [("$.bathrooms", "expected a number, got an integer")]),
    "a number for a status": (villa(status=1), [("$.status", "expected a text, got an integer")]),
    "a date for a time": (villa(created_at="2024-05-01"), [("$.created_at", "expected an RFC 3339 time, got a text")]),
    "words for a time": (villa(created_at=CANARY), [("$.created_at", "expected an RFC 3339 time, got a text")]),
    "unix seconds": (villa(created_at=1714566600), [("$.created_at", "expected an RFC 3339 time, got an integer")]),
    "a time before all": (
        villa(created_at="0001-01-01T00:00:00+02:00"),
        [("$.created_at", "expected an RFC 3339 time, got a text")],
    ),
    "three at once": (
        villa(id=1, bedrooms=CANARY, status=[]),
        [
            ("$.id", "expected a text, got an integer"),
            ("$.bedrooms", "expected an integer, got a text"),
            ("$.status", "expected a text, got an array"),
        ],
    ),
}


@pytest.mark.parametrize(("value", "problems"), WRONG.values(), ids=list(WRONG))
def test_every_wrong_field_is_named_by_its_path_and_none_quoted(value: Json, problems: list[tuple[str, str]]) -> None:
    with pytest.raises(InvalidResponseError) as caught:
        decode_record(Property, value)
    assert list(caught.value.problems) == problems
    assert (caught.value.path, caught.value.reason) == problems[0]
    assert "Kari" not in everything_on(caught.value)


def test_in_a_page_the_path_names_the_item() -> None:
    values: list[Json] = [VILLA, villa(bedrooms="many"), VILLA, None, {"id": "x"}]
    with pytest.raises(InvalidResponseError) as caught:
        decode_records(Property, values, "$.data")
    assert list(caught.value.problems) == [
        ("$.data[1].bedrooms", "expected an integer, got a text"),
        ("$.data[3]", "expected an object, got null"),
        ("$.data[4].name", "missing"),
    ]


def test_a_page_is_read_in_order() -> None:
    records = decode_records(Property, [villa(id="b"), villa(id="a")])
    assert [record.id for record in records] == ["b", "a"]
    assert decode_records(Property, []) == []


def test_unknown_fields_are_kept_apart_and_sent_back() -> None:
    came = villa(pool={"heated": True}, extra=[1, None], tags=["sea"], nothing=None)
    record = decode_record(Property, came)
    assert record.extra == {"pool": {"heated": True}, "extra": [1, None], "tags": ["sea"], "nothing": None}
    assert encode_record(record) == came


def test_extra_is_outside_hash_and_repr_and_inside_comparison() -> None:
    plain, more = decode_record(Property, VILLA), decode_record(Property, villa(owner=CANARY))
    assert hash(plain) == hash(more)
    assert plain != more
    assert CANARY not in repr(more)


def test_a_known_field_wins_over_the_same_name_in_extra() -> None:
    assert encode_record(Property(id="a", name="b", extra={"name": "c", "pool": 1})) == {
        "id": "a",
        "name": "b",
        "pool": 1,
    }


def test_a_record_can_not_be_changed_and_has_no_dict() -> None:
    record = decode_record(Property, VILLA)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        record.name = "x"  # type: ignore[misc]  # meant to fail
    assert not hasattr(record, "__dict__")


texts = st.text(st.characters(exclude_categories=["Cs"]))
maybe_text = st.none() | texts
EARLIEST, LATEST = datetime(2, 1, 1), datetime(9998, 12, 31)  # noqa: DTZ001 - hypothesis adds the zone
times = st.none() | st.datetimes(EARLIEST, LATEST, timezones=st.just(UTC))
numbers = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 100).map(float)
counts = st.none() | st.integers()
properties = st.builds(
    Property,
    id=texts,
    name=texts,
    address=maybe_text,
    bedrooms=counts,
    bathrooms=numbers,
    max_guests=counts,
    status=st.none() | texts.map(PropertyStatus),
    timezone=maybe_text,
    currency=maybe_text,
    created_at=times,
    updated_at=times,
    extra=st.dictionaries(texts.filter(lambda name: name not in KNOWN), json_values()),
)


@given(properties)
def test_what_is_written_is_read_back(record: Property) -> None:
    again = decode_record(Property, decode_json(encode_json(encode_record(record))))
    assert again == record
    assert again.extra == record.extra
    assert pickle.loads(pickle.dumps(again)) == record


@given(st.dictionaries(texts.filter(lambda name: name not in KNOWN), json_values()))
def test_unknown_fields_come_back_as_they_came(unknown: JsonObject) -> None:
    came = {**unknown, **VILLA}
    assert encode_record(decode_record(Property, came)) == came


canaries = st.text(string.ascii_letters, max_size=3).map(lambda text: f"{text}{CANARY}")
field_values: st.SearchStrategy[Json] = json_values(canaries)


@given(
    field_values
    | st.fixed_dictionaries({}, optional=dict.fromkeys(sorted(KNOWN), field_values))
    | st.fixed_dictionaries(cast(dict[str, st.SearchStrategy[Json]], dict.fromkeys(VILLA, field_values)))
)
def test_any_json_is_a_property_or_an_error_that_quotes_nothing(value: Json) -> None:
    error = refusal(lambda: decode_record(Property, value))
    if error is not None:
        assert CANARY not in everything_on(error)
        assert error.path.startswith("$")
        assert error.problems[0] == (error.path, error.reason)


@given(st.lists(field_values, max_size=4))
def test_any_page_is_records_or_an_error_that_quotes_nothing(values: list[Json]) -> None:
    error = refusal(lambda: decode_records(Property, values))
    assert error is None or CANARY not in everything_on(error)


def refusal(read: Callable[[], object]) -> InvalidResponseError | None:
    try:
        read()
    except InvalidResponseError as error:
        return error
    return None


@attrs.frozen(kw_only=True)
class Room:
    beds: int


@attrs.frozen(kw_only=True)
class House:
    name: str
    rooms: list[Room] = attrs.field(factory=list[Room])
    best: Room | None = None
    pets: bool = False


def test_records_inside_records_are_read_and_written() -> None:
    house = House(name="x", rooms=[Room(beds=1), Room(beds=2)], best=Room(beds=2), pets=True)
    value: JsonObject = {"name": "x", "rooms": [{"beds": 1}, {"beds": 2}], "best": {"beds": 2}, "pets": True}
    assert encode_record(house) == value
    assert decode_record(House, value) == house


def test_a_wrong_field_deep_inside_is_named_by_its_path() -> None:
    with pytest.raises(InvalidResponseError) as caught:
        decode_record(House, {"name": "x", "rooms": [{"beds": 1}, {}, 3], "best": {"beds": "2"}, "pets": 1})
    assert list(caught.value.problems) == [
        ("$.rooms[1].beds", "missing"),
        ("$.rooms[2]", "expected an object, got an integer"),
        ("$.best.beds", "expected an integer, got a text"),
        ("$.pets", "expected a boolean, got an integer"),
    ]


def test_a_record_without_extra_leaves_unknown_fields_out() -> None:
    assert decode_record(Room, {"beds": 1, "lamp": True}) == Room(beds=1)


WRITTEN: dict[str, tuple[object, Json]] = {
    "text": ("Årjäng", "Årjäng"),
    "None": (None, None),
    "whole number": (2.0, 2),
    "integer": (2, 2),
    "half": (1.5, 1.5),
    "boolean": (True, True),
    "known status": (PropertyStatus.ACTIVE, "active"),
    "UTC": (datetime(2024, 5, 1, 12, 30, tzinfo=UTC), "2024-05-01T12:30:00Z"),
    "offset": (datetime(2024, 5, 1, 12, 30, tzinfo=timezone(timedelta(hours=2))), "2024-05-01T10:30:00Z"),
    "microseconds": (datetime(2024, 5, 1, 0, 0, 0, 250_000, tzinfo=UTC), "2024-05-01T00:00:00.250000Z"),
    "record": (Property(id="a", name="b"), {"id": "a", "name": "b"}),
    "list": ([1, "a", 2.0], [1, "a", 2]),
    "object": ({"a": [datetime(2024, 5, 1, tzinfo=UTC)]}, {"a": ["2024-05-01T00:00:00Z"]}),
}


@pytest.mark.parametrize(("value", "written"), WRITTEN.values(), ids=list(WRITTEN))
def test_how_an_argument_is_written(value: object, written: Json) -> None:
    assert encode_value(value) == written
    assert encode_json(encode_value(value)) == encode_json(written)
    assert type(encode_value(value)) is type(written)


UNWRITABLE: dict[str, tuple[object, str]] = {
    "a time without its zone": (datetime(2024, 5, 1), "time zone"),  # noqa: DTZ001 - meant to fail
    "not a number": (float("nan"), "finite"),
    "infinity": (float("inf"), "finite"),
    "not a number, inside": ({"a": [float("nan")]}, "finite"),
}


@pytest.mark.parametrize(("value", "reason"), UNWRITABLE.values(), ids=list(UNWRITABLE))
def test_what_json_has_no_form_for_is_refused(value: object, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        encode_value(value)


def test_a_record_with_an_integer_where_a_number_stands_is_written() -> None:
    assert encode_record(Property(id="a", name="b", bathrooms=2)) == {"id": "a", "name": "b", "bathrooms": 2}
