"""What a call is called in traces and metrics: a method, a server and a template, and never an id.

The names are those of OpenTelemetry's semantic conventions for HTTP
(https://opentelemetry.io/docs/specs/semconv/http/), and ``setsmart.…`` for what these do not have.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, TypeAlias

import attrs
from opentelemetry.util.types import AttributeValue

from setsmart_async.contract import CONTRACT
from setsmart_async.wire import Origin

Attributes: TypeAlias = Mapping[str, AttributeValue]

SCHEMA: Final = "https://opentelemetry.io/schemas/1.40.0"
"""The version of the conventions."""

ERROR_TYPE: Final = "error.type"
METHOD: Final = "http.request.method"
RESEND_COUNT: Final = "http.request.resend_count"
STATUS_CODE: Final = "http.response.status_code"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
URL_FULL: Final = "url.full"
URL_SCHEME: Final = "url.scheme"
URL_TEMPLATE: Final = "url.template"

CALL_ID: Final = "setsmart.call_id"
LIMITER_WAIT: Final = "setsmart.limiter.wait"
OPERATION: Final = "setsmart.operation"
OUTCOME: Final = "setsmart.outcome"
REQUEST_ID: Final = "setsmart.request_id"

MOST_TARGETS: Final = 256
"""Different ones that an observer tells apart; calls beyond them are counted by method and server alone."""
_KNOWN: Final = frozenset(operation.path for operation in CONTRACT.values())
_PLACEHOLDERS: Final = frozenset({"", "{id}", "..."})
_NAME: Final = re.compile(r"[A-Za-z]+(?:[-_][A-Za-z]+)*|v[0-9]{1,2}")
_REDACTED: Final = "REDACTED"


@attrs.frozen(kw_only=True)
class Target:
    """One operation on one server."""

    call_name: str
    """Of the span for the call."""
    attempt_name: str
    """Of the span for each attempt."""
    call: Attributes
    """On the span for the call."""
    attempt: Attributes
    """On the span for each attempt."""
    measured: Attributes
    """On metrics."""
    server: Attributes
    """On metrics of the server as a whole."""
    place: tuple[object, ...]
    """The same, to be a key."""


class Targets:
    """Those that one observer has met."""

    def __init__(self, attributes: Attributes) -> None:
        """`attributes` are on everything."""
        self._attributes = dict(attributes)
        self._met: dict[tuple[Origin, str], Target] = {}

    def of(self, origin: Origin, operation: str) -> Target:
        """The target of a call, from its events."""
        target = self._met.get((origin, operation))
        if target is None:
            method, _, path = operation.partition(" ")
            is_one_more = len(self._met) < MOST_TARGETS
            target = _target(origin, method, _template(path) if is_one_more else None, self._attributes)
            if is_one_more:
                self._met[origin, operation] = target
        return target


def _template(path: str) -> str:
    """The path with ``{id}`` where an id may stand: in paths of the caller's own, wherever it does not read as a name.

    `SetSmart.resource` and `SetSmart.request` take any path, and a caller may have put an id into it.
    """
    if path in _KNOWN:
        return path
    return "/".join(
        segment if segment in _PLACEHOLDERS or _NAME.fullmatch(segment) else "{id}" for segment in path.split("/")
    )


def _target(origin: Origin, method: str, template: str | None, attributes: Attributes) -> Target:
    server = {SERVER_ADDRESS: origin.host, SERVER_PORT: origin.port, **attributes}
    measured = {METHOD: method, **server}
    shown = "/..." if template is None else template
    attempt_name = method
    if template is not None:
        measured[URL_TEMPLATE] = f"{origin.path}{template}"
        attempt_name = f"{method} {origin.path}{template}"
    path = shown.replace("{id}", _REDACTED).replace("...", _REDACTED)
    return Target(
        call_name=f"setsmart {method} {shown}",
        attempt_name=attempt_name,
        call={OPERATION: f"{method} {shown}", **server},
        attempt={**measured, URL_SCHEME: origin.scheme, URL_FULL: f"{origin}{path}"},
        measured=measured,
        server=server,
        place=tuple(server.items()),
    )
