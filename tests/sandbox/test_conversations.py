"""The sandbox's conversations and messages, in memory, over HTTP and over HTTPS."""

from typing import Any

import pytest
from sandbox.asking import START, Opener

from setsmart_async.records.codec import decode_record
from setsmart_async.records.conversation import Message
from setsmart_async.sandbox.answers import RefusedError
from setsmart_async.wire import JsonObject

CONVERSATIONS: list[JsonObject] = [
    {
        "id": f"conv_{number}",
        "reservation_id": f"res_{number}",
        "property_id": f"prop_{number % 2}",
        "channel": "airbnb",
        "unread": number == 3,
        "updated_at": f"2023-01-0{number}T00:00:00Z",
    }
    for number in range(1, 5)
]


def ids(page: Any) -> list[str]:  # noqa: ANN401  JSON to look into
    return [record["id"] for record in page["data"]]


def test_conversations_are_found_by_what_they_are_about(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(conversations=CONVERSATIONS)
    for query, found in (
        ("", [1, 2, 3, 4]),
        ("?reservation_id=res_2", [2]),
        ("?property_id=prop_1", [1, 3]),
        ("?unread=true", [3]),
        ("?unread=false&property_id=prop_1", [1]),
        ("?updated_since=2023-01-03T00:00:00Z", [3, 4]),
    ):
        assert ids(sandbox.read("GET", f"/conversations{query}")) == [f"conv_{number}" for number in found]
    assert sandbox.read("GET", "/conversations/conv_2") == CONVERSATIONS[1]
    assert sandbox.fail("GET", "/conversations?unread=maybe")[2] == {"unread": "invalid_value"}
    assert sandbox.fail("GET", "/conversations/nope")[0] == 404
    assert sandbox.fail("POST", "/conversations", {})[0] == 405


def test_a_message_that_is_sent_is_found_and_moves_its_conversation(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(conversations=CONVERSATIONS)
    sandbox.clock.now += 60
    asked = {"body": "Welcome!", "id": "mine", "status": "failed", "sender": "guest", "direction": "inbound"}
    sent = sandbox.read("POST", "/conversations/conv_1/messages", asked)
    now = "2023-11-14T22:14:20Z"
    assert sent == {
        "id": sent["id"],
        "conversation_id": "conv_1",
        "direction": "outbound",
        "sender": "host",
        "status": "sent",
        "body": "Welcome!",
        "channel": "airbnb",
        "attachments": [],
        "created_at": now,
    }
    assert sent["id"] != "mine"
    assert decode_record(Message, sent).body == "Welcome!"
    by_mail = sandbox.read("POST", "/conversations/conv_1/messages", {"body": "x", "channel": "email"})
    assert by_mail["channel"] == "email"
    sandbox.read("POST", "/conversations/conv_2/messages", {"body": "y"})
    assert ids(sandbox.read("GET", "/conversations/conv_1/messages")) == [sent["id"], by_mail["id"]]
    assert ids(sandbox.read("GET", "/conversations/conv_1/messages?limit=1")) == [sent["id"]]
    assert sandbox.read("GET", "/conversations/conv_1") == {
        **CONVERSATIONS[0], "last_message_at": now, "updated_at": now,
    }  # fmt: skip
    assert ids(sandbox.read("GET", f"/conversations?updated_since={now}")) == ["conv_1", "conv_2"]


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"body": "required"}),
        ({"body": None}, {"body": "required"}),
        ({"body": " "}, {"body": "invalid_value"}),
        ({"body": "x" * 10_001}, {"body": "invalid_value"}),
        ({"body": ["x"], "channel": 7}, {"body": "invalid_type", "channel": "invalid_type"}),
    ],
)
def test_a_message_that_says_nothing_is_not_sent(
    open_sandbox: Opener, body: JsonObject, errors: dict[str, str]
) -> None:
    sandbox = open_sandbox(conversations=CONVERSATIONS)
    assert sandbox.fail("POST", "/conversations/conv_1/messages", body) == (400, "invalid_parameters", errors)
    assert sandbox.read("GET", "/conversations/conv_1/messages")["data"] == []
    assert sandbox.read("GET", "/conversations/conv_1") == CONVERSATIONS[0]


def test_a_conversation_that_there_is_not_has_no_messages(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(conversations=CONVERSATIONS)
    assert sandbox.fail("GET", "/conversations/nope/messages") == (404, "not_found", {})
    assert sandbox.fail("POST", "/conversations/nope/messages", {"body": "x"}) == (404, "not_found", {})


def test_a_guest_can_be_played(open_sandbox: Opener) -> None:
    told: list[tuple[str, JsonObject]] = []
    sandbox = open_sandbox(conversations=CONVERSATIONS, tell=lambda kind, data: told.append((kind, data)))
    received = sandbox.api.conversations.receive("conv_1", "Where are the keys?", START)
    assert sandbox.read("GET", "/conversations/conv_1/messages")["data"] == [received]
    assert (received["direction"], received["sender"], received["status"]) == ("inbound", "guest", "delivered")
    assert ids(sandbox.read("GET", "/conversations?unread=true")) == ["conv_1", "conv_3"]
    assert told == [("message.received", received)]
    with pytest.raises(RefusedError):
        sandbox.api.conversations.receive("nope", "?", START)
