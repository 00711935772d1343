"""Nothing that a record prints tells who the guests are, what they wrote, or a secret."""

from datetime import UTC, date, datetime

import pytest
from unit.values import CANARY

from setsmart_async import (
    Attachment,
    CalendarDay,
    Guest,
    Message,
    Reservation,
    WebhookEvent,
    WebhookEventType,
    WebhookSubscription,
)

GUEST = Guest(
    id="g1",
    first_name=CANARY,
    last_name=CANARY,
    email=CANARY,
    phone=CANARY,
    language="nb",
    extra={"address": CANARY},
)
ATTACHMENT = Attachment(url=f"https://x.test/{CANARY}", name=CANARY, mime_type="image/png")
PRINTED: dict[str, tuple[object, str]] = {
    "guest": (GUEST, "Guest(id='g1', language='nb', country=None)"),
    "reservation": (
        Reservation(
            id="r1",
            property_id="p1",
            check_in=date(2026, 7, 1),
            check_out=date(2026, 7, 5),
            guest=GUEST,
            notes=CANARY,
            confirmation_code=CANARY,
            extra={"owner": CANARY},
        ),
        "r1",
    ),
    "calendar day": (CalendarDay(date=date(2026, 7, 1), note=CANARY), "2026"),
    "attachment": (ATTACHMENT, "Attachment(mime_type='image/png', expires_at=None)"),
    "message": (Message(id="m1", body=CANARY, attachments=(ATTACHMENT,), extra={"html": CANARY}), "m1"),
    "subscription": (
        WebhookSubscription(id="w1", url=f"https://me:{CANARY}@x.test/{CANARY}?token={CANARY}", secret=CANARY),
        "url=https://x.test/...",
    ),
    "subscription with no URL for its url": (WebhookSubscription(id="w1", url=f"http://[{CANARY}"), "w1"),
    "subscription with a host that is none": (WebhookSubscription(id="w1", url=CANARY), "w1"),
    "event": (
        WebhookEvent(
            id="e1",
            type=WebhookEventType.MESSAGE_RECEIVED,
            timestamp=datetime(2026, 7, 1, tzinfo=UTC),
            data={"body": CANARY},
            extra={"more": CANARY},
        ),
        "message.received",
    ),
}


@pytest.mark.parametrize(("record", "shown"), PRINTED.values(), ids=list(PRINTED))
def test_what_is_printed_is_harmless_and_says_which_record_it_is(record: object, shown: str) -> None:
    for text in (repr(record), str(record), f"{[record]}"):
        assert CANARY not in text
        assert "Kari" not in text
        assert shown in text
