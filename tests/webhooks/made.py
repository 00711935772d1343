"""What the webhook tests share: a secret, a clock, deliveries."""

import json
from typing import Any

from setsmart_async import WebhookEvent
from setsmart_async.webhooks import MemoryReplayStore, ReplayStore, WebhookReceiver, WebhookVerifier

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_" + "b3RoZXItc2VjcmV0LW90aGVyLXNlY3JldC0wMQ=="
NOW = 1_800_000_000


class SetClock:
    """A clock that stands until it is set; its sleeps are noted and end at once."""

    def __init__(self, wall: float = NOW) -> None:
        self.now = wall
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def event_body(event_type: str = "reservation.updated", event_id: str = "evt_1", **fields: Any) -> bytes:
    envelope = {"id": event_id, "type": event_type, "timestamp": "2027-01-15T08:00:00Z", "data": {"id": "res_1"}}
    return json.dumps(envelope | fields).encode()


def verifier(clock: SetClock | None = None, *secrets: str) -> WebhookVerifier:
    return WebhookVerifier(*(secrets or (SECRET,)), clock=clock or SetClock())


def receiver(store: ReplayStore | None = None, clock: SetClock | None = None, **settings: Any) -> WebhookReceiver:
    clock = clock or SetClock()
    return WebhookReceiver(verifier(clock), store=store or MemoryReplayStore(), clock=clock, **settings)


def delivery(body: bytes, delivery_id: str = "msg_1", at: float = NOW) -> tuple[bytes, dict[str, str]]:
    return body, verifier().sign(body, delivery_id=delivery_id, timestamp=int(at))


def at(second: int, event_type: str = "reservation.updated", record: str = "res_1", **data: Any) -> bytes:
    """An event about a record, `second` seconds into the hour."""
    timestamp = f"2027-01-15T08:{second // 60:02d}:{second % 60:02d}Z"
    return event_body(event_type, f"evt_{second}", timestamp=timestamp, data={"id": record, **data})


async def never(event: WebhookEvent) -> None:
    raise AssertionError("another type's handler was called")
