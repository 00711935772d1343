"""Classes of users' own through the same codec, whatever they use of attrs."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any

import attrs
import pytest

from setsmart_async import InvalidResponseError, OpenEnum
from setsmart_async.records import converter
from setsmart_async.records.codec import decode_record, decode_records, encode_record
from setsmart_async.records.generated_reader import ReadOne, can_generate, object_reader
from setsmart_async.records.layout import RecordLayout
from setsmart_async.wire import Json, JsonObject


class Stage(OpenEnum, members=("open", "done")):
    __slots__ = ()


class Colour(Enum):
    RED = "red"


class Urgency(IntEnum):
    LOW = 1
    HIGH = 2


@attrs.frozen(kw_only=True)
class Cleaner:
    name: str
    phones: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class CleaningTask:
    id: str
    due: date
    stage: Stage
    colour: Colour | None = None
    urgency: Urgency = Urgency.LOW
    cleaner: Cleaner | None = None
    helpers: list[Cleaner] = attrs.field(factory=list[Cleaner])
    hours: Mapping[str, float] = attrs.field(factory=dict[str, float])
    cost: Decimal | None = None
    rooms: Sequence[int] = ()
    labels: frozenset[str] = frozenset()
    done_at: datetime | None = None
    details: dict[str, object] = attrs.field(factory=dict[str, object])


TASK: JsonObject = {
    "id": "t1",
    "due": "2026-07-05",
    "stage": "open",
    "colour": "red",
    "urgency": 2,
    "cleaner": {"name": "A", "phones": ["1", "2"]},
    "helpers": [{"name": "B", "phones": []}],
    "hours": {"kitchen": 1.5},
    "cost": "40.00",
    "rooms": [1, 2],
    "labels": ["x"],
    "done_at": "2026-07-05T10:00:00Z",
    "details": {"a": [1, None]},
}


def test_a_class_of_ones_own_is_read_and_written() -> None:
    task = decode_record(CleaningTask, {**TASK, "unknown": 1, "cleaner": {"name": "A", "phones": ["1", "2"], "x": 1}})
    assert task == CleaningTask(
        id="t1",
        due=date(2026, 7, 5),
        stage=Stage("open"),
        colour=Colour.RED,
        urgency=Urgency.HIGH,
        cleaner=Cleaner(name="A", phones=("1", "2")),
        helpers=[Cleaner(name="B")],
        hours={"kitchen": 1.5},
        cost=Decimal("40.00"),
        rooms=[1, 2],
        labels=frozenset({"x"}),
        done_at=datetime(2026, 7, 5, 10, tzinfo=UTC),
        details={"a": [1, None]},
    )
    assert encode_record(task) == TASK


def test_a_class_without_extra_is_read_with_and_without_unknown_fields_on_long_pages() -> None:
    page = [{**TASK, "id": str(n), "unknown": n} for n in range(30)]
    assert [task.id for task in decode_records(CleaningTask, page)] == [str(n) for n in range(30)]


WRONG: dict[str, tuple[JsonObject, tuple[str, str]]] = {
    "a text for a list": ({"rooms": "12"}, ("$.rooms", "expected an array, got a text")),
    "an object for a list": ({"helpers": {"name": "A"}}, ("$.helpers", "expected an array, got an object")),
    "a text for a set": ({"labels": "ab"}, ("$.labels", "expected an array, got a text")),
    "a text for a tuple": (
        {"cleaner": {"name": "A", "phones": "12"}},
        ("$.cleaner.phones", "expected an array, got a text"),
    ),
    "a list for an object": ({"hours": [["a", 1]]}, ("$.hours", "expected an object, got an array")),
    "a wrong value in an object": ({"hours": {"Kari": "1"}}, ("$.hours[*]", "expected a number, got a text")),
    "a wrong item": ({"rooms": [1, "2"]}, ("$.rooms[1]", "expected an integer, got a text")),
    "a wrong item's field": ({"helpers": [{}]}, ("$.helpers[0].name", "missing")),
    "an enum's other value": ({"colour": "blue"}, ("$.colour", "expected one of Colour's values, got a text")),
    "true for one": ({"urgency": True}, ("$.urgency", "expected one of Urgency's values, got a boolean")),
    "a float for one": ({"urgency": 1.0}, ("$.urgency", "expected one of Urgency's values, got a number")),
    "a time for a day": (
        {"due": "2026-07-05T00:00:00Z"},
        ("$.due", "expected a date as YYYY-MM-DD, got a text"),
    ),
    "a day that is none": ({"due": "2026-02-30"}, ("$.due", "expected a date as YYYY-MM-DD, got a text")),
    "a compact day": ({"due": "20260705"}, ("$.due", "expected a date as YYYY-MM-DD, got a text")),
    "a week's day": ({"due": "2026-W27-7"}, ("$.due", "expected a date as YYYY-MM-DD, got a text")),
    "null for what must be": ({"stage": None}, ("$.stage", "expected a text, got null")),
    "null for an object": ({"urgency": None}, ("$.urgency", "expected one of Urgency's values, got null")),
}


@pytest.mark.parametrize(("changes", "problem"), WRONG.values(), ids=list(WRONG))
def test_nothing_is_coerced(changes: JsonObject, problem: tuple[str, str]) -> None:
    with pytest.raises(InvalidResponseError) as caught:
        decode_record(CleaningTask, {**TASK, **changes})
    assert caught.value.problems == (problem,)
    assert "Kari" not in str(caught.value)


@pytest.mark.parametrize("name", ["helpers", "hours", "rooms", "labels", "details"])
def test_null_for_a_collection_reads_as_if_it_were_left_out(name: str) -> None:
    left_out = {key: value for key, value in TASK.items() if key != name}
    assert decode_record(CleaningTask, {**TASK, name: None}) == decode_record(CleaningTask, left_out)


@attrs.define
class WithDict:
    """No slots of its own making: a class in the older style."""

    id: str


@attrs.define(slots=False)
class NoSlots:
    id: str


def upper(text: str) -> str:
    return text.upper()


@attrs.frozen
class Converted:
    id: str = attrs.field(converter=upper)


@attrs.frozen
class Validated:
    id: str = attrs.field(validator=attrs.validators.max_len(3))


@attrs.frozen
class Derived:
    id: str
    twice: str = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "twice", self.id * 2)


@attrs.frozen
class Checked:
    id: str

    def __attrs_post_init__(self) -> None:
        if len(self.id) > 3:
            raise ValueError("too long")


@attrs.frozen
class FromSelf:
    id: str
    twice: str = attrs.Factory(lambda self: self.id * 2, takes_self=True)


@attrs.frozen(cache_hash=True)
class Hashed:
    id: str


class Counted:
    __slots__ = ()
    made: list[type] = []  # noqa: RUF012 - meant to be shared

    def __init_subclass__(cls) -> None:
        cls.made.append(cls)


@attrs.frozen
class OfCounted(Counted):
    id: str


@attrs.frozen(kw_only=True)
class Base:
    id: str


@attrs.frozen(kw_only=True)
class Inherited(Base):
    id2: str = "z"


PLAIN: dict[type, tuple[Any, bool]] = {
    WithDict: (WithDict("abc"), True),
    Inherited: (Inherited(id="abc"), True),
    NoSlots: (NoSlots("abc"), False),
    Converted: (Converted("ABC"), False),
    Validated: (Validated("abc"), False),
    Derived: (Derived("abc"), False),
    Checked: (Checked("abc"), False),
    FromSelf: (FromSelf("abc"), False),
    Hashed: (Hashed("abc"), False),
    OfCounted: (OfCounted("abc"), False),
}


@pytest.mark.parametrize("kind", PLAIN)
def test_a_class_that_does_more_than_hold_fields_is_made_by_its_own_init(kind: type) -> None:
    record, by_code = PLAIN[kind]
    assert can_generate(kind) is by_code
    value: Json = {"id": "abc"}
    made: list[Any] = [decode_record(kind, value), *decode_records(kind, [value] * 25)]
    assert made == [record] * 26
    assert {type(one) for one in made} == {kind}
    with pytest.raises(InvalidResponseError) as caught:
        decode_record(kind, {"id": 1})
    assert caught.value.problems == (("$.id", "expected a text, got an integer"),)


def test_the_readers_of_a_class_are_no_subclasses_that_it_hears_of() -> None:
    decode_record(OfCounted, {"id": "abc"})
    assert set(Counted.made) <= {OfCounted} | {made for made in Counted.made if made.__name__ == "OfCounted"}


@pytest.mark.parametrize("kind", [Validated, Checked])
def test_a_check_of_the_class_is_made(kind: type) -> None:
    with pytest.raises(InvalidResponseError) as caught:
        decode_records(kind, [{"id": "abc"}, {"id": "abcd"}])
    assert caught.value.problems[0][0].startswith("$[1]")


@attrs.frozen(kw_only=True)
class Folder:
    name: str
    inside: "list[Folder]" = attrs.field(factory=list["Folder"])
    parent: "Folder | None" = None


def test_a_class_that_holds_itself() -> None:
    value: Json = {"name": "a", "inside": [{"name": "b", "inside": [{"name": "c"}]}], "parent": {"name": "d"}}
    inside = [Folder(name="b", inside=[Folder(name="c")])]
    folder = Folder(name="a", inside=inside, parent=Folder(name="d"))
    assert decode_record(Folder, value) == folder
    assert decode_records(Folder, [value] * 25) == [folder] * 25
    with pytest.raises(InvalidResponseError) as caught:
        decode_record(Folder, {"name": "a", "inside": [{"name": "b", "inside": [{"name": 1}]}]})
    assert caught.value.problems == (("$.inside[0].inside[0].name", "expected a text, got an integer"),)


@attrs.frozen(kw_only=True)
class Tree:
    name: str
    branches: "tuple[Tree, ...]" = ()


def test_a_class_that_holds_itself_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[type] = []

    def counting(kind: type, layout: RecordLayout, hook_for: Callable[[Any], ReadOne]) -> ReadOne:
        made.append(kind)
        return object_reader(kind, layout, hook_for)

    monkeypatch.setattr(converter, "object_reader", counting)
    assert decode_record(Tree, {"name": "a", "branches": [{"name": "b"}]}).branches == (Tree(name="b"),)
    assert made == [Tree]


def test_records_within_records_without_end_are_refused() -> None:
    value: JsonObject = {"name": "x"}
    for _ in range(5000):
        value = {"name": "x", "parent": value}
    with pytest.raises(InvalidResponseError):
        decode_record(Folder, value)
