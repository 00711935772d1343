"""Pages read straight from their text: what is read so, what is left to the slow way, and what is learnt."""

import copy
import json
import pickle
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import attrs
import pytest

from setsmart_async import CalendarDay, Conversation, InvalidResponseError, Message, Property, Reservation
from setsmart_async.policy.paging import PageNames
from setsmart_async.records import body_reader as body_readers
from setsmart_async.records import converter as converters
from setsmart_async.records.body_reader import BodyReader, ReadBody
from setsmart_async.records.codec import decode_body, decode_record
from setsmart_async.records.layout import layout_of
from setsmart_async.resources.page_text import LaterItems, read_directly
from setsmart_async.sandbox.seed import seed_properties
from setsmart_async.wire import HttpResponse, Json, JsonObject

NOON = "2024-05-01T12:30:00Z"
KEYS = ("data", "items", "results")
VILLA: JsonObject = {
    "id": "a",
    "name": "Villa",
    "bathrooms": 2,
    "status": "active",
    "created_at": "2024-05-01T12:30:00Z",
}


def reader_of(kind: type = Property) -> BodyReader:
    return BodyReader(kind, layout_of(kind), cast(Any, converters)._hook)


def encoded(body: Json) -> bytes:
    return json.dumps(body).encode()


def read(reader: BodyReader, body: Json) -> ReadBody:
    found = reader.read(encoded(body), KEYS)
    assert found is not None
    return found


def properties(found: ReadBody) -> list[Property]:
    return cast("list[Property]", found.records)


def slowly(*items: JsonObject) -> list[Property]:
    return [decode_record(Property, item) for item in items]


def forms_made(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Each form that is made from now on."""
    made: list[object] = []
    make = BodyReader._form

    def counted(self: BodyReader, key: str | None, members: Sequence[str], unknown: Sequence[str]) -> object:
        made.append((key, members, unknown))
        return make(self, key, members, unknown)

    monkeypatch.setattr(BodyReader, "_form", counted)
    return made


@pytest.mark.parametrize(
    "body",
    [
        [VILLA, {**VILLA, "id": "b"}],
        {"data": [VILLA]},
        {"items": [VILLA], "total": 1},
        {"data": None, "items": [VILLA]},
        {"data": []},
        [],
        [{**VILLA, "address": None, "bedrooms": None, "status": None, "created_at": None}, {"id": "b", "name": "c"}],
        {"results": [{"id": "a", "name": "b", "pool": {"depth": [1]}}], "meta": {"page": 1}},
    ],
    ids=repr,
)
def test_the_usual_forms_are_read_directly(body: list[Json] | JsonObject) -> None:
    found = read(reader_of(), body)
    around = {} if isinstance(body, list) else {**body}
    items = body if found.key is None else around.pop(found.key)
    assert properties(found) == slowly(*cast("list[JsonObject]", items))
    assert found.around == (around if isinstance(body, dict) else [])


@pytest.mark.parametrize(
    "body",
    [
        *({}, {"data": None}, {"other": [VILLA]}, {"data": {"items": [VILLA]}}, {"data": {}, "items": [VILLA]}),
        *(
            None,
            1,
            "x",
            {"data": [VILLA, 1]},
            {"data": [{**VILLA, "bedrooms": "3"}]},
            [[VILLA]],
            {"data": [{"id": "a"}]},
        ),
        {"data": [{**VILLA, "created_at": "2024-05-01T12:30"}]},  # right, and unusual
    ],
    ids=repr,
)
def test_the_rest_is_left_to_the_slow_way(body: Json) -> None:
    assert reader_of().read(encoded(body), KEYS) is None


@pytest.mark.parametrize(
    "body", [b"", b" ", b"{", b"[", b'{"data": [}', b'{"data": []} x', b"\xef\xbb\xbf[]", b'["\xff"]']
)
def test_what_is_no_json_is_left_to_the_slow_way(body: bytes) -> None:
    assert reader_of().read(body, KEYS) is None


@attrs.frozen(kw_only=True)
class Bare:
    """Keeps no unknown fields."""

    id: str


@attrs.frozen(kw_only=True)
class Defaults:
    """Says something of its own where a field is missing."""

    id: str
    note: str | None = "none yet"
    weight: float = 1.5
    tags: list[str] = attrs.field(factory=list[str])
    extra: Mapping[str, object] = attrs.field(factory=dict[str, object])


def test_missing_fields_have_their_defaults_and_null_is_not_missing() -> None:
    body: list[Json] = [{"id": "a"}, {"id": "b", "note": None, "weight": 2, "tags": ["x"]}]
    found = read(reader_of(Defaults), body)
    assert found.records == [Defaults(id="a"), Defaults(id="b", note=None, weight=2.0, tags=["x"])]


def test_dates_and_amounts_and_records_within_are_read_directly() -> None:
    stay: JsonObject = {
        "id": "r",
        "property_id": "p",
        "check_in": "2026-07-01",
        "check_out": "2026-07-05",
        "guest": {"id": "g", "vip": True},
        "total_amount": {"amount": "12.50", "currency": "EUR"},
    }
    assert read(reader_of(Reservation), {"data": [stay, stay]}).records == [decode_record(Reservation, stay)] * 2


def test_a_field_that_nobody_keeps_is_looked_into_all_the_same() -> None:
    reader = reader_of(Bare)
    assert read(reader, [{"id": "a", "more": "é"}]).records == [Bare(id="a")]
    assert reader.read(b'[{"id": "a", "more": "\xff"}]', KEYS) is None


def test_unknown_names_are_learnt_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made, reader = forms_made(monkeypatch), reader_of()
    with_pool, with_spa = {**VILLA, "pool": True}, {**VILLA, "spa": None}
    for item in (VILLA, with_pool, with_spa, VILLA, with_pool, with_spa):
        assert properties(read(reader, {"data": [item], "total": 1})) == slowly(item)
    assert len(made) == 3
    (mixed,) = (read(reader, {"data": [with_pool, VILLA, with_spa]}),)
    assert [home.extra for home in properties(mixed)] == [{"pool": True}, {}, {"spa": None}]
    assert len(made) == 3


def test_members_around_the_list_are_learnt_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made, reader = forms_made(monkeypatch), reader_of()
    for around in ({"next": "b"}, {"total": 2}, {}, {"next": None, "total": 1}, {"next": "c"}):
        assert read(reader, {"data": [VILLA], **around}).around == around
    assert len(made) == 2


def test_each_form_learns_for_itself() -> None:
    reader = reader_of()
    read(reader, [VILLA])
    read(reader, {"data": [{**VILLA, "pool": 1}]})
    assert properties(read(reader, [{**VILLA, "pool": 2}]))[0].extra == {"pool": 2}


def test_the_list_that_the_rules_take_first_counts() -> None:
    reader = reader_of()
    first, second = {**VILLA, "id": "first"}, {**VILLA, "id": "second"}
    assert read(reader, {"data": None, "items": [second]}).key == "items"
    for _ in range(2):
        found = reader.read(encoded({"data": [first], "items": [second]}), KEYS)
        assert found is None or [home.id for home in properties(found)] == ["first"]
    assert reader.read(encoded({"data": {"items": [first]}, "items": [second]}), KEYS) is None


def test_names_that_a_server_makes_up_are_never_run() -> None:
    reader = reader_of()
    for evil in ("'] = __import__('os').abort() #", "x; import os", "f0", "items", "record", "extra", "__class__"):
        item = {**VILLA, evil: 1}
        assert properties(read(reader, {"items": [item], evil + "!": 2})) == slowly(item)


@pytest.mark.parametrize("odd", ['a"b', "a\\b", "é", "", "\n", "x" * 200])
def test_names_that_a_struct_can_not_have_are_left_to_the_slow_way(odd: str) -> None:
    found = reader_of().read(encoded([{**VILLA, odd: 1}]), KEYS)
    assert found is None or properties(found) == slowly({**VILLA, odd: 1})


def test_names_without_end_are_given_up() -> None:
    reader = reader_of()
    for number in range(500):
        item = {**VILLA, f"x{number}": number}
        found = reader.read(encoded([item]), KEYS)
        assert found is None or properties(found) == slowly(item)
    assert reader.read(encoded([VILLA]), KEYS) is None
    assert all(len(form.unknown) <= 64 for form in reader._forms.values())


def test_names_without_end_from_the_first_body_on_are_given_up_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, looked_at = reader_of(), list[bytes]()
    take_apart = body_readers._taken_apart

    def watched(body: bytes, keys: Sequence[str]) -> object:
        looked_at.append(body)
        return take_apart(body, keys)

    monkeypatch.setattr(body_readers, "_taken_apart", watched)
    for number in range(200):
        assert reader.read(encoded([{**VILLA, **{f"x{number}_{n}": n for n in range(65)}}]), KEYS) is None
    assert len(looked_at) < 50


def test_what_is_always_unusual_is_given_up() -> None:
    reader = reader_of()
    for _ in range(40):
        assert reader.read(encoded([{**VILLA, "created_at": "2024-05-01T12:30"}]), KEYS) is None
    assert reader.read(encoded([VILLA]), KEYS) is None


def test_what_is_seldom_wrong_is_no_reason_to_give_up() -> None:
    reader = reader_of()
    for _ in range(100):
        assert reader.read(encoded([{**VILLA, "bedrooms": "3"}]), KEYS) is None
        read(reader, [VILLA])
        read(reader, [VILLA])


def test_forms_do_not_fill_the_memory() -> None:
    reader = reader_of()
    for number in range(100):
        found = reader.read(encoded({f"list{number}": [VILLA]}), (f"list{number}",))
        assert found is not None
        assert properties(found) == slowly(VILLA)
    assert len(reader._forms) == body_readers._MOST_FORMS


def test_records_share_no_extra_and_are_full_members_of_their_class() -> None:
    one, other = properties(read(reader_of(), [VILLA, VILLA]))
    assert one == other
    assert one.extra is not other.extra
    assert type(one) is Property
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        one.name = "x"  # type: ignore[misc]  # meant to fail


@pytest.fixture
def in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose own time is not UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2024-05-01T12:30:00Z", datetime(2024, 5, 1, 12, 30, tzinfo=UTC)),
        ("2024-05-01T12:30:00", datetime(2024, 5, 1, 12, 30, tzinfo=UTC)),
        ("2024-05-01T14:30:00+02:00", datetime(2024, 5, 1, 12, 30, tzinfo=UTC)),
        ("2024-05-01T12:30:00.1234567Z", datetime(2024, 5, 1, 12, 30, 0, 123457, tzinfo=UTC)),
        ("2024-05-01t12:30:00z", datetime(2024, 5, 1, 12, 30, tzinfo=UTC)),
    ],
)
@pytest.mark.usefixtures("in_tokyo")
def test_times_are_in_utc_whichever_way_they_are_read(text: str, meant: datetime) -> None:
    item: JsonObject = {**VILLA, "created_at": text}
    (home,) = properties(read(reader_of(), [item]))
    assert home == decode_record(Property, item)
    assert (home.created_at, cast(datetime, home.created_at).tzinfo) == (meant, UTC)


@pytest.mark.parametrize("kind", [Property, Reservation, CalendarDay, Conversation, Message])
def test_every_record_of_the_api_has_a_direct_way(kind: type) -> None:
    assert decode_body(kind, b'{"data": [], "total": 0}', KEYS) is not None


def response(body: Json) -> HttpResponse:
    return HttpResponse(status=200, body=encoded(body))


def test_a_page_of_the_sandbox_is_read_directly() -> None:
    homes: list[Json] = [dict(home) for home in seed_properties(50)]
    directly = read_directly(Property, response({"data": homes, "next_cursor": "c"}), {}, PageNames())
    assert directly is not None
    page, records = directly
    assert records == [decode_record(Property, cast(JsonObject, home)) for home in homes]
    assert (page.path, page.following, page.items) == ("$.data", {"cursor": "c"}, homes)


def test_a_failure_under_a_status_of_success_is_told() -> None:
    with pytest.raises(InvalidResponseError, match="reports a failure"):
        read_directly(Property, response({"success": False, "data": [VILLA]}), {}, PageNames())


ITEMS: Mapping[str | None, bytes] = {None: b'[{"id": 1}, 2]', "data": b'{"data": [{"id": 1}, 2], "total": 2}'}


@pytest.mark.parametrize(("key", "body"), ITEMS.items())
def test_items_are_there_when_they_are_looked_at(key: str | None, body: bytes) -> None:
    items, same = LaterItems(body, key, 2), LaterItems(body, key, 2)
    assert len(items) == 2
    assert items == [{"id": 1}, 2] == items
    assert items == same
    assert items != [1]
    assert LaterItems(body, key, 2) == LaterItems(body, key, 2)
    assert (items[1], items[-2], items[:1], [*items], 2 in items) == (2, {"id": 1}, [{"id": 1}], [{"id": 1}, 2], True)
    assert items[0] is items[0]
    assert repr(items) == "[{'id': 1}, 2]"
    for copied in (pickle.loads(pickle.dumps(LaterItems(body, key, 2))), copy.deepcopy(items), copy.copy(same)):
        assert copied == items
    with pytest.raises(IndexError):
        items[2]
    with pytest.raises(TypeError):
        hash(items)  # what it holds can change, as a list's
