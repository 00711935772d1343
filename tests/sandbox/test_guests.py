"""The made-up stays, guests and messages that a sandbox may begin with."""

import re
from datetime import UTC, datetime

import pytest
from sandbox.asking import START, HandSetClock, in_memory
from sandbox.test_reservations import no_night_is_taken_twice

from setsmart_async.errors import ConfigurationError
from setsmart_async.records.codec import decode_records, encode_record
from setsmart_async.records.conversation import Conversation, Message
from setsmart_async.records.reservation import Reservation
from setsmart_async.sandbox.api import SandboxApi
from setsmart_async.sandbox.guests import FIRST_DAY, seed_conversations, seed_messages, seed_reservations
from setsmart_async.sandbox.resources.reservations import SHAPE
from setsmart_async.sandbox.seed import seed_properties
from setsmart_async.wire import JsonObject

HOMES = list(seed_properties(30))


def stays(count: int) -> list[JsonObject]:
    return list(seed_reservations(HOMES, count))


def test_they_are_the_same_each_time() -> None:
    assert stays(100) == stays(100) == stays(200)[:100]
    talks = list(seed_conversations(stays(20)))
    assert talks == list(seed_conversations(stays(20)))
    assert list(seed_messages(talks)) == list(seed_messages(talks))


def test_they_are_records_of_the_api() -> None:
    made = stays(300)
    read = decode_records(Reservation, list(made))
    assert [encode_record(one) for one in read] == made
    assert {str(home["id"]) for home in HOMES} == {stay.property_id for stay in read}
    assert {"confirmed", "cancelled", "pending", "inquiry"} < {str(stay.status) for stay in read}
    for stay, seed in zip(read, made, strict=True):
        assert SHAPE.problems(seed) == []
        assert FIRST_DAY <= stay.check_in < stay.check_out
        assert stay.created_at is not None
        assert stay.created_at.date() < stay.check_in
        assert (stay.cancelled_at is not None) == (stay.status == "cancelled")
    talks = decode_records(Conversation, list(seed_conversations(made)))
    assert [talk.reservation_id for talk in talks] == [stay.id for stay in read]
    assert [talk.guest_id for talk in talks] == [stay.guest.id for stay in read if stay.guest is not None]


def test_a_stay_costs_what_its_home_says() -> None:
    home: JsonObject = {"id": "prop_1", "nightly_price": "10.10", "currency": "EUR"}
    (stay,) = decode_records(Reservation, list(seed_reservations([home], 1)))
    assert stay.total_amount is not None
    assert (str(stay.total_amount / stay.nights), stay.currency) == ("10.10", "EUR")


def test_no_two_take_the_same_night() -> None:
    api = SandboxApi(5, reservations=200, clock=HandSetClock())
    assert len(api.reservations.store) == 200
    assert no_night_is_taken_twice(in_memory(api, HandSetClock()))


def test_nobody_real_is_in_them() -> None:
    for stay in stays(300):
        guest = stay["guest"]
        assert isinstance(guest, dict)
        assert re.fullmatch(r"[a-z]+\.[a-z]+\.[0-9]+@example\.com", str(guest["email"]))
        assert re.fullmatch(r"\+1 202 555 01[0-9]{2}", str(guest["phone"]))
    assert len({str(stay["guest"]) for stay in stays(300)}) == 300


def test_messages_are_those_of_their_conversations() -> None:
    talks = decode_records(Conversation, list(seed_conversations(stays(50))))
    messages = decode_records(Message, list(seed_messages(seed_conversations(stays(50)))))
    assert len({message.id for message in messages}) == len(messages) > 100
    for talk in talks:
        own = [message for message in messages if message.conversation_id == talk.id]
        times = [message.created_at for message in own if message.created_at is not None]
        assert times == sorted(set(times))
        assert (times[0], times[-1]) == (talk.created_at, talk.last_message_at)
        assert [str(message.direction) for message in own] == (["inbound", "outbound"] * 3)[: len(own)]
        assert talk.unread == (own[-1].direction == "inbound")


def test_a_sandbox_in_one_line() -> None:
    api = SandboxApi(10, reservations=25)
    assert len(api.properties) == 10
    assert len(api.reservations.store) == len(api.conversations.store) == 25
    assert len(api.conversations.messages) >= 25
    sandbox = in_memory(api, HandSetClock())
    assert sandbox.read("GET", "/conversations/conv_3/messages")["total"] >= 1
    assert sandbox.read("POST", "/conversations/conv_3/messages", {"body": "Hello"})["id"] == "msg_new_1"


def test_more_conversations_may_stand_beside_the_made_up_ones() -> None:
    own: JsonObject = {"id": "m", "conversation_id": "own"}
    api = SandboxApi(10, reservations=2, conversations=[{"id": "own"}], messages=[own])
    assert [talk["id"] for talk in api.conversations.store] == ["conv_1", "conv_2", "own"]
    assert in_memory(api, HandSetClock()).read("GET", "/conversations/own/messages")["data"] == [own]


def test_what_can_not_be_seeded_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="fewer than 0 reservations"):
        seed_reservations(HOMES, -1)
    with pytest.raises(ConfigurationError, match="holds no property"):
        SandboxApi(0, reservations=1)
    assert SandboxApi(0, reservations=0).report()["requests"] == 0


def test_they_lie_behind_the_listings() -> None:
    assert datetime.fromtimestamp(START, UTC).date() < FIRST_DAY
