"""The sandbox's handler: from a request to its answer, the same in memory and over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Final, Literal, get_args

import attrs

from setsmart_async.clock import Clock, SystemClock
from setsmart_async.contract import (
    CONTRACT,
    PROPERTIES_CREATE,
    PROPERTIES_DELETE,
    PROPERTIES_GET,
    PROPERTIES_LIST,
    PROPERTIES_UPDATE,
)
from setsmart_async.errors import ConfigurationError
from setsmart_async.keys import ApiKey
from setsmart_async.sandbox.answers import HeaderFields, RefusedError, error_answer, json_answer
from setsmart_async.sandbox.listing import LARGEST_PAGE, PagingStyle, list_answer, read_list_query
from setsmart_async.sandbox.quota import QuotaSimulator, QuotaState
from setsmart_async.sandbox.routes import Route, Routes
from setsmart_async.sandbox.statistics import LoggedRequest, Statistics
from setsmart_async.sandbox.store import PropertyStore
from setsmart_async.sandbox.validation import check_create, check_update, read_object
from setsmart_async.wire import HttpRequest, HttpResponse, Json, JsonObject

SANDBOX_API_KEY: Final = "sandbox-key-not-a-secret"
"""The key that a sandbox accepts unless it is given others."""

Intercept = Callable[[HttpRequest], HttpResponse | None]
"""Stands before the sandbox, as a proxy would: what it answers goes out as it is, and None lets the request in.
A `TransportError` that it raises plays a broken network."""


@attrs.frozen
class _Question:
    """One request, on its way in."""

    request: HttpRequest
    route: Route | RefusedError
    query: str
    client_address: str
    now: float

    @property
    def identifier(self) -> str:
        """What stands for ``{id}`` in the path."""
        return self.route.identifier if isinstance(self.route, Route) else ""


@attrs.frozen
class _Success:
    body: Json
    headers: HeaderFields = ()


class SandboxApi:
    """SetSmart in miniature: `handle` answers one request.

    Pure but for what it owns or is given: its store, its quota, its counters and its clock. Not thread-safe.
    """

    def __init__(
        self,
        properties: Iterable[JsonObject] = (),
        *,
        api_keys: Collection[str] = (SANDBOX_API_KEY,),
        read_only_keys: Collection[str] = (),
        quota: QuotaSimulator | None = None,
        quota_per: Literal["key", "address"] = "key",
        paging: PagingStyle = "cursor",
        page_size: int = 20,
        put_replaces: bool = False,
        clock: Clock | None = None,
        intercept: Intercept | None = None,
    ) -> None:
        """`properties` are the records to begin with, see `seed_properties`; `read_only_keys` may not write (403).

        `page_size` is in records, 1 to 200. `put_replaces` makes PUT replace a record instead of merging into it:
        which of the two SetSmart does is not documented. Raises `ConfigurationError` for what can not work.
        """
        if isinstance(api_keys, str) or isinstance(read_only_keys, str):
            raise ConfigurationError("The sandbox's API keys are a list of texts: put a single key into a list.")
        keys = [*api_keys, *read_only_keys]
        if not keys:
            raise ConfigurationError("The sandbox needs at least one API key.")
        for key in keys:
            ApiKey(key, source="the sandbox's settings")
        if type(page_size) is not int or not 1 <= page_size <= LARGEST_PAGE:
            raise ConfigurationError(f"The sandbox's page size must be from 1 to {LARGEST_PAGE} records.")
        if paging not in get_args(PagingStyle):
            raise ConfigurationError(f"The sandbox's paging must be one of {', '.join(get_args(PagingStyle))}.")
        if quota_per not in ("key", "address"):
            raise ConfigurationError("The sandbox's quota is per 'key' or per 'address'.")
        self.properties: PropertyStore = PropertyStore(properties)
        """What there is."""
        self.quota: QuotaSimulator = QuotaSimulator() if quota is None else quota
        """What may be asked how often."""
        self.intercept = intercept
        """For faults; see `Intercept`."""
        self._clock = SystemClock() if clock is None else clock
        self.statistics: Statistics = Statistics(self._clock.wall())
        """What was asked."""
        self._keys = frozenset(keys)
        self._read_only = frozenset(read_only_keys)
        self._quota_per = quota_per
        self._paging: PagingStyle = paging
        self._page_size = page_size
        self._put_replaces = put_replaces
        self._operations: dict[str, Callable[[_Question], _Success]] = {
            PROPERTIES_LIST.name: self._list,
            PROPERTIES_GET.name: self._get,
            PROPERTIES_CREATE.name: self._create,
            PROPERTIES_UPDATE.name: self._update,
            PROPERTIES_DELETE.name: self._delete,
        }
        self._routes = Routes(operation for name, operation in CONTRACT.items() if name in self._operations)

    def handle(self, request: HttpRequest, *, client_address: str = "127.0.0.1") -> HttpResponse:
        """Answer one request, whose target is below the base URL.

        Raises nothing but what `intercept` does. The order is that of a gateway: key (401), quota (429, of which a
        wrong key uses nothing), endpoint (404, 405), permission (403), and then the operation.
        """
        path, _, query = request.target.partition("?")
        route = self._routes.find(request.method, path)
        question = _Question(request, route, query, client_address, self._clock.wall())
        answer = None if self.intercept is None else self.intercept(request)
        if answer is None:
            answer = self._answer(question)
        self.statistics.count(
            LoggedRequest(
                at=question.now,
                method=request.method,
                target=request.target,
                operation=route.operation.name if isinstance(route, Route) else None,
                status=answer.status,
            )
        )
        return answer

    def report(self) -> JsonObject:
        """Counters and quota as JSON: what ``GET /_sandbox/stats`` answers."""
        rule, statistics = self.quota.rule, self.statistics
        return {
            "started": statistics.started,
            "requests": statistics.requests,
            "by_status": {str(status): count for status, count in sorted(statistics.by_status.items())},
            "by_operation": dict(sorted(statistics.by_operation.items())),
            "properties": len(self.properties),
            "rule": {"limit": rule.limit, "window": rule.window, "algorithm": rule.algorithm},
            "windows": [
                {"start": window.start, "accepted": window.accepted, "refused": window.refused}
                for window in self.quota.windows()
            ],
        }

    def _answer(self, question: _Question) -> HttpResponse:
        request_id = f"req_{self.statistics.requests + 1:08d}"
        key = self._accepted_key(question.request)
        state = None
        if key is not None:
            state = self.quota.take(key if self._quota_per == "key" else question.client_address, question.now)
        headers = [("X-Request-Id", request_id), *self.quota.headers(state, question.now)]
        try:
            success = self._perform(question, key, state)
        except RefusedError as refusal:
            return error_answer(refusal, request_id, headers)
        return json_answer(200, success.body, [*headers, *success.headers])

    def _accepted_key(self, request: HttpRequest) -> str | None:
        key = next((value for name, value in request.headers.items() if name.lower() == "x-api-key"), None)
        return key if key in self._keys else None

    def _perform(self, question: _Question, key: str | None, state: QuotaState | None) -> _Success:
        if key is None or state is None:
            raise RefusedError(401, "invalid_api_key", "The header X-API-Key is missing, or its key is not accepted.")
        if not state.allowed:
            raise RefusedError(429, "rate_limit_exceeded", "The quota is used up: wait for X-RateLimit-Reset.")
        if isinstance(question.route, RefusedError):
            raise question.route
        if key in self._read_only and question.request.method != "GET":
            raise RefusedError(403, "insufficient_permissions", "This API key may only read.")
        return self._operations[question.route.operation.name](question)

    def _list(self, question: _Question) -> _Success:
        url = f"{question.request.origin}{PROPERTIES_LIST.path}"
        answer = list_answer(read_list_query(question.query), self.properties, self._paging, self._page_size, url)
        return _Success(answer.body, answer.headers)

    def _get(self, question: _Question) -> _Success:
        return _found(self.properties.get(question.identifier))

    def _create(self, question: _Question) -> _Success:
        fields = read_object(question.request.body)
        check_create(fields)
        return _Success(self.properties.create(_with_status(fields), self.quota.server_time(question.now)))

    def _update(self, question: _Question) -> _Success:
        _found(self.properties.get(question.identifier))
        fields = read_object(question.request.body)
        check_update(fields, replaces=self._put_replaces)
        now = self.quota.server_time(question.now)
        if self._put_replaces:
            return _found(self.properties.replace(question.identifier, _with_status(fields), now))
        return _found(self.properties.merge(question.identifier, fields, now))

    def _delete(self, question: _Question) -> _Success:
        if not self.properties.delete(question.identifier):
            raise _not_found()
        return _Success({"id": question.identifier, "deleted": True})


def _found(record: JsonObject | None) -> _Success:
    if record is None:
        raise _not_found()
    return _Success(record)


def _with_status(fields: JsonObject) -> JsonObject:
    return {**fields, "status": fields.get("status") or "active"}


def _not_found() -> RefusedError:
    return RefusedError(404, "not_found", "There is no property with this id.")
