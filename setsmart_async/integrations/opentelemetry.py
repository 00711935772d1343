"""Traces and metrics of a client, for OpenTelemetry. Needs the extra ``otel``.

.. code-block:: python

    telemetry = OpenTelemetryObserver()
    async with SetSmart(observer=telemetry) as setsmart:
        ...

Only OpenTelemetry's API is used: whether anything is kept, and where it goes, is for the program's SDK to say, and
without one all of this does nothing. No span and no metric holds a key, a header, a body, an id, a query or an error's
text. The names are those of the conventions for HTTP (https://opentelemetry.io/docs/specs/semconv/http/).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextvars import Token
from typing import TYPE_CHECKING, cast

import attrs
from msgspec.structs import replace

from setsmart_async.observer import (
    AttemptEnded,
    AttemptStarted,
    CallEnded,
    CallStarted,
    Event,
    KeyRefreshed,
    QuotaWaited,
    RetryScheduled,
)
from setsmart_async.transports.base import Transport
from setsmart_async.version import __version__
from setsmart_async.wire import HttpRequest, HttpResponse

try:
    from opentelemetry import context as contexts
    from opentelemetry.context.context import Context
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, SpanKind, StatusCode, TracerProvider, get_tracer, set_span_in_context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError:
    raise ImportError("OpenTelemetryObserver needs the extra: pip install 'setsmart_async[otel]'.") from None

from setsmart_async.integrations.opentelemetry_metrics import metrics_of
from setsmart_async.integrations.opentelemetry_targets import (
    CALL_ID,
    ERROR_TYPE,
    LIMITER_WAIT,
    OUTCOME,
    REQUEST_ID,
    RESEND_COUNT,
    SCHEMA,
    STATUS_CODE,
    Target,
    Targets,
)

if TYPE_CHECKING:
    from setsmart_async.sync import ResourceName, ResourceResult, Sync, SyncResult


@attrs.define(eq=False)
class _CallUnderWay:
    """What is open of one call. It travels in the context of the task that makes the call."""

    call_id: int
    target: Target
    span: Span
    token: Token[Context] | None = None
    attempt: Span | None = None
    attempt_token: Token[Context] | None = None
    wait: float = 0.0
    """Seconds that the next attempt has waited."""
    waits: float = 0.0
    """Seconds that all attempts have waited."""


class OpenTelemetryObserver:
    """An observer that makes spans and metrics: a client's ``observer=``, or one of its `Observers`.

    Each call is a span, below the caller's own, and each of its attempts an HTTP client span below that; retries are
    events on the call's. One observer serves any number of clients, in one event loop or several. It must be told in
    the task that makes the call, so never through a `BackgroundObserver`: it raises `RuntimeError` there, and leaves
    slow work to its SDK, which has threads of its own.
    """

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        """Without providers the program's global ones are used, also when they are set later.

        `attributes` are put on every span and metric, such as which of several accounts it is: the quota of two
        accounts on one server can be told apart by nothing else.
        """
        self._attributes = dict(attributes or {})
        self._tracer = get_tracer("setsmart_async", __version__, tracer_provider, SCHEMA)
        self._metrics = metrics_of(meter_provider)
        self._targets = Targets(self._attributes)
        self._place = contexts.create_key("setsmart_async call")

    def __call__(self, event: Event) -> None:
        """See `Observer`. Raises `RuntimeError` outside of an event loop."""
        if isinstance(event, CallStarted):
            self._begin(event)
            return
        call = cast("_CallUnderWay | None", contexts.get_value(self._place))
        if call is None or call.call_id != getattr(event, "call_id", None):
            return  # a page, told after its call; a coordinator
        match event:
            case AttemptStarted():
                self._begin_attempt(call, event)
            case AttemptEnded():
                self._end_attempt(call, event)
            case QuotaWaited():
                call.wait += event.seconds
                call.waits += event.seconds
            case RetryScheduled():
                self._note_retry(call, event)
            case KeyRefreshed():
                call.span.add_event("setsmart.key_refreshed", {"setsmart.key.is_fallback": event.fallback})
            case CallEnded():
                _end(call, event)
            case _:
                pass

    async def run_sync(self, sync: Sync) -> SyncResult:
        """`Sync.run` in a span of its own, its rows counted. Raises what that raises.

        If it raises, the rows of the resources that it completed are counted.
        """
        with self._tracer.start_as_current_span(
            "setsmart sync", attributes=self._attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                return await sync.run()
            except BaseException as error:  # whatever ends it, a cancellation too, ends the span
                _fail(span, type(error).__name__)
                raise
            finally:
                self.count_rows(sync.results)

    def count_rows(self, results: Mapping[ResourceName, ResourceResult]) -> None:
        """Count what a sync that was run by other means did: its `Sync.results`, or `SyncResult.resources`."""
        self._metrics.count_rows(results, self._attributes)

    def _begin(self, event: CallStarted) -> None:
        asyncio.get_running_loop()  # elsewhere the context is not the call's: spans would hang below each other
        target = self._targets.of(event.origin, event.operation)
        span = self._tracer.start_span(target.call_name, attributes={**target.call, CALL_ID: event.call_id})
        call = _CallUnderWay(event.call_id, target, span)
        call.token = contexts.attach(contexts.set_value(self._place, call, set_span_in_context(span)))

    def _begin_attempt(self, call: _CallUnderWay, event: AttemptStarted) -> None:
        target, wait = call.target, call.wait
        call.wait = 0.0
        self._metrics.wait.record(wait, target.measured)
        self._metrics.active.add(1, target.measured)
        attributes = dict(target.attempt)
        if wait:
            attributes[LIMITER_WAIT] = wait
        if event.number > 1:
            attributes[RESEND_COUNT] = event.number - 1
        span = self._tracer.start_span(target.attempt_name, set_span_in_context(call.span), SpanKind.CLIENT, attributes)
        call.attempt, call.attempt_token = span, contexts.attach(set_span_in_context(span))

    def _end_attempt(self, call: _CallUnderWay, event: AttemptEnded) -> None:
        target, span = call.target, call.attempt
        measured = dict(target.measured)
        error = event.error
        if event.status is not None:
            measured[STATUS_CODE] = event.status
            error = None if 200 <= event.status < 300 else str(event.status)
        if error is not None:
            measured[ERROR_TYPE] = error
        self._metrics.duration.record(event.seconds, measured)
        self._metrics.active.add(-1, target.measured)
        self._metrics.note_quota(target, event)
        if call.attempt_token is not None:
            contexts.detach(call.attempt_token)
        if span is None:
            return
        if event.status is not None:
            span.set_attribute(STATUS_CODE, event.status)
        if event.request_id is not None:
            span.set_attribute(REQUEST_ID, event.request_id)
        if event.outcome is not None:
            span.set_attribute(OUTCOME, event.outcome.value)
        if error is not None:
            _fail(span, error)
        span.end()
        call.attempt = call.attempt_token = None

    def _note_retry(self, call: _CallUnderWay, event: RetryScheduled) -> None:
        self._metrics.retries.add(1, {**call.target.measured, ERROR_TYPE: event.error})
        call.span.add_event(
            "setsmart.retry",
            {"setsmart.retry.attempt": event.number, "setsmart.retry.delay": event.delay, ERROR_TYPE: event.error},
        )


def _end(call: _CallUnderWay, event: CallEnded) -> None:
    if call.token is not None:
        contexts.detach(call.token)
    if call.waits:
        call.span.set_attribute(LIMITER_WAIT, call.waits)
    if event.outcome is not None:
        call.span.set_attribute(OUTCOME, event.outcome.value)
    if event.error is not None:
        _fail(call.span, event.error)
    call.span.end()


def _fail(span: Span, error: str) -> None:
    """By the kind of error alone: exceptions are not recorded, for what a text or a traceback holds is not ours."""
    span.set_attribute(ERROR_TYPE, error)
    span.set_status(StatusCode.ERROR)


class TraceContextTransport:
    """A transport that sends ``traceparent`` and ``tracestate`` along, so that the server's spans join the trace.

    SetSmart does not document that it reads them, and they tell a third party about your traces, so that nothing sends
    them unless you ask for it. Baggage, which may hold anything, is never sent.

    .. code-block:: python

        SetSmart(observer=OpenTelemetryObserver(), transport=TraceContextTransport(AiohttpTransport()))
    """

    def __init__(self, transport: Transport) -> None:
        """`transport` carries the requests; closing this one closes it too."""
        self._transport = transport
        self._propagator = TraceContextTextMapPropagator()

    async def send(self, request: HttpRequest, *, timeout: float | None) -> HttpResponse:  # noqa: ASYNC109 - see base
        """See `Transport.send`."""
        fields: dict[str, str] = {}
        self._propagator.inject(fields)
        if fields:
            request = replace(request, headers={**request.headers, **fields})
        return await self._transport.send(request, timeout=timeout)

    async def aclose(self) -> None:
        """See `Transport.aclose`."""
        await self._transport.aclose()
