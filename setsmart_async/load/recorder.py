"""What came of the calls, counted as they end."""

from __future__ import annotations

from collections import Counter
from typing import Final

import attrs

from setsmart_async.load.histogram import Histogram
from setsmart_async.load.meter import CallTimes

UNFINISHED: Final = "unfinished"
"""The error of a call that had no answer when the run was over: it counts with the time that it had until then."""

_WIDTHS: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)
_MOST_SLICES: Final = 120


@attrs.frozen(kw_only=True)
class EndedCall:
    """One call that is over."""

    name: str
    """Its entry in the mix."""
    due: float
    """Seconds from the begin of what is measured."""
    latency: float
    """Seconds from when it was due until its end: waiting, retries and all."""
    times: CallTimes
    error: str | None
    """What kind; None: it went well."""


@attrs.frozen
class Figures:
    """The figures of some calls."""

    latency: Histogram = attrs.field(factory=Histogram)
    """Of all of them, those that failed too."""
    waited: Histogram = attrs.field(factory=Histogram)
    """For quota."""
    server: Histogram = attrs.field(factory=Histogram)
    """In the server and on the way."""
    errors: Counter[str] = attrs.field(factory=Counter[str])
    """Calls that failed, by kind."""
    statuses: Counter[int] = attrs.field(factory=Counter[int])
    """Answers by HTTP status, those of repeated attempts too."""

    @property
    def calls(self) -> int:
        """How many."""
        return self.latency.count

    @property
    def failed(self) -> int:
        """How many of them failed."""
        return self.errors.total()

    @property
    def rate_limited(self) -> int:
        """Answers with 429."""
        return self.statuses[429]

    def count(self, call: EndedCall) -> None:
        """Count one."""
        self.latency.record(call.latency)
        self.waited.record(call.times.waited)
        self.server.record(call.times.server)
        self.statuses.update(call.times.statuses)
        if call.error is not None:
            self.errors[call.error] += 1


@attrs.define
class Slice:
    """The calls that were due in a short time."""

    latency: Histogram = attrs.field(factory=Histogram)
    failed: int = 0
    rate_limited: int = 0


class Recorder:
    """Counts calls: all together, by entry of the mix, and over time. Those of the warm-up are left out."""

    def __init__(self, duration: float) -> None:
        """`duration` is how long is measured, in seconds."""
        self.duration = duration
        self.all: Figures = Figures()
        """Every call."""
        self.by_name: dict[str, Figures] = {}
        """The same by entry of the mix."""
        self.done: int = 0
        """Calls that ended well within what is measured, whenever they were due."""
        self.width: float = next((width for width in _WIDTHS if duration <= width * _MOST_SLICES), _WIDTHS[-1])
        """Seconds in a slice."""
        self.slices: dict[int, Slice] = {}
        """Calls over time, by number: slice 3 begins at 3 times `width`."""

    def count(self, call: EndedCall) -> None:
        """Count one call."""
        if call.error is None and 0 <= call.due + call.latency <= self.duration:
            self.done += 1
        if call.due < 0:
            return
        self.all.count(call)
        self.by_name.setdefault(call.name, Figures()).count(call)
        part = self.slices.setdefault(int(call.due / self.width), Slice())
        part.latency.record(call.latency)
        part.failed += call.error is not None
        part.rate_limited += call.times.statuses.count(429)
