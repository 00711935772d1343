"""Faults on demand: what goes wrong, where, and whether it did. The same in memory and over HTTP."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal, TypeAlias, cast, get_args

import attrs
from msgspec.structs import replace

from setsmart_async.errors import (
    AttemptTimeoutError,
    ConfigurationError,
    ConnectionLostError,
    InvalidResponseError,
    Outcome,
)
from setsmart_async.sandbox.answers import RefusedError, error_answer
from setsmart_async.wire import Headers, HttpRequest, HttpResponse, Json, JsonObject, decode_json, encode_json

FaultKind: TypeAlias = Literal[
    "status",
    "reset",
    "reset_after",
    "stall",
    "bad_json",
    "broken_gzip",
    "html",
    "empty_page",
    "repeated_page",
    "shifted_page",
]
"""``status``: an error status; ``reset``: the connection breaks before anything is done; ``reset_after``: everything
is done, and the answer lost; ``stall``: no answer comes, in memory as soon as over a network after its time;
``bad_json``: the body ends in mid-text; ``broken_gzip``: so does its compression;
``html``: a proxy's page with status 502; ``empty_page``: a page without items that says that more follow;
``repeated_page``: the last page once more; ``shifted_page``: begins with the last page's last item, as when one was
inserted, and lacks its own last."""

FAULT_HEADER: Final = "X-Sandbox-Fault"
"""A request that carries it meets that fault: a status, or a `FaultKind`."""

_PAGES: Final = frozenset({"empty_page", "repeated_page", "shifted_page"})


@attrs.frozen
class Fault:
    """One thing that goes wrong. Raises `ConfigurationError` for what can not."""

    kind: FaultKind = "status"
    status: int = 503
    """For ``status``: 400 to 599."""
    operation: str | None = None
    """The contract's name of the operation that it waits for, such as ``properties.list``; None: the next request."""
    retry_after: int | None = None
    """Seconds for a ``Retry-After`` on a status."""

    def __attrs_post_init__(self) -> None:
        if self.kind not in get_args(FaultKind):
            raise ConfigurationError(f"A fault is a status, or one of {', '.join(get_args(FaultKind))}.")
        if not 400 <= self.status <= 599:
            raise ConfigurationError("A fault's status is from 400 to 599.")

    def __str__(self) -> str:
        return str(self.status) if self.kind == "status" else self.kind

    @classmethod
    def of(cls, short: Fault | str | int) -> Fault:
        """From its short form: ``503``, ``"reset"``."""
        if isinstance(short, Fault):
            return short
        return cls(status=short) if isinstance(short, int) else cls(cast(FaultKind, short))  # which it checks


class FaultPlan:
    """Faults that requests meet, one each, in order: ``SandboxApi(..., faults=FaultPlan([503, "reset"]))``.

    `unmet` says afterwards which have not happened: a test of a retry that never met its fault proves nothing.
    """

    def __init__(self, faults: Iterable[Fault | str | int] = (), *, by_header: bool = False) -> None:
        """With `by_header`, requests may ask for a fault themselves, see `FAULT_HEADER`."""
        self._planned = [Fault.of(fault) for fault in faults]
        self._by_header = by_header
        self._last_page: dict[str, HttpResponse] = {}
        self.happened: list[Fault] = []
        """What went wrong, in order."""

    @property
    def unmet(self) -> Sequence[Fault]:
        """What has not gone wrong yet."""
        return tuple(self._planned)

    def add(self, *faults: Fault | str | int) -> None:
        """More of them, behind those that are planned."""
        self._planned += map(Fault.of, faults)

    def meet(self, request: HttpRequest, operation: str | None, ask: Callable[[], HttpResponse]) -> HttpResponse:
        """The answer to a request, which `ask` would give were there no fault.

        Raises `ConnectionLostError` where the fault is a broken connection, `AttemptTimeoutError` for silence.
        """
        fault = self._due(request, operation)
        if fault is None:
            answer = ask()
        else:
            if fault in self._planned:
                self._planned.remove(fault)
            self.happened.append(fault)
            answer = self._faulty(fault, operation, ask)
        if operation is not None and operation.endswith(".list") and answer.status == 200:
            self._last_page[operation] = answer
        return answer

    def _due(self, request: HttpRequest, operation: str | None) -> Fault | None:
        if self._by_header:
            asked = next((value for name, value in request.headers.items() if name.lower() == FAULT_HEADER.lower()), "")
            if asked.isdigit() and 400 <= int(asked) <= 599:
                return Fault(status=int(asked))
            for kind in get_args(FaultKind):
                if asked == kind:
                    return Fault(kind)
        for fault in self._planned:
            if fault.operation is not None and fault.operation != operation:
                continue
            if fault.kind in _PAGES and not (operation or "").endswith(".list"):
                continue
            return fault
        return None

    def _faulty(self, fault: Fault, operation: str | None, ask: Callable[[], HttpResponse]) -> HttpResponse:
        match fault.kind:
            case "status":
                headers = [] if fault.retry_after is None else [("Retry-After", str(fault.retry_after))]
                return error_answer(RefusedError(fault.status, "planned_fault", "Planned."), "req_fault", headers)
            case "reset":
                raise ConnectionLostError("The sandbox broke the connection, as planned.", outcome=Outcome.UNKNOWN)
            case "reset_after":
                ask()
                raise ConnectionLostError("The sandbox lost its answer, as planned.", outcome=Outcome.UNKNOWN)
            case "stall":
                raise AttemptTimeoutError("The sandbox does not answer, as planned.", outcome=Outcome.UNKNOWN)
            case "html":
                page = b"<html><title>502 Bad Gateway</title></html>"
                return HttpResponse(status=502, headers=Headers([("Content-Type", "text/html")]), body=page)
            case "repeated_page" if (last := self._last_page.get(operation or "")) is not None:
                return last
            case "shifted_page" if (last := self._last_page.get(operation or "")) is not None:
                return _shifted(last, ask())
            case _:
                return _spoilt(fault.kind, ask())


def _spoilt(kind: FaultKind, answer: HttpResponse) -> HttpResponse:
    """An answer that would have been right."""
    if kind == "bad_json":
        return replace(answer, body=answer.body[: len(answer.body) // 2])
    if kind == "broken_gzip":
        packed = gzip.compress(answer.body)
        headers = Headers([*answer.headers.pairs(), ("Content-Encoding", "gzip")])
        return replace(answer, headers=headers, body=packed[: len(packed) // 2])
    if kind == "empty_page":
        return replace(answer, body=_emptied(answer.body))
    return answer  # a page to repeat, and none before it


def _shifted(last: HttpResponse, answer: HttpResponse) -> HttpResponse:
    before, page = decode_json(last.body), decode_json(answer.body)
    if isinstance(before, list) and isinstance(page, list):
        return replace(answer, body=encode_json([*before[-1:], *page[:-1]]))
    if isinstance(before, dict) and isinstance(page, dict):
        for name, items in page.items():
            earlier = before.get(name)
            if isinstance(items, list) and isinstance(earlier, list):
                return replace(answer, body=encode_json({**page, name: [*earlier[-1:], *items[:-1]]}))
    return answer


def _emptied(body: bytes) -> bytes:
    try:
        page: Json = decode_json(body)
    except InvalidResponseError:  # pragma: no cover - the sandbox's answers are JSON
        return body
    if not isinstance(page, dict):
        return b"[]"
    emptied: JsonObject = {name: value for name, value in page.items() if not isinstance(value, list)}
    emptied.update({name: [] for name, value in page.items() if isinstance(value, list)})
    return encode_json(emptied)
