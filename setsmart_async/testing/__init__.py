"""For the tests of those who use the library.

`FakeSetSmart` is a client with a server in memory; the ``fake_…`` functions make records; `plugin` has pytest's
fixtures; `Cassette` records and replays; `transport_contract` holds a transport of your own to the contract. Importing
`setsmart_async` loads nothing of it.
"""

from setsmart_async.sandbox.faults import Fault, FaultPlan
from setsmart_async.testing.builders import (
    fake_calendar_day,
    fake_conversation,
    fake_guest,
    fake_message,
    fake_property,
    fake_reservation,
    fake_webhook_event,
)
from setsmart_async.testing.cassette import Cassette
from setsmart_async.testing.fake import FakeSetSmart
from setsmart_async.testing.waiting import SkippingClock, SkippingLimiter

__all__ = [
    "Cassette",
    "FakeSetSmart",
    "Fault",
    "FaultPlan",
    "SkippingClock",
    "SkippingLimiter",
    "fake_calendar_day",
    "fake_conversation",
    "fake_guest",
    "fake_message",
    "fake_property",
    "fake_reservation",
    "fake_webhook_event",
]
