"""A client with SetSmart in miniature behind it, in memory: one line, no network, no waiting."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from setsmart_async.client import SetSmart
from setsmart_async.observer import Observer
from setsmart_async.policy.retry import RetryPolicy
from setsmart_async.records.codec import encode_record
from setsmart_async.records.conversation import Conversation, Message
from setsmart_async.records.property import Property
from setsmart_async.records.reservation import Reservation
from setsmart_async.records.webhook import WebhookSubscription
from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi
from setsmart_async.sandbox.faults import Fault, FaultPlan
from setsmart_async.sandbox.listing import PagingStyle
from setsmart_async.sandbox.quota import QuotaRule, QuotaSimulator
from setsmart_async.testing.waiting import SkippingClock, SkippingLimiter
from setsmart_async.transports.memory import MemoryTransport
from setsmart_async.wire import JsonObject

__all__ = ["FakeSetSmart"]

FakeRecord = Property | Reservation | Conversation | Message | WebhookSubscription
"""What a fake can be given to begin with."""

_BASE_URL: Final = "http://127.0.0.1:1/v1"


class FakeSetSmart(SetSmart):
    """A `SetSmart` for tests: ``FakeSetSmart(fake_property(bedrooms=3))``, wherever your code takes a client.

    Real but for the network and the time: limits, retries, paging and errors are the library's own. `sandbox` is the
    server: look into it, change it behind the client's back, let it fail. Nothing has to be closed.
    """

    def __init__(
        self,
        *records: FakeRecord,
        limit: int = 100,
        window: float = 10.0,
        paging: PagingStyle = "cursor",
        page_size: int = 20,
        faults: Iterable[Fault | str | int] = (),
        max_attempts: int = 3,
        deadline: float | None = 60.0,
        observer: Observer | None = None,
    ) -> None:
        """`limit` requests go in each `window` seconds; `faults` are what the next requests meet, one each.

        The `deadline` of a call counts the seconds that were skipped.
        """
        self.clock: SkippingClock = SkippingClock()
        """Stands, and jumps where something would wait; `SkippingClock.waited` says how long it would have been."""
        self.faults: FaultPlan = FaultPlan(faults)
        """What goes wrong; `FaultPlan.unmet` is what has not."""
        self.sandbox: SandboxApi = SandboxApi(
            _seeds(records, Property),
            reservations=_seeds(records, Reservation),
            conversations=_seeds(records, Conversation),
            messages=_seeds(records, Message),
            webhooks=_seeds(records, WebhookSubscription),
            quota=QuotaSimulator(QuotaRule(limit, window), send_retry_after=True),
            paging=paging,
            page_size=page_size,
            clock=self.clock,
            faults=self.faults,
        )
        """The server."""
        super().__init__(
            SANDBOX_API_KEY,
            base_url=_BASE_URL,
            transport=MemoryTransport(self.sandbox.handle),
            limiter=SkippingLimiter(self.clock),
            clock=self.clock,
            retry=RetryPolicy(max_attempts=max_attempts),
            deadline=deadline,
            observer=observer,
        )

    @property
    def requests(self) -> list[tuple[str, str]]:
        """Method and target of what the server was asked, oldest first; the last 1,000."""
        return [(request.method, request.target) for request in self.sandbox.statistics.recent]


def _seeds(records: Iterable[FakeRecord], kind: type) -> list[JsonObject]:
    return [encode_record(record) for record in records if type(record) is kind]
