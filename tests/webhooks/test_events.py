"""The envelope under its names; thin payloads; and where an event stands."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from webhooks.made import NOW

from setsmart_async import WebhookEvent, WebhookVerificationError
from setsmart_async.webhooks import VerifiedDelivery, is_thin, position_of, read_event, record_id, resource_of
from setsmart_async.webhooks.verifier import REFUSED

WHEN = "2027-01-15T08:00:00Z"
AT = datetime(2027, 1, 15, 8, tzinfo=UTC)
AT_SECONDS = AT.timestamp()


def read(value: Any, delivery_id: str | None = "msg_1") -> WebhookEvent:
    return read_event(VerifiedDelivery(id=delivery_id, timestamp=NOW, body=json.dumps(value).encode()))


@pytest.mark.parametrize(
    "envelope",
    [
        {"id": "evt_1", "type": "reservation.cancelled", "timestamp": WHEN, "data": {"id": "res_1"}},
        {"event_id": "evt_1", "event_type": "reservation.canceled", "created_at": WHEN, "payload": {"id": "res_1"}},
        {"eventId": "evt_1", "eventType": "reservation.cancelled", "createdAt": WHEN, "object": {"id": "res_1"}},
        {"id": "evt_1", "event": "reservation.cancelled", "created": 1_800_000_000, "resource": {"id": "res_1"}},
        {"id": "evt_1", "topic": "reservation.cancelled", "time": 1_800_000_000_000, "data": {"id": "res_1"}},
        {
            "id": "evt_1",
            "type": "reservation.cancelled",
            "timestamp": "2027-01-15T10:00:00+02:00",
            "data": {"id": "res_1"},
        },
    ],
)
def test_the_envelope_and_its_aliases(envelope: Any) -> None:
    event = read(envelope)
    assert (event.id, event.type, event.timestamp, event.data) == (
        "evt_1",
        "reservation.cancelled",
        AT,
        {"id": "res_1"},
    )
    assert event.extra == {}
    assert (resource_of(event), record_id(event)) == ("reservation", "res_1")
    assert is_thin(event)


def test_without_an_id_the_deliverys_or_the_bodys_own() -> None:
    assert read({"type": "x"}).id == "msg_1"
    bare = read({"type": "x"}, None)
    assert bare.id == read({"type": "x"}, None).id != read({"type": "y"}, None).id
    assert len(bare.id) == 64


def test_a_record_in_the_envelope_itself() -> None:
    event = read({"event": "message.received", "message_id": "msg_9", "conversation_id": "con_1"})
    assert (event.data["conversation_id"], record_id(event), is_thin(event)) == ("con_1", "msg_9", True)


@pytest.mark.parametrize("timestamp", ["yesterday", True, 1e300, -1e300, [1], None, ""])
def test_an_unreadable_time_is_none(timestamp: Any) -> None:
    assert read({"id": "evt_1", "type": "x", "timestamp": timestamp, "data": {}}).timestamp is None


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"7", b"null", b"NaN", b'{"id": "evt_1"'])
def test_a_body_that_is_no_event(body: bytes) -> None:
    with pytest.raises(WebhookVerificationError) as caught:
        read_event(VerifiedDelivery(id="msg_1", timestamp=NOW, body=body))
    assert str(caught.value) == REFUSED


@pytest.mark.parametrize(
    ("envelope", "position"),
    [
        ({"type": "lock.x", "timestamp": WHEN, "data": {"id": 7}}, ("lock/7 by time", AT_SECONDS)),
        ({"type": "lock.x", "timestamp": WHEN, "data": {"id": 7, "version": 3}}, ("lock/7 by version", 3)),
        ({"type": "lock.x", "data": {"id": "r", "updated_at": WHEN}}, ("lock/r by time", AT_SECONDS)),
        (
            {"type": "calendar.updated", "timestamp": WHEN, "data": {"property_id": "p"}},
            ("calendar/p by time", AT_SECONDS),
        ),
        ({"type": "lock.x", "data": {"lock_id": "r"}}, None),
        ({"type": "lock.x", "timestamp": WHEN, "data": {"id": True}}, None),
        ({"type": "lock.x", "timestamp": WHEN, "data": {}}, None),
    ],
)
def test_where_an_event_stands(envelope: Any, position: Any) -> None:
    found = position_of(read(envelope))
    assert (found and (found.subject, found.value)) == position


def test_a_full_payload_is_not_thin() -> None:
    assert not is_thin(read({"type": "property.updated", "data": {"id": "p", "name": "Villa"}}))
