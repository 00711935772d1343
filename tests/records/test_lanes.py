"""Whichever reader meets an answer, the record or the refusal is the same."""

import itertools
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records.made_records import KINDS, ODD_VALUES, answers

from setsmart_async import (
    Attachment,
    CalendarDay,
    Conversation,
    Guest,
    InvalidResponseError,
    Message,
    OpenEnum,
    Property,
    Reservation,
    WebhookEvent,
    WebhookSubscription,
)
from setsmart_async.records import converter as converters
from setsmart_async.records.body_reader import BodyReader
from setsmart_async.records.codec import decode_record, decode_records
from setsmart_async.records.converter import build_converter, detailed_converter
from setsmart_async.records.generated_reader import ReadOne, can_generate, object_reader
from setsmart_async.records.layout import layout_of
from setsmart_async.records.mismatch import WRONG
from setsmart_async.wire import Json, JsonObject, decode_json


class Stage(OpenEnum, members=("open", "done"), spellings={"finished": "done"}):
    __slots__ = ()


@attrs.frozen(kw_only=True)
class Price:
    """A class of a user: no `extra`, defaults of every sort, a currency that must be there."""

    currency: str
    net: Decimal
    gross: Decimal | None = None
    stage: Stage = Stage("open")  # noqa: RUF009 - a text, which can not change
    tags: list[str] = attrs.field(factory=list[str])
    steps: tuple[int, ...] = (1, 2)
    rates: dict[str, float] = attrs.field(factory=dict[str, float])
    note: str | None = "none yet"
    since: datetime = datetime(2024, 1, 1, tzinfo=UTC)
    weight: float = 1.5
    paid: bool = False
    anything: object = None


@attrs.frozen(kw_only=True)
class Fare:
    """A currency that must be told, be it as null."""

    amount: Decimal
    currency: str | None


EVERY_KIND = (*KINDS, Price, Fare)


def plain_cattrs(kind: type) -> Callable[[object], object]:
    """The reader of cattrs' own making, with our hooks, which serves the classes that none is generated for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(converters, "can_generate", lambda _: False)
        converter = build_converter(detailed=False)
        read = converter.get_structure_hook(kind)
    return lambda value: read(value, kind)


HOOK = cast(Any, converters)._hook


def generated(kind: type) -> ReadOne:
    return object_reader(kind, layout_of(kind), HOOK)


def of_bodies(kind: type) -> BodyReader:
    return BodyReader(kind, layout_of(kind), HOOK)


PLAIN = {kind: plain_cattrs(kind) for kind in EVERY_KIND}
GENERATED = {kind: generated(kind) for kind in EVERY_KIND}
BODIES = {kind: of_bodies(kind) for kind in EVERY_KIND}


def outcome(read: Callable[[], object]) -> object:
    """What was read, and every field's type; or that it was refused."""
    try:
        record = read()
    except WRONG:
        return "refused"
    return shape(record)


def shape(value: object) -> object:
    if isinstance(value, list | tuple):
        return type(value), [shape(item) for item in value]
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    kind: type[Any] = type(value)
    if attrs.has(kind):
        return kind, [(field.name, shape(getattr(value, field.name))) for field in attrs.fields(kind)]
    return type(value), value, getattr(value, "tzinfo", None), getattr(value, "raw", None), str(value)


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_a_reader_is_generated_for_every_kind(kind: type) -> None:
    assert can_generate(kind)


@pytest.mark.parametrize("kind", EVERY_KIND)
@settings(max_examples=50)
@given(st.data())
def test_all_readers_agree_on_a_record(kind: type, data: st.DataObject) -> None:
    agree(kind, data.draw(answers(kind)))


def agree(kind: type, value: Json) -> None:
    read = outcome(lambda: GENERATED[kind](value, kind))
    assert outcome(lambda: PLAIN[kind](value)) == read
    assert outcome(lambda: detailed_converter().structure(value, kind)) == read
    agree_on_a_body(kind, [value])


def agree_on_a_body(kind: type, page: Sequence[Json]) -> None:
    """What is read straight from the text is what is read by way of its values, or is left to that way."""
    text = json.dumps(page).encode()
    try:
        values = cast("list[Json]", decode_json(text))
    except InvalidResponseError:
        slow: object = "refused"
    else:
        slow = outcome(lambda: [GENERATED[kind](value, kind) for value in values])
    for body in (text, b'{"data": ' + text + b', "next_cursor": null}'):
        BODIES[kind]._patience = 32  # what is wrong again and again would be left to the slow way
        if (read := BODIES[kind].read(body, KEYS)) is not None:
            assert shape(read.records) == slow


KEYS = ("data", "items")


@pytest.mark.parametrize("kind", EVERY_KIND)
@settings(max_examples=15)
@given(st.data())
def test_all_readers_agree_on_a_page(kind: type, data: st.DataObject) -> None:
    page = data.draw(st.lists(answers(kind), min_size=1, max_size=3)) * 2
    agree_on_a_body(kind, page)
    if outcome(lambda: [GENERATED[kind](value, kind) for value in page]) == "refused":
        with pytest.raises(InvalidResponseError) as caught:
            decode_records(kind, page)
        assert ("$", "unreadable") not in caught.value.problems


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_all_readers_agree_on_each_odd_value_of_each_field(kind: type) -> None:
    sound = SOUND[kind]
    for name, odd in itertools.product(sorted(layout_of(kind).known), ODD):
        agree(kind, {**sound, name: odd})


ODD: Sequence[Json] = (*ODD_VALUES, [], {}, ["x"], {"amount": "1", "currency": "EUR"})
STAY: JsonObject = {"id": "r", "property_id": "p", "check_in": "2026-07-01", "check_out": "2026-07-05"}
SOUND: dict[type, JsonObject] = {
    Property: {"id": "a", "name": "b"},
    Guest: {},
    Reservation: STAY,
    CalendarDay: {"date": "2026-07-01"},
    Conversation: {"id": "a"},
    Message: {"id": "a"},
    Attachment: {"url": "a"},
    WebhookSubscription: {"id": "a", "url": "b"},
    WebhookEvent: {"id": "a", "type": "b"},
    Price: {"currency": "EUR", "net": "1"},
    Fare: {"amount": "1"},
}


def villa(number: int, **changes: Json) -> JsonObject:
    return {"id": f"p{number}", "name": "Villa", **changes}


MIXED: dict[str, Sequence[Json]] = {
    "one more field at the end": [*(villa(n) for n in range(30)), villa(30, pool=True)],
    "as many fields, of other names": [*(villa(n, address="x") for n in range(30)), villa(30, bedrooms=2)],
    "as many fields, one unknown": [*(villa(n, address="x") for n in range(30)), villa(30, pool=None)],
    "unknown fields of other names": [*(villa(n, pool=1) for n in range(30)), villa(30, spa=1)],
    "a field fewer": [*(villa(n, address="x") for n in range(30)), villa(30)],
    "nothing of the same": [villa(n, **{f"x{n}": n}) for n in range(60)],
}


@pytest.mark.parametrize("page", MIXED.values(), ids=list(MIXED))
def test_in_a_long_page_every_record_may_have_other_fields(page: Sequence[Json]) -> None:
    assert decode_records(Property, page) == [decode_record(Property, value) for value in page]


@pytest.mark.parametrize("last", [None, [], {}, "x", 1, [1, 2]])
def test_in_a_long_page_whatever_is_no_object_is_named(last: Json) -> None:
    with pytest.raises(InvalidResponseError) as caught:
        decode_records(Property, [*(villa(n) for n in range(30)), last], "$.data")
    assert all(path.startswith("$.data[30]") for path, _ in caught.value.problems)


def test_records_of_a_page_are_full_members_of_their_class() -> None:
    read = decode_records(Property, [villa(n) for n in range(30)])
    assert {type(record) for record in read} == {Property}
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        read[0].name = "x"  # type: ignore[misc]  # meant to fail
    assert attrs.evolve(read[0], name="y").name == "y"
    assert read[0].extra is not read[1].extra
