"""The sandbox's rate limiter, which is also the simulator that limiters are proved against.

SetSmart documents three headers and neither the window's length nor the algorithm, so there are the three that the
field's APIs use. Nothing here reads a clock: `now` is passed in, in unix seconds.

- ``fixed``: windows are aligned to the unix epoch in the server's clock; all quota comes back at once.
- ``sliding``: a log of the last `window` seconds; each request comes back a window after it was made.
- ``bucket``: holds `limit` tokens and refills evenly, `limit` per `window`.

A request that is refused uses up nothing.
"""

from __future__ import annotations

import math
from collections import deque
from functools import lru_cache
from typing import Final, Literal, Protocol, get_args

import attrs

from setsmart_async.errors import ConfigurationError
from setsmart_async.sandbox.timestamps import http_date

Algorithm = Literal["fixed", "sliding", "bucket"]
"""How a server counts; see the module."""

RetryAfter = Literal["never", "refusals", "always"]
"""Which answers say how long to wait: none; those with status 429; or every one, 0 where there is no need to wait, as
some real limiters do."""

WINDOWS_KEPT: Final = 10_000
"""How many windows the count reaches back."""

_SHORTEST_WINDOW: Final = 0.001
# What a unix time in a float can not tell apart must not cost a token.
_ROUNDING: Final = 1e-6


@attrs.frozen
class QuotaRule:
    """So many requests per window of so many seconds. Raises `ConfigurationError` for what can be no rule."""

    limit: int = 100
    """Requests per window, 1 or more. The default is the documented example's."""
    window: float = 10.0
    """Seconds, 0.001 or more. Provisional: the documentation names none."""
    algorithm: Algorithm = "fixed"
    """Provisional: the documentation names none."""

    def __attrs_post_init__(self) -> None:
        if type(self.limit) is not int or self.limit < 1:
            raise ConfigurationError("A quota's limit must be a whole number of requests, 1 or more.")
        if not (math.isfinite(self.window) and self.window >= _SHORTEST_WINDOW):
            raise ConfigurationError(f"A quota's window must be {_SHORTEST_WINDOW:g} seconds or more.")
        if self.algorithm not in get_args(Algorithm):
            raise ConfigurationError(f"A quota's algorithm must be one of {', '.join(get_args(Algorithm))}.")


@attrs.frozen
class QuotaState:
    """The verdict on one request, and the quota after it."""

    allowed: bool
    """False: answer 429."""
    limit: int
    """Requests per window."""
    remaining: int
    """Whole requests that would be allowed now."""
    reset: float
    """When the window ends (fixed), the oldest request leaves (sliding) or the bucket is full: unix seconds of the
    server's clock, exact."""
    retry_after: float
    """Seconds until a request would be allowed; 0 when this one was."""


@attrs.frozen
class WindowCount:
    """What the server counted between two multiples of the window, all keys together."""

    start: float
    """Unix seconds of the server's clock."""
    accepted: int
    """Requests allowed."""
    refused: int
    """Requests answered with 429."""


class QuotaSimulator:
    """A rate limiter: asks `rule` for each key on its own, and keeps count.

    The attributes may be changed while it runs. What a key has used is kept when the rule's limit or window changes,
    and forgotten when its algorithm does.
    """

    def __init__(
        self,
        rule: QuotaRule | None = None,
        *,
        skew: float = 0.0,
        send_headers: bool = True,
        send_date: bool = True,
        send_retry_after: RetryAfter | bool = "never",
    ) -> None:
        """`skew` is in seconds; for the rest see the attributes of the same names. Raises `ConfigurationError`."""
        if not math.isfinite(skew):
            raise ConfigurationError("A server's clock skew must be a finite number of seconds.")
        if send_retry_after not in (True, False, *get_args(RetryAfter)):
            raise ConfigurationError(f"send_retry_after must be one of {', '.join(get_args(RetryAfter))}.")
        self.rule: QuotaRule = QuotaRule() if rule is None else rule
        """What is enforced from now on."""
        self.skew = skew
        """Seconds that the server's clock is ahead. Fixed windows follow it; sliding log and bucket, which measure
        time that has passed, only announce their resets in it."""
        self.send_headers = send_headers
        """Whether answers carry ``X-RateLimit-*``."""
        self.send_date = send_date
        """Whether answers carry ``Date``."""
        self.send_retry_after: RetryAfter | bool = send_retry_after
        """Which answers carry ``Retry-After``, in whole seconds; True is ``refusals``, False ``never``. Provisional."""
        self._meters: dict[str, _Meter] = {}
        self._counts: deque[_Count] = deque(maxlen=WINDOWS_KEPT)

    def server_time(self, now: float) -> float:
        """The server's clock, in unix seconds, when the true time is `now`."""
        return now + self.skew

    def take(self, key: str, now: float) -> QuotaState:
        """Let one request of `key` go, or refuse it, at the true time `now` (unix seconds)."""
        rule, server_now = self.rule, now + self.skew
        meter = self._meters.get(key)
        if meter is None or meter.algorithm != rule.algorithm:
            meter = self._meters[key] = _METERS[rule.algorithm]()
        if rule.algorithm == "fixed":
            state = meter.take(rule, server_now)
        else:
            state = meter.take(rule, now)
            if self.skew:
                state = attrs.evolve(state, reset=state.reset + self.skew)
        count = self._count_at(server_now)
        if state.allowed:
            count.accepted += 1
        else:
            count.refused += 1
        return state

    def headers(self, state: QuotaState | None, now: float) -> list[tuple[str, str]]:
        """The header fields of an answer given at the true time `now`; `state` is None where no quota was asked.

        ``X-RateLimit-Reset`` is in whole unix seconds, rounded up so that who waits for it is never early;
        ``Date`` is rounded down, as HTTP has it.
        """
        fields: list[tuple[str, str]] = []
        if self.send_date:
            fields.append(("Date", http_date(math.floor(now + self.skew))))
        if state is None:
            return fields
        if self.send_headers:
            fields.append(("X-RateLimit-Limit", str(state.limit)))
            fields.append(("X-RateLimit-Remaining", str(state.remaining)))
            fields.append(("X-RateLimit-Reset", str(math.ceil(state.reset))))
        if self.send_retry_after == "always" or (not state.allowed and self.send_retry_after not in ("never", False)):
            fields.append(("Retry-After", str(math.ceil(state.retry_after))))
        return fields

    def windows(self) -> list[WindowCount]:
        """The count of each window from the first request to the last, the idle ones between them included.

        Whatever the algorithm, windows are multiples of the rule's window in the server's clock. The last 10,000 are
        kept. A server's clock that is set back begins a new window, whose start may stand in the list twice.
        """
        found: list[WindowCount] = []
        previous: _Count | None = None
        for count in self._counts:
            if previous is not None and previous.window == count.window:
                first = max(previous.index + 1, count.index - WINDOWS_KEPT)
                found.extend(WindowCount(index * count.window, 0, 0) for index in range(first, count.index))
            found.append(WindowCount(count.index * count.window, count.accepted, count.refused))
            previous = count
        return found[-WINDOWS_KEPT:]

    def _count_at(self, server_now: float) -> _Count:
        window = self.rule.window
        index = _window_index(server_now, window)
        if self._counts:
            last = self._counts[-1]
            if last.index == index and last.window == window:
                return last
        count = _Count(index, window)
        self._counts.append(count)
        return count


@attrs.define
class _Count:
    index: int
    window: float
    accepted: int = 0
    refused: int = 0


def _window_index(now: float, window: float) -> int:
    # A rounded quotient, so that a whole second begins a window of 0.1 s although no float is a tenth.
    return math.floor(now / window)


@lru_cache(maxsize=8)
def _window_end(index: int, window: float) -> float:
    """Where the window ends: already in the next one, whatever the rounding."""
    end = (index + 1) * window
    while _window_index(end, window) <= index:
        end = math.nextafter(end, math.inf)
    return end


class _Meter(Protocol):
    """What one key has used."""

    algorithm: Algorithm

    def take(self, rule: QuotaRule, now: float) -> QuotaState:
        """Let one request go, or refuse it; `now` and the answer's reset are in the same clock."""
        ...


class _FixedWindow:
    algorithm: Algorithm = "fixed"

    def __init__(self) -> None:
        self._window: tuple[int, float] | None = None
        self._used = 0

    def take(self, rule: QuotaRule, now: float) -> QuotaState:
        """See `_Meter.take`."""
        index = _window_index(now, rule.window)
        if self._window != (index, rule.window):
            self._window = (index, rule.window)
            self._used = 0
        end = _window_end(index, rule.window)
        allowed = self._used < rule.limit
        if allowed:
            self._used += 1
        remaining = max(0, rule.limit - self._used)
        return QuotaState(allowed, rule.limit, remaining, end, 0.0 if allowed else end - now)


class _SlidingLog:
    algorithm: Algorithm = "sliding"

    def __init__(self) -> None:
        self._log: deque[float] = deque()

    def take(self, rule: QuotaRule, now: float) -> QuotaState:
        """See `_Meter.take`."""
        log = self._log
        while log and log[0] + rule.window <= now:
            log.popleft()
        allowed = len(log) < rule.limit
        if allowed:
            log.append(now)
            return QuotaState(True, rule.limit, rule.limit - len(log), log[0] + rule.window, 0.0)
        # After the limit was lowered more than one request has to leave first.
        free_at = log[len(log) - rule.limit] + rule.window
        return QuotaState(False, rule.limit, 0, log[0] + rule.window, free_at - now)


class _TokenBucket:
    algorithm: Algorithm = "bucket"

    def __init__(self) -> None:
        self._tokens = math.inf
        self._filled_at = 0.0

    def take(self, rule: QuotaRule, now: float) -> QuotaState:
        """See `_Meter.take`."""
        per_second = rule.limit / rule.window
        passed = max(0.0, now - self._filled_at)
        self._tokens = min(float(rule.limit), self._tokens + passed * per_second)
        self._filled_at = max(self._filled_at, now)
        allowed = self._tokens >= 1.0 - _ROUNDING
        if allowed:
            self._tokens -= 1.0
        remaining = max(0, math.floor(self._tokens + _ROUNDING))
        full_at = self._filled_at + (rule.limit - self._tokens) / per_second
        wait = 0.0 if allowed else self._filled_at + (1.0 - self._tokens) / per_second - now
        return QuotaState(allowed, rule.limit, remaining, full_at, wait)


_METERS: Final[dict[Algorithm, type[_FixedWindow | _SlidingLog | _TokenBucket]]] = {
    "fixed": _FixedWindow,
    "sliding": _SlidingLog,
    "bucket": _TokenBucket,
}
