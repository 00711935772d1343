"""Conversations: read, and written to once."""

import pytest
from resources.fake_engine import always, run

from setsmart_async import Dialect, MessageDirection
from setsmart_async.policy.retry import RetryClass
from setsmart_async.resources.conversations import Conversations
from setsmart_async.wire import JsonObject

TALK: JsonObject = {"id": "conv_1", "reservation_id": "res_1", "unread": True, "channel": "email"}
MESSAGE: JsonObject = {"id": "msg_1", "conversation_id": "conv_1", "direction": "outbound", "body": "Hello"}


def test_a_conversation_is_read() -> None:
    engine = always(TALK)
    talk = run(engine.lend(Conversations).get("conv_1"))
    assert (talk.id, talk.unread) == ("conv_1", True)
    assert engine.requests == [("GET", "/conversations/conv_1")]


def test_a_list_asks_with_its_filters() -> None:
    engine = always([TALK])
    conversations = engine.lend(Conversations)
    run(conversations.list(reservation_id="res_1", property_id="p", unread=False).all())
    assert engine.requests == [("GET", "/conversations?reservation_id=res_1&property_id=p&unread=false")]


def test_messages_are_walked_under_their_conversation() -> None:
    engine = always({"data": [MESSAGE], "has_more": False})
    [message] = run(engine.lend(Conversations).messages("conv/1", page_size=5).all())
    assert message.direction == MessageDirection.OUTBOUND
    assert engine.requests == [("GET", "/conversations/conv%2F1/messages?limit=5")]


def test_messages_under_their_own_name_are_found() -> None:
    engine = always({"messages": [MESSAGE], "conversation": TALK})
    [message] = run(engine.lend(Conversations).messages("conv_1").all())
    assert message.id == "msg_1"


def test_sending_is_never_safe_to_repeat_unless_the_caller_says_so() -> None:
    engine = always(MESSAGE)
    conversations = engine.lend(Conversations)
    message = run(conversations.send("conv_1", "Hello", channel="email"))
    assert message.id == "msg_1"
    assert engine.requests == [("POST", "/conversations/conv_1/messages")]
    assert engine.body() == {"body": "Hello", "channel": "email"}
    assert engine.calls[0].retry_class is RetryClass.UNSAFE

    run(conversations.send("conv_1", "Hello", may_repeat=True))
    assert engine.body() == {"body": "Hello"}
    assert engine.calls[1].retry_class is RetryClass.IDEMPOTENT


def test_with_a_server_that_honours_keys_a_message_has_one() -> None:
    engine = always(MESSAGE)
    conversations = engine.lend(Conversations, dialect=Dialect(idempotency_header="Idempotency-Key"))
    run(conversations.send("conv_1", "Hello", idempotency_key="once"))
    assert engine.calls[0].idempotency_key == "once"
    assert engine.calls[0].retry_class is RetryClass.KEYED


@pytest.mark.parametrize("body", ["", " \n\t"])
def test_an_empty_message_is_not_sent(body: str) -> None:
    engine = always(MESSAGE)
    with pytest.raises(ValueError, match="something in it"):
        run(engine.lend(Conversations).send("conv_1", body))
    assert engine.calls == []
