"""What happened, told to whoever wants to know: logs, metrics, a progress bar.

An observer is any callable that takes an event. It is called on the event loop: keep it quick, or wrap it in
`BackgroundObserver`. What it raises is logged and goes no further. No event holds a key, a body, an id or a query.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import ClassVar, Final, Self, TypeAlias

import attrs

from setsmart_async.errors import Outcome
from setsmart_async.wire import Origin

LOGGER: Final = logging.getLogger("setsmart_async")
"""Attempts, waits and pages at DEBUG, retries and new keys at INFO; `record.setsmart` holds an event's fields."""
TRACE: Final = 5
"""The level, below DEBUG, of a call's begin and end, for its attempts say as much."""


@attrs.frozen(kw_only=True)
class _Event:
    level: ClassVar[int] = logging.DEBUG
    line: ClassVar[str]
    shown: ClassVar[tuple[str, ...]]


@attrs.frozen(kw_only=True)
class _CallEvent(_Event):
    operation: str
    """Method and path template, such as ``GET /properties/{id}``."""
    call_id: int
    """The call's number in its client: 1 for the first."""


@attrs.frozen(kw_only=True)
class CallStarted(_CallEvent):
    """A call was asked for. Everything else that is told of it comes from the same task, between this and its end."""

    level: ClassVar[int] = TRACE
    line: ClassVar[str] = "%s: call %d begins"
    shown: ClassVar[tuple[str, ...]] = ("operation", "call_id")

    origin: Origin
    """The server that it is for."""


@attrs.frozen(kw_only=True)
class CallEnded(_CallEvent):
    """A call has come to its end: answered, failed or cancelled."""

    level: ClassVar[int] = TRACE
    line: ClassVar[str] = "%s: call %d ended after %.3f s: error %s"
    shown: ClassVar[tuple[str, ...]] = ("operation", "call_id", "seconds", "error")

    seconds: float
    """From asking to the end, waits and retries included."""
    error: str | None = None
    """The class name of what it raised; None when it brought a reply."""
    outcome: Outcome | None = None
    """That error's outcome; None for a reply, and for what is no `CallError`, such as a cancellation."""


@attrs.frozen(kw_only=True)
class AttemptStarted(_CallEvent):
    """One request is about to be sent."""

    line: ClassVar[str] = "%s: call %d, attempt %d begins"
    shown: ClassVar[tuple[str, ...]] = ("operation", "call_id", "number")

    number: int
    """1 for the first attempt of a call."""


@attrs.frozen(kw_only=True)
class AttemptEnded(_CallEvent):
    """One request was answered, failed, or was cancelled."""

    line: ClassVar[str] = "%s: call %d, attempt %d ended after %.3f s: status %s, error %s, request id %s"
    shown: ClassVar[tuple[str, ...]] = ("operation", "call_id", "number", "seconds", "status", "error", "request_id")

    number: int
    """1 for the first attempt of a call."""
    seconds: float
    """From sending to the end of the answer's body."""
    status: int | None
    """The HTTP status; None when there was no answer."""
    error: str | None = None
    """The class name of what the transport raised, or cancelled it; None when there was an answer."""
    outcome: Outcome | None = None
    """That error's outcome, unknown when cancelled; None when there was an answer."""
    request_id: str | None = None
    """The server's name for the request, when the answer's headers say it."""
    quota_limit: int | None = None
    """Requests per window, when the answer's headers say it."""
    quota_remaining: int | None = None
    """Requests left in this window, when the answer's headers say it."""
    quota_reset_after: float | None = None
    """Seconds from the answer to the next window, when its headers say it."""


@attrs.frozen(kw_only=True)
class RetryScheduled(_CallEvent):
    """A failed attempt will be repeated."""

    level: ClassVar[int] = logging.INFO
    line: ClassVar[str] = "%s: call %d, attempt %d met %s and is repeated in %.3f s"
    shown: ClassVar[tuple[str, ...]] = ("operation", "call_id", "number", "error", "delay")

    number: int
    """The attempt that failed."""
    delay: float
    """Seconds until the next one, waiting for quota aside."""
    error: str = ""
    """The class name of what it met."""


@attrs.frozen(kw_only=True)
class QuotaWaited(_CallEvent):
    """A call has waited for quota or for a free slot."""

    line: ClassVar[str] = "%s: call %d waited %.3f s for quota"
    shown: ClassVar[tuple[str, ...]] = ("operation", "call_id", "seconds")

    seconds: float


@attrs.frozen(kw_only=True)
class PageRead(_CallEvent):
    """A page of a list has come."""

    line: ClassVar[str] = "%s: call %d brought a page of %d items"
    shown: ClassVar[tuple[str, ...]] = ("operation", "call_id", "items")

    items: int
    """How many it holds."""
    total: int | None = None
    """How many all pages hold, when the server says."""


@attrs.frozen(kw_only=True)
class KeyRefreshed(_CallEvent):
    """Another API key is used from now on."""

    level: ClassVar[int] = logging.INFO
    line: ClassVar[str] = "%s: call %d goes on with another API key (fingerprint %s, fallback: %s)"
    shown: ClassVar[tuple[str, ...]] = ("operation", "call_id", "fingerprint", "fallback")

    fingerprint: str
    """Tells keys apart and gives none away; see `ApiKey.fingerprint`."""
    fallback: bool
    """Whether it is the `fallback_key`: the other one was refused."""


@attrs.frozen(kw_only=True)
class CoordinatorLost(_Event):
    """The coordinator of a shared quota is not reached: a fixed part of the quota is used until it is back."""

    level: ClassVar[int] = logging.WARNING
    line: ClassVar[str] = "the shared quota's coordinator is lost: 1/%d of the quota is used until it is back"
    shown: ClassVar[tuple[str, ...]] = ("sharers",)

    sharers: int
    """Clients that shared the quota when it was last reached."""


@attrs.frozen(kw_only=True)
class CoordinatorRestored(_Event):
    """The coordinator of a shared quota is reached again."""

    level: ClassVar[int] = logging.INFO
    line: ClassVar[str] = "the shared quota's coordinator is back after %.1f s; %d clients share the quota"
    shown: ClassVar[tuple[str, ...]] = ("seconds", "sharers")

    seconds: float
    """For how long it was lost."""
    sharers: int
    """Clients that are known to share the quota now."""


CallEvent: TypeAlias = (
    CallStarted | CallEnded | AttemptStarted | AttemptEnded | RetryScheduled | QuotaWaited | PageRead | KeyRefreshed
)
"""What happens in a call: has its `operation` and `call_id`."""
Event: TypeAlias = CallEvent | CoordinatorLost | CoordinatorRestored
"""What an observer is told."""
"""What an observer is told."""
Observer: TypeAlias = Callable[[Event], None]
"""Whoever wants to be told."""


def tell(observer: Observer | None, event: Event) -> None:
    """Log an event, and hand it to an observer, whose own failure is logged and never raised."""
    if LOGGER.isEnabledFor(event.level):
        fields = attrs.asdict(event)
        LOGGER.log(event.level, event.line, *(fields[name] for name in event.shown), extra={"setsmart": fields})
    if observer is not None:
        _hand_over(observer, event)


def _hand_over(observer: Observer, event: Event) -> None:
    try:
        observer(event)
    except Exception as fault:  # noqa: BLE001 - a user's observer may raise anything, and no call may fail for it
        LOGGER.warning("observer raised %s on %s", type(fault).__name__, type(event).__name__)


class Observers:
    """Several observers as one: each is told, in this order, whatever the others raise."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def __call__(self, event: Event) -> None:
        """Tell them all."""
        for observer in self._observers:
            _hand_over(observer, event)


class BackgroundObserver:
    """Tells a slow observer in a thread of its own, so that it holds up no call.

    At most `capacity` events wait; when the observer is slower than that, the newest are dropped and counted. Close
    it, or leave its ``with`` block, to have it told what is waiting still.
    """

    def __init__(self, observer: Observer, *, capacity: int = 10_000) -> None:
        self.dropped: int = 0
        """Events that the observer was too slow for."""
        self._events: queue.Queue[Event | None] = queue.Queue(capacity)
        self._thread = threading.Thread(
            target=self._tell_all, args=(observer,), name="setsmart_async observer", daemon=True
        )
        self._thread.start()

    def __call__(self, event: Event) -> None:
        """Take an event; returns at once."""
        try:
            self._events.put_nowait(event)
        except queue.Full:
            self.dropped += 1

    def close(self, timeout: float | None = 10.0) -> None:
        """Wait until the observer has been told everything, at most so many seconds."""
        with suppress(queue.Full):
            self._events.put(None, timeout=timeout)
        self._thread.join(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _tell_all(self, observer: Observer) -> None:
        while (event := self._events.get()) is not None:
            _hand_over(observer, event)
