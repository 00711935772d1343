"""What happened, told to whoever wants to know: logs, metrics, a progress bar.

An observer is any callable that takes an event. It is called on the event loop: keep it quick. What it raises is
logged and goes no further. No event holds a key, a body or a query.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeAlias

import attrs

from setsmart_async.errors import Outcome

_log = logging.getLogger("setsmart_async")


@attrs.frozen(kw_only=True)
class AttemptEnded:
    """One request was answered or failed."""

    operation: str
    """Method and path template."""
    number: int
    """1 for the first attempt of a call."""
    seconds: float
    """From sending to the end of the answer's body."""
    status: int | None
    """The HTTP status; None when there was no answer."""
    error: str | None = None
    """The error's class name; None for success."""
    outcome: Outcome | None = None
    """The error's outcome; None for success."""


@attrs.frozen(kw_only=True)
class RetryScheduled:
    """A failed attempt will be repeated."""

    operation: str
    number: int
    """The attempt that failed."""
    delay: float
    """Seconds until the next one."""


@attrs.frozen(kw_only=True)
class QuotaWaited:
    """A call has waited for quota or for a free slot."""

    operation: str
    seconds: float


Event: TypeAlias = AttemptEnded | RetryScheduled | QuotaWaited
"""What an observer is told."""
Observer: TypeAlias = Callable[[Event], None]
"""Whoever wants to be told."""


def tell(observer: Observer, event: Event) -> None:
    """Hand an event to an observer; its own failure is logged, never raised."""
    try:
        observer(event)
    except Exception as fault:  # noqa: BLE001 - a user's observer may raise anything, and no call may fail for it
        _log.warning("observer raised %s on %s", type(fault).__name__, type(event).__name__)
