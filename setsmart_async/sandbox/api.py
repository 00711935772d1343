"""The sandbox's handler: from a request to its answer, the same in memory and over HTTP."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Final, Literal
from urllib.parse import parse_qsl

import attrs

from setsmart_async.clock import Clock, SystemClock
from setsmart_async.contract import Dialect, Operation
from setsmart_async.sandbox.access import SANDBOX_API_KEY, KeyRack, SandboxKey, key_rack
from setsmart_async.sandbox.answers import RefusedError, error_answer, json_answer
from setsmart_async.sandbox.checks import read_object
from setsmart_async.sandbox.database import SandboxDatabase
from setsmart_async.sandbox.faults import FaultPlan
from setsmart_async.sandbox.idempotency import Repetitions
from setsmart_async.sandbox.listing import Pager, PagingStyle
from setsmart_async.sandbox.question import Question, Success
from setsmart_async.sandbox.quota import QuotaSimulator, QuotaState
from setsmart_async.sandbox.resources.conversations import ConversationsResource
from setsmart_async.sandbox.resources.reservations import ReservationsResource
from setsmart_async.sandbox.resources.webhooks import WebhooksResource
from setsmart_async.sandbox.routes import Route, Routes
from setsmart_async.sandbox.settings import QuotaPer, check_settings
from setsmart_async.sandbox.statistics import LoggedRequest, Statistics
from setsmart_async.sandbox.stock import Behaviour, Seeds, Stock
from setsmart_async.sandbox.store import RecordStore
from setsmart_async.sandbox.translation import Translation
from setsmart_async.wire import HttpRequest, HttpResponse, JsonObject

__all__ = ["SANDBOX_API_KEY", "Intercept", "SandboxApi", "SandboxKey"]

Intercept = Callable[[HttpRequest], HttpResponse | None]
"""Stands before the sandbox, as a proxy would: what it answers goes out as it is, and None lets the request in.
A `TransportError` that it raises plays a broken network."""


_MAKE_ONE: Final = "POST"


@attrs.frozen
class _Arrival:
    """One request, on its way in."""

    request: HttpRequest
    route: Route | RefusedError
    query: str
    client_address: str
    now: float


class SandboxApi:
    """SetSmart in miniature: `handle` answers one request.

    Pure but for what it owns or is given: its stores, its quota, its counters and its clock. Not thread-safe.
    """

    def __init__(
        self,
        properties: Iterable[JsonObject] | int = (),
        *,
        reservations: Iterable[JsonObject] | int = (),
        conversations: Iterable[JsonObject] = (),
        messages: Iterable[JsonObject] = (),
        webhooks: Iterable[JsonObject] = (),
        api_keys: Collection[str | SandboxKey] = (SANDBOX_API_KEY,),
        read_only_keys: Collection[str] = (),
        quota: QuotaSimulator | None = None,
        quota_per: QuotaPer = "key",
        paging: PagingStyle = "cursor",
        page_size: int = 20,
        put_replaces: bool = False,
        calendar_accepts_later: bool = False,
        invalid_status: Literal[400, 422] = 400,
        dialect: Dialect | None = None,
        clock: Clock | None = None,
        intercept: Intercept | None = None,
        faults: FaultPlan | None = None,
        tell: Callable[[str, JsonObject], None] | None = None,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
        database: SandboxDatabase | None = None,
    ) -> None:
        """`properties` and the other records are what there is to begin with; for homes and stays a number will do.

        See `seed_properties` and `seed_reservations`; conversations come with the stays. `read_only_keys` may not write
        (403); a `SandboxKey` may have scopes and an address too. `page_size` is in records, 1 to 200. `put_replaces`
        makes PUT replace a record instead of merging into it: which of the two SetSmart does is not documented.
        `calendar_accepts_later` answers calendar pushes with 202; `invalid_status` is that of wrong fields in a body.
        `dialect` is what this server does differently. `intercept` stands before everything, `faults` go wrong on
        purpose, `tell` hears of what happens, by event type and data; the three may be changed while it runs. With a
        `database` it outlives its process: what the file holds stands in the records' place; counters and quota begin
        anew. Raises `ConfigurationError` for what can not work.
        """
        check_settings(paging, page_size, quota_per, invalid_status)
        self.keys: KeyRack = key_rack(api_keys, read_only_keys)
        """Who may do what; keys can be added and revoked."""
        self.quota: QuotaSimulator = QuotaSimulator() if quota is None else quota
        """What may be asked how often."""
        self.intercept: Intercept | None = intercept
        self.faults: FaultPlan | None = faults
        self.tell: Callable[[str, JsonObject], None] | None = tell
        self._clock = SystemClock() if clock is None else clock
        self.statistics: Statistics = Statistics(self._clock.wall())
        """What was asked."""
        self._quota_per, self._invalid_status, self._database = quota_per, invalid_status, database
        self._translation = Translation(Dialect() if dialect is None else dialect)
        self._repetitions = Repetitions(None if database is None else database.shelf("repetitions"))
        behaviour = Behaviour(
            pager=Pager(paging, page_size),
            tell=self._note,
            replaces=put_replaces or self._translation.dialect.update_style == "replace",
            accepts_later=calendar_accepts_later,
            random_bytes=random_bytes,
        )
        with self._as_one():
            self._stock = Stock(behaviour, Seeds(properties, reservations, conversations, messages, webhooks), database)
        self._routes = Routes(self._translation.operations())

    @property
    def properties(self) -> RecordStore:
        """The homes that there are."""
        return self._stock.properties

    @property
    def reservations(self) -> ReservationsResource:
        """The stays; `ReservationsResource.store` holds them."""
        return self._stock.reservations

    @property
    def conversations(self) -> ConversationsResource:
        """What was said; `ConversationsResource.receive` plays the guest."""
        return self._stock.conversations

    @property
    def webhooks(self) -> WebhooksResource:
        """Who is told of what."""
        return self._stock.webhooks

    def true_time(self) -> float:
        """Unix seconds, whatever the server's clock says."""
        return self._clock.wall()

    def now(self) -> float:
        """Unix seconds of the server's clock."""
        return self.quota.server_time(self._clock.wall())

    def handle(self, request: HttpRequest, *, client_address: str = "127.0.0.1") -> HttpResponse:
        """Answer one request, whose target is below the base URL.

        Raises nothing but what `intercept` and `faults` do. The order is that of a gateway: key (401), quota (429, of
        which a wrong key uses nothing), endpoint (404, 405), permission (403), and then the operation.
        """
        path, _, query = request.target.partition("?")
        route = self._routes.find(request.method, path)
        arrival = _Arrival(request, route, query, client_address, self._clock.wall())
        answer = None if self.intercept is None else self.intercept(request)
        if answer is not None:
            self._log(arrival, answer.status)
        elif self.faults is None:
            answer = self._answer(arrival)
            self._log(arrival, answer.status)
        else:
            answer = self._meeting_faults(arrival, self.faults)
        return answer

    def _meeting_faults(self, arrival: _Arrival, faults: FaultPlan) -> HttpResponse:
        operation = arrival.route.operation.name if isinstance(arrival.route, Route) else None
        before, status = len(faults.happened), 0
        try:
            answer = faults.meet(arrival.request, operation, partial(self._answer, arrival))
            status = answer.status
        finally:
            met = faults.happened[before:]
            self._log(arrival, status, fault=str(met[0]) if met else None)
        return answer

    def _log(self, arrival: _Arrival, status: int, fault: str | None = None) -> None:
        key = self.keys.find(self._sent_key(arrival.request))
        self.statistics.count(
            LoggedRequest(
                at=arrival.now,
                method=arrival.request.method,
                target=arrival.request.target,
                operation=arrival.route.operation.name if isinstance(arrival.route, Route) else None,
                status=status,
                client="" if key is None else key.fingerprint,
                fault=fault,
            )
        )

    def _sent_key(self, request: HttpRequest) -> str | None:
        header = self._translation.api_key_header
        return next((value for name, value in request.headers.items() if name.lower() == header), None)

    def report(self) -> JsonObject:
        """Counters and quota as JSON: what ``GET /_sandbox/stats`` answers."""
        rule, statistics = self.quota.rule, self.statistics
        return {
            "started": statistics.started,
            "requests": statistics.requests,
            "by_status": {str(status): count for status, count in sorted(statistics.by_status.items())},
            "by_operation": dict(sorted(statistics.by_operation.items())),
            "executed": dict(sorted(statistics.executed.items())),
            "replayed": statistics.replayed,
            "properties": len(self.properties),
            "records": {**self._stock.counts()},
            "rule": {"limit": rule.limit, "window": rule.window, "algorithm": rule.algorithm},
            "windows": [
                {"start": window.start, "accepted": window.accepted, "refused": window.refused}
                for window in self.quota.windows()
            ],
        }

    def _answer(self, arrival: _Arrival) -> HttpResponse:
        request_id = f"req_{self.statistics.requests + 1:08d}"
        key = self.keys.find(self._sent_key(arrival.request))
        state = None if key is None else self.quota.take(self._payer(arrival, key), arrival.now)
        headers = [("X-Request-Id", request_id), *self.quota.headers(state, arrival.now)]
        try:
            with self._as_one():
                success, operation, is_repetition = self._perform(arrival, key, state)
        except RefusedError as refusal:
            return error_answer(refusal, request_id, headers)
        replayed = [("Idempotent-Replayed", "true")] if is_repetition else []
        self.statistics.replayed += is_repetition
        body = self._translation.body(operation, success)
        return json_answer(success.status, body, [*headers, *success.headers, *replayed])

    def _payer(self, arrival: _Arrival, key: SandboxKey) -> str:
        if self._quota_per == "address":
            return arrival.client_address
        if self._quota_per == "endpoint" and isinstance(arrival.route, Route):
            return f"{key.key} {arrival.route.operation.name}"
        return key.key

    def _perform(
        self, arrival: _Arrival, key: SandboxKey | None, state: QuotaState | None
    ) -> tuple[Success, Operation, bool]:
        if key is None or state is None:
            name = self._translation.dialect.api_key_header
            raise RefusedError(401, "invalid_api_key", f"The header {name} is missing, or its key is not accepted.")
        if not state.allowed:
            raise RefusedError(429, "rate_limit_exceeded", "The quota is used up: wait for X-RateLimit-Reset.")
        if isinstance(arrival.route, RefusedError):
            raise arrival.route
        operation, request = arrival.route.operation, arrival.request
        key.check_address(arrival.client_address)
        key.check_operation(operation)
        perform = partial(self._operate, arrival, arrival.route)
        header = self._translation.dialect.idempotency_header
        if header is None or operation.method != _MAKE_ONE:
            return perform(), operation, False
        mark = next((value for name, value in request.headers.items() if name.lower() == header.lower()), None)
        if mark is None:
            return perform(), operation, False
        success, is_repetition = self._repetitions.once(key.key, mark, request, perform)
        return success, operation, is_repetition

    def _operate(self, arrival: _Arrival, route: Route) -> Success:
        operation, request = route.operation, arrival.request
        sent = dict(parse_qsl(arrival.query, keep_blank_values=True)) if arrival.query else {}
        has_body = operation.method in ("POST", "PUT")
        question = Question(
            identifier=route.identifier,
            parameters=self._translation.parameters(operation, sent),
            fields=self._translation.fields(operation, read_object(request.body)) if has_body else {},
            now=self.quota.server_time(arrival.now),
            request=request,
            sent_parameters=sent,
            cursor_parameter=self._translation.dialect.cursor_parameter,
        )
        try:
            success = self._stock.operations[operation.name](question)
        except RefusedError as refusal:
            status = self._invalid_status if has_body and refusal.status == 400 else refusal.status
            raise self._translation.refusal(operation, refusal, status) from None
        if operation.method != "GET":
            self.statistics.executed[operation.name] += 1
        return success

    def _as_one(self) -> AbstractContextManager[None]:
        """In the file there is all of what is done here, or nothing."""
        return nullcontext() if self._database is None else self._database.transaction()

    def _note(self, event_type: str, data: JsonObject) -> None:
        if self.tell is not None:
            self.tell(event_type, data)
