"""The client: opens, lends and closes everything below it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from copy import copy
from functools import partial
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypedDict, TypeVar, Unpack, overload

import attrs

from setsmart_async.clock import Clock, SystemClock
from setsmart_async.config import CallOptions, key_source_from, origin_from
from setsmart_async.contract import Dialect
from setsmart_async.engine.call import Reply
from setsmart_async.engine.engine import Engine
from setsmart_async.engine.key_ring import KeyRing
from setsmart_async.keys import ApiKey, KeyProvider
from setsmart_async.limits.limiter import KeyedLimiter, QuotaState, RateLimiter
from setsmart_async.limits.local import LocalLimiter
from setsmart_async.limits.registry import borrow_redis_limiter, give_back, redis_url_from, shared_limiter
from setsmart_async.observer import Observer
from setsmart_async.policy.retry import RetryPolicy
from setsmart_async.policy.retry_budget import RetryBudget
from setsmart_async.priority import Priority
from setsmart_async.transports.aiohttp import AiohttpTransport
from setsmart_async.transports.base import Transport
from setsmart_async.wire import Json, Origin

if TYPE_CHECKING:  # resources that not every program needs are imported when first asked for
    from setsmart_async.limits.shared import SharedLimiter
    from setsmart_async.records.conversation import Conversation
    from setsmart_async.records.property import Property
    from setsmart_async.records.reservation import Reservation
    from setsmart_async.records.webhook import WebhookEvent
    from setsmart_async.resources.calendar import Calendar
    from setsmart_async.resources.conversations import Conversations
    from setsmart_async.resources.own import Method, OwnResource
    from setsmart_async.resources.properties import Properties
    from setsmart_async.resources.reservations import Reservations
    from setsmart_async.resources.webhook_subscriptions import WebhookSubscriptions

R = TypeVar("R")


class OptionChanges(TypedDict, total=False):
    """What `SetSmart.with_options` can change; see `CallOptions`."""

    deadline: float | None
    queueing_counts: bool
    attempt_timeout: float | None
    max_wait: float | None
    priority: Priority
    retry: RetryPolicy


class SetSmart:
    """An account of SetSmart. Share one client among all tasks of an event loop.

    .. code-block:: python

        async with SetSmart() as setsmart:
            villa = await setsmart.properties.get("prop_123")
    """

    _lent: bool = False
    _borrowed: SharedLimiter | None = None

    def __init__(
        self,
        api_key: ApiKey | KeyProvider | str | None = None,
        *,
        fallback_key: ApiKey | str | None = None,
        base_url: str | None = None,
        deadline: float | None = 60.0,
        attempt_timeout: float | None = 30.0,
        max_wait: float | None = None,
        priority: Priority = Priority.NORMAL,
        retry: RetryPolicy | None = None,
        retry_budget: RetryBudget | None = None,
        max_concurrency: int = 100,
        limiter: RateLimiter | None = None,
        transport: Transport | None = None,
        observer: Observer | None = None,
        dialect: Dialect | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Nothing is connected yet, and no event loop is needed.

        `api_key` is the key, or a function, plain or async, that gives it; it comes from ``SETSMART_API_KEY`` or the
        file ``SETSMART_API_KEY_FILE`` when left out. `fallback_key` is used when the server refuses that one, which
        bridges a rotation. `base_url` comes from ``SETSMART_BASE_URL``, else it is production's. Times are in
        seconds, see `CallOptions`. `max_concurrency` is the most requests under way at once. Clients with the same
        key and base URL in one event loop share quota and concurrency, and with ``SETSMART_REDIS_URL`` other processes
        too (see `RedisLimiter`); a `limiter` of your own, or a `clock`, is for this client alone. A `transport` or
        `limiter` that is passed in stays yours to close. Raises `ConfigurationError` for what can not work.
        """
        try:
            source = key_source_from(api_key, os.environ)
            fallback = ApiKey(fallback_key, source="fallback_key") if isinstance(fallback_key, str) else fallback_key
        finally:
            del api_key, fallback_key  # a traceback that shows local variables must not show them
        self._origin = origin_from(base_url, os.environ)
        self._dialect = Dialect() if dialect is None else dialect
        self._options = CallOptions(
            deadline=deadline,
            attempt_timeout=attempt_timeout,
            max_wait=max_wait,
            priority=priority,
            retry=RetryPolicy() if retry is None else retry,
        )
        self._redis_url = "" if limiter or clock else redis_url_from(os.environ)
        self._max_concurrency, self._observer = max_concurrency, observer
        self._own_transport: Transport | None = None
        if transport is None:
            transport = self._own_transport = AiohttpTransport()
        own_clock = SystemClock() if clock is None else clock
        self._engine = Engine(
            origin=self._origin,
            keys=KeyRing(first=source.first, provider=source.provider, fallback=fallback, clock=own_clock),
            transport=transport,
            limiter_source=partial(self._limiter, limiter, clock),
            clock=own_clock,
            dialect=self._dialect,
            retry_budget=RetryBudget() if retry_budget is None else retry_budget,
            observer=observer,
        )
        import_module("setsmart_async.resources.properties")  # in the first call it would hold up the loop

    def _limiter(self, given: RateLimiter | None, clock: Clock | None, key: ApiKey) -> RateLimiter:
        """The limiter to use, asked for when there is a loop whose clients can share one."""
        if given is not None:
            if isinstance(given, KeyedLimiter):
                given.bind(self._origin, key.fingerprint)
            return given
        slots = self._max_concurrency
        if clock is not None:
            return LocalLimiter(max_concurrency=slots, clock=clock)
        if self._redis_url:
            self._borrowed = borrow_redis_limiter(
                self._redis_url, self._origin, key.fingerprint, max_concurrency=slots, observer=self._observer
            )
            return self._borrowed
        return shared_limiter(self._origin, key.fingerprint, max_concurrency=slots, clock=SystemClock())

    @property
    def properties(self) -> Properties:
        """The account's properties (documented)."""
        from setsmart_async.resources.properties import Properties

        return Properties(self._engine, self._options, self._dialect)

    @property
    def reservations(self) -> Reservations:
        """The account's reservations (provisional)."""
        from setsmart_async.resources.reservations import Reservations

        return Reservations(self._engine, self._options, self._dialect)

    @property
    def calendar(self) -> Calendar:
        """Which nights can be booked, and for how much (provisional)."""
        from setsmart_async.resources.calendar import Calendar

        return Calendar(self._engine, self._options, self._dialect)

    @property
    def conversations(self) -> Conversations:
        """What is said with guests (provisional)."""
        from setsmart_async.resources.conversations import Conversations

        return Conversations(self._engine, self._options, self._dialect)

    @property
    def webhook_subscriptions(self) -> WebhookSubscriptions:
        """Where the server sends which events (provisional)."""
        from setsmart_async.resources.webhook_subscriptions import WebhookSubscriptions

        return WebhookSubscriptions(self._engine, self._options, self._dialect)

    def resource(self, path: str, record: type[R]) -> OwnResource[R]:
        """Any other resource, typed: ``setsmart.resource("/cleaning-tasks", CleaningTask)``.

        `record` is an attrs class: its fields are read by name, a field ``extra`` keeps the rest. Listing, limits,
        retries and errors are those of every resource. Raises `ConfigurationError`.
        """
        from setsmart_async.resources.own import OwnResource

        return OwnResource(path, record, self._engine, self._options, self._dialect)

    @overload
    async def request(
        self,
        method: Method,
        path: str,
        *,
        record: type[R],
        id: str | None = None,
        query: Mapping[str, object] | None = None,
        body: object = None,
        idempotency_key: str | None = None,
    ) -> Reply[R]: ...
    @overload
    async def request(
        self,
        method: Method,
        path: str,
        *,
        record: None = None,
        id: str | None = None,
        query: Mapping[str, object] | None = None,
        body: object = None,
        idempotency_key: str | None = None,
    ) -> Reply[Json]: ...
    async def request(
        self,
        method: Method,
        path: str,
        *,
        record: type[R] | None = None,
        id: str | None = None,  # noqa: A002 - the API's own name for it
        query: Mapping[str, object] | None = None,
        body: object = None,
        idempotency_key: str | None = None,
    ) -> Reply[R] | Reply[Json]:
        """Any single request, with the limits, retries and errors of every call; the whole `Reply`.

        `path` is below the base URL, and plain; ``{id}`` in it stands for `id`, escaped. The value is the `record` in
        the answer, or its JSON (None for an empty answer). `body` may hold records, times and amounts. A POST or PATCH
        is never sent twice, see `Properties.create`. Raises `ConfigurationError` for a path that is not plain.
        """
        from setsmart_async.resources.calls import Calls
        from setsmart_async.resources.own import request

        calls = Calls("request", self._engine, self._options, self._dialect)
        return await request(
            calls, method, path, record=record, id=id, query=query, body=body, idempotency_key=idempotency_key
        )

    async def resolve(self, event: WebhookEvent) -> Property | Reservation | Conversation | None:
        """What a webhook's event is about, as it is **now**: events come late, twice, out of order, or hold ids only.

        A property for events about one or its calendar, a reservation, the conversation of a message; None when it is
        no longer there. Costs one request. Raises `ValueError` for an event of another kind or without an id.
        """
        from setsmart_async.resources.resolving import resolve

        return await resolve(event, self._engine, self._options, self._dialect)

    @property
    def quota(self) -> QuotaState:
        """What is known of the API key's quota now. Asks the server nothing."""
        return self._engine.quota or QuotaState.unknown()

    @property
    def origin(self) -> Origin:
        """Where the API lives."""
        return self._origin

    async def key_fingerprint(self) -> str:
        """16 hexadecimal digits that tell API keys apart and give none away: those of the key in use."""
        return (await self._engine.key()).fingerprint

    def with_options(self, **changes: Unpack[OptionChanges]) -> SetSmart:
        """The same client with other call options: shares connections and quota; closing it closes nothing."""
        borrowed = copy(self)
        borrowed.__dict__.update(_options=attrs.evolve(self._options, **changes), _lent=True)
        return borrowed

    async def aclose(self) -> None:
        """Close the client; calls under way end with `ClientClosedError`. May be called twice."""
        if self._lent:
            return
        await self._engine.aclose()
        borrowed, self._borrowed = self._borrowed, None
        if borrowed is not None:
            await give_back(borrowed)
        if self._own_transport is not None:
            await self._own_transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
