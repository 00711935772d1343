"""Webhooks out of the sandbox: what happens in it is told to who subscribed, signed, and repeated until it is taken.

Where SetSmart sends its webhooks from, and how often it repeats them, is not documented: all of it is provisional.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import attrs

from setsmart_async.clock import Clock, SystemClock
from setsmart_async.errors import ClientClosedError, ConfigurationError, TransportError
from setsmart_async.sandbox.api import SandboxApi
from setsmart_async.sandbox.timestamps import rfc3339
from setsmart_async.transports.base import Transport
from setsmart_async.webhooks.scheme import STANDARD_WEBHOOKS, SignatureScheme
from setsmart_async.webhooks.verifier import WebhookVerifier
from setsmart_async.wire import HttpRequest, JsonObject, Origin, encode_json

RETRY_DELAYS: Final = (1.0, 5.0, 30.0, 120.0, 600.0)
"""Seconds between the attempts at one delivery."""
LOGGED: Final = 1_000
"""How many attempts the log reaches back."""

_TIMEOUT: Final = 15.0


@attrs.frozen(kw_only=True)
class DeliveryFaults:
    """What goes wrong on purpose: senders of webhooks promise neither order nor "once".

    Raises `ConfigurationError` for shares that are none.
    """

    duplicates: float = 0.0
    """The share of deliveries that are sent a second time, although the first was taken."""
    overtaking: float = 0.0
    """The share of deliveries that wait until a later one has been sent."""
    seed: int = 0
    """The same faults in the same places each time."""

    def __attrs_post_init__(self) -> None:
        if not (0 <= self.duplicates <= 1 and 0 <= self.overtaking <= 1):
            raise ConfigurationError("DeliveryFaults: duplicates and overtaking are shares, from 0 to 1.")


@attrs.frozen(kw_only=True)
class DeliveryAttempt:
    """One request of a delivery."""

    event_id: str
    event_type: str
    subscription_id: str
    number: int
    """1 for the first attempt."""
    status: int | None
    """What the receiver answered; None: nothing."""

    @property
    def was_taken(self) -> bool:
        """Whether it is not repeated."""
        return self.status is not None and 200 <= self.status < 300


@attrs.define
class _Delivery:
    event_id: str
    event_type: str
    subscription_id: str
    url: str
    secret: str
    body: bytes
    attempts: int = 0


class WebhookSender:
    """Sends what happens in a sandbox: ``async with WebhookSender(api, transport): ...``.

    Each event goes to every active subscription that wants it, in the order of events unless a fault is asked for, and
    again after `retry_delays` seconds until a 2xx comes back. Belongs to one event loop. Closing it ends what is under
    way and forgets what was not delivered.
    """

    def __init__(
        self,
        api: SandboxApi,
        transport: Transport,
        *,
        scheme: SignatureScheme = STANDARD_WEBHOOKS,
        faults: DeliveryFaults | None = None,
        retry_delays: Sequence[float] = RETRY_DELAYS,
        concurrency: int = 1,
        clock: Clock | None = None,
    ) -> None:
        """`transport` carries the deliveries, and stays yours to close.

        With a `concurrency` above 1 deliveries may overtake each other.
        """
        self._api = api
        self._transport = transport
        self._scheme = scheme
        self._faults = DeliveryFaults() if faults is None else faults
        self._random = random.Random(self._faults.seed)  # noqa: S311 - which faults, not which secrets
        self._retry_delays = tuple(retry_delays)
        self._clock = SystemClock() if clock is None else clock
        self._concurrency = concurrency
        self._next_event = 1
        self._ready: asyncio.Queue[_Delivery] = asyncio.Queue()
        self._overtaken: list[_Delivery] = []
        self._unsettled = 0
        self._settled = asyncio.Event()
        self._settled.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.attempts: deque[DeliveryAttempt] = deque(maxlen=LOGGED)
        """The last 1,000 attempts, oldest first."""

    async def __aenter__(self) -> Self:
        self._api.tell = self._hear
        for _ in range(self._concurrency):
            self._keep(asyncio.create_task(self._work()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Send nothing more. May be called twice."""
        if self._api.tell == self._hear:
            self._api.tell = None
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _hear(self, event_type: str, data: JsonObject) -> None:
        self.send(event_type, data)

    def send(self, event_type: str, data: JsonObject) -> JsonObject:
        """Deliver an event to who wants it, and give it back; what happens in the sandbox comes here by itself."""
        event_id = f"evt_{self._next_event:08d}"
        self._next_event += 1
        event: JsonObject = {"id": event_id, "type": event_type, "timestamp": rfc3339(self._api.now()), "data": data}
        body = encode_json(event)
        for subscription in self._api.webhooks.wanting(event_type):
            secret = subscription.get("secret")
            if isinstance(secret, str):
                self._put(
                    _Delivery(event_id, event_type, str(subscription["id"]), str(subscription["url"]), secret, body)
                )
        return event

    def example(self, event_type: str) -> JsonObject:
        """Data for an event that did not happen: of the newest record of its kind."""
        resource, api = event_type.partition(".")[0], self._api
        stores = {"reservation": api.reservations.store, "message": api.conversations.messages}
        records = stores.get(resource, api.properties).select().records
        newest: JsonObject = dict(records[-1]) if records else {"id": f"{resource}_example"}
        return {"property_id": newest["id"]} if resource == "calendar" else newest

    async def drain(self) -> None:
        """Wait until every delivery has been taken, or was given up on."""
        self._let_go()
        await self._settled.wait()

    def _put(self, delivery: _Delivery) -> None:
        copies = 2 if self._random.random() < self._faults.duplicates else 1
        overtaken = self._random.random() < self._faults.overtaking
        for _ in range(copies):
            self._unsettled += 1
            self._settled.clear()
            copy = attrs.evolve(delivery)
            if overtaken:
                self._overtaken.append(copy)
            else:
                self._ready.put_nowait(copy)
        if not overtaken:
            self._let_go()

    def _let_go(self) -> None:
        """Those that were overtaken are sent now: the last of them first."""
        while self._overtaken:
            self._ready.put_nowait(self._overtaken.pop())

    async def _work(self) -> None:
        while True:
            delivery = await self._ready.get()
            delivery.attempts += 1
            status = await self._attempt(delivery)
            attempt = DeliveryAttempt(
                event_id=delivery.event_id,
                event_type=delivery.event_type,
                subscription_id=delivery.subscription_id,
                number=delivery.attempts,
                status=status,
            )
            self.attempts.append(attempt)
            if attempt.was_taken or delivery.attempts > len(self._retry_delays):
                self._unsettled -= 1
                if not self._unsettled:
                    self._settled.set()
            else:
                self._keep(asyncio.create_task(self._later(delivery, self._retry_delays[delivery.attempts - 1])))

    async def _attempt(self, delivery: _Delivery) -> int | None:
        parts = urlsplit(delivery.url)
        default = 443 if parts.scheme == "https" else 80
        headers = WebhookVerifier(delivery.secret, scheme=self._scheme).sign(
            delivery.body, delivery_id=delivery.event_id, timestamp=int(self._api.now())
        )
        request = HttpRequest(
            method="POST",
            origin=Origin("https" if parts.scheme == "https" else "http", parts.hostname or "", parts.port or default),
            target=f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/",
            headers={"Content-Type": "application/json", "User-Agent": "setsmart-sandbox", **headers},
            body=delivery.body,
        )
        try:
            return (await self._transport.send(request, timeout=_TIMEOUT)).status
        except (TransportError, ClientClosedError):
            return None

    async def _later(self, delivery: _Delivery, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._ready.put_nowait(delivery)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
