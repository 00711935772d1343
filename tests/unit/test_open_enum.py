"""Open enumerations and UNSET."""

import copy
import json
import pickle
from collections.abc import Callable

import pytest

from setsmart_async import (
    UNSET,
    MessageDirection,
    MessageSender,
    MessageStatus,
    OpenEnum,
    PropertyStatus,
    ReservationStatus,
    WebhookEventType,
)
from setsmart_async.records.codec import encode_value
from setsmart_async.wire import encode_json

HAUNTED = PropertyStatus("haunted")
BOTH = [PropertyStatus.ACTIVE, HAUNTED]


class Stay(OpenEnum, members=("checked_in", "no_show")):
    __slots__ = ()


def test_members_are_known_by_name() -> None:
    assert PropertyStatus.members == {"active", "inactive", "draft", "archived"}
    assert [PropertyStatus.ACTIVE, PropertyStatus.INACTIVE] == ["active", "inactive"]
    assert [PropertyStatus.DRAFT, PropertyStatus.ARCHIVED] == ["draft", "archived"]
    assert vars(Stay)["CHECKED_IN"] == "checked_in"
    assert type(vars(Stay)["NO_SHOW"]) is Stay
    assert OpenEnum.members == frozenset()


@pytest.mark.parametrize(
    ("text", "known"), [("active", True), ("haunted", False), ("Active", False), ("", False), ("ACTIVE", False)]
)
def test_a_text_is_known_when_it_is_a_members(text: str, known: bool) -> None:
    assert PropertyStatus(text).known is known


def test_a_member_of_one_enumeration_is_none_of_another() -> None:
    assert not Stay("active").known


@pytest.mark.parametrize("value", BOTH)
def test_it_compares_sorts_and_hashes_as_its_text(value: PropertyStatus) -> None:
    text = str(value)
    assert type(text) is str
    assert value == text
    assert hash(value) == hash(text)
    assert {text: 1}[value] == 1
    assert value != text + "x"
    assert sorted([PropertyStatus("b"), "c", PropertyStatus("a")]) == ["a", "b", "c"]


@pytest.mark.parametrize("value", BOTH)
def test_it_is_shown_as_its_text_and_its_repr_says_what_it_is(value: PropertyStatus) -> None:
    assert f"{value}" == f"{value!s}" == "%s" % value == str.__str__(value)  # noqa: UP031 - one way among others
    assert f"{value:>10}" == format(str(value), ">10")
    assert repr(value) == "PropertyStatus(" + repr(str(value)) + ")"
    assert eval(repr(value)) == value


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("value", BOTH)
def test_it_survives_pickling(value: PropertyStatus, protocol: int) -> None:
    assert_same(pickle.loads(pickle.dumps(value, protocol)), value)


@pytest.mark.parametrize("value", BOTH)
def test_it_survives_copying(value: PropertyStatus) -> None:
    assert_same(copy.copy(value), value)
    assert_same(copy.deepcopy(value), value)


def assert_same(other: PropertyStatus, value: PropertyStatus) -> None:
    assert type(other) is PropertyStatus
    assert other == value
    assert other.known is value.known


@pytest.mark.parametrize("value", BOTH)
def test_it_is_written_as_a_text(value: PropertyStatus) -> None:
    assert json.dumps(value) == json.dumps(str(value))
    assert encode_json(encode_value(value)) == json.dumps(str(value)).encode()


def test_it_takes_no_attributes() -> None:
    assert not hasattr(HAUNTED, "__dict__")


AMERICAN = ReservationStatus("canceled")


def test_another_spelling_of_a_member_is_that_member() -> None:
    assert AMERICAN == ReservationStatus.CANCELLED == "cancelled"
    assert hash(AMERICAN) == hash("cancelled")
    assert {"cancelled": 1}[AMERICAN] == 1
    assert AMERICAN.known
    assert str(AMERICAN) == f"{AMERICAN}" == "cancelled"
    assert repr(AMERICAN) == "ReservationStatus('canceled')"
    assert [status for status in ReservationStatus.members if status == AMERICAN] == ["cancelled"]


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_the_spelling_is_kept_and_sent_back(again: Callable[[ReservationStatus], ReservationStatus]) -> None:
    assert AMERICAN.raw == "canceled"
    assert again(AMERICAN).raw == "canceled"
    assert encode_value(again(AMERICAN)) == "canceled"
    assert encode_value(ReservationStatus.CANCELLED) == "cancelled"
    assert ReservationStatus(AMERICAN).raw == "canceled"


def test_a_member_has_a_name_that_python_can_say() -> None:
    assert WebhookEventType.MESSAGE_RECEIVED == "message.received"
    assert WebhookEventType.ALL == "*"
    names = [name for name in vars(WebhookEventType) if name.isupper()]
    assert {getattr(WebhookEventType, name) for name in names} == WebhookEventType.members


@pytest.mark.parametrize(
    "kind", [PropertyStatus, ReservationStatus, MessageDirection, MessageSender, MessageStatus, WebhookEventType]
)
def test_every_member_is_declared_for_type_checkers(kind: type[OpenEnum]) -> None:
    assert {getattr(kind, name) for name in kind.__annotations__} == kind.members


def test_unset_is_neither_none_nor_true_and_there_is_one() -> None:
    assert UNSET is not None
    assert not UNSET
    assert repr(UNSET) == "UNSET"
    assert pickle.loads(pickle.dumps(UNSET)) is UNSET
    assert copy.deepcopy(UNSET) is UNSET
