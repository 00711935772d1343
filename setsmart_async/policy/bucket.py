"""How many requests may go now, and when the next: the limiter's rule, pure and O(1) per event.

The rule needs no knowledge of the server's algorithm and never assumes a refill; only answers raise it:

    available = lower bound of Remaining - in flight - ghosts          (see `policy.lower_bound`)

*Newer and older*: an answer with a newer ``Reset`` supersedes everything, one with an older is a straggler.
*Probe*: at the reset, as late as it may be by the server's clock, exactly one request goes; its answer re-seeds the
bucket. A cold start is the same. No 429 comes of a window that was only predicted.
*Trickle*: the last few tokens are spread until the reset. They show an earlier refill and sharpen the clock for free.
*Pause*: a 429, or a 503 with ``Retry-After``, closes one gate for every caller; behind it a probe, then twice as
many with each round trip.
*Unmetered*: no headers at all; then concurrency is found by `policy.aimd`.

    window k                                     reset          window k+1
    ──┬┬┬┬┬──┬────────┬────────┬────────┬──────────┼─┬────────┬┬┬┬┬┬──
      OPEN    trickle of the last tokens  EXHAUSTED  PROBING   OPEN
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from math import inf
from typing import Final, Generic, TypeVar

import msgspec

from setsmart_async.policy.aimd import ConcurrencyWindow
from setsmart_async.policy.lower_bound import LowerBound
from setsmart_async.policy.quota import QuotaReading
from setsmart_async.policy.reset import ResetEstimate

TRICKLED_SHARE: Final = 0.05
"""The share of a window's limit that is spread until the reset."""
_MOST_TRICKLED: Final = 10
_LONGEST_PAUSE: Final = 3_600.0
_FIRST_BACKOFF: Final = 1.0
_LONGEST_BACKOFF: Final = 60.0
_NEVER: Final = float("-inf")


class BucketState(StrEnum):
    """What a bucket waits for."""

    COLD = "cold"
    """Nothing is known: the first answer must come."""
    OPEN = "open"
    EXHAUSTED = "exhausted"
    """Nothing is left until the reset."""
    PROBING = "probing"
    """One request is under way to learn what is left."""
    PAUSED = "paused"
    """The server asked for a pause."""
    UNMETERED = "unmetered"
    """The server sends no rate headers."""
    DEGRADED = "degraded"
    """The quota is shared with others who can not be asked: a fixed share is used."""


class Ticket(msgspec.Struct, eq=False):
    """One granted request, until its outcome is told to the bucket. A struct, for one is made for every request."""

    sequence: int
    """1 for the first that was ever granted."""
    cost: int
    sent: float
    """Monotonic seconds of the grant."""


TicketT = TypeVar("TicketT", bound=Ticket)


class Bucket(Generic[TicketT]):
    """The account of one API key's quota. `now` is always monotonic seconds, never going back."""

    def __init__(
        self,
        ticket: Callable[[int, int, float], TicketT],
        *,
        random_source: Callable[[], float],
        wall_offset: float = 0.0,
        sharers: int = 1,
    ) -> None:
        """`ticket` makes a ticket of a number, a cost and a time; `random_source` gives numbers from 0 to 1.

        `wall_offset` (unix minus monotonic seconds) stands in for the server's clock until a ``Date`` comes. With
        `sharers` above 1 at most that part of each window's limit is used.
        """
        self.limit: int | None = None
        """Requests per window, as the server last said; None: not known."""
        self.reset: ResetEstimate = ResetEstimate(wall_offset=wall_offset)
        self._ticket = ticket
        self._sharers = sharers
        self._random = random_source
        self._bound = LowerBound()
        self._concurrency: ConcurrencyWindow | None = None
        self._granted = 0
        self._in_flight = 0
        self._window_grants = 0
        self._last_grant = self._paused_until = _NEVER
        self._probe: TicketT | None = None
        self._plain_from = _NEVER if sharers == 1 else inf
        """From when on nothing but the bound counts: no pause, no ramp, no share, no missing headers."""
        self._backoff = _FIRST_BACKOFF
        self._ramp = 0

    @property
    def in_flight(self) -> int:
        """Cost of the requests under way."""
        return self._in_flight

    @property
    def available(self) -> int:
        """Requests that may go in this window; 0 while nothing is known."""
        available = self._bound.value - self._in_flight
        if self._sharers > 1 and self.limit is not None:
            available = min(available, self.limit // self._sharers - self._window_grants)
        return max(0, available)

    def take(self, now: float, cost: int = 1, held_back: float = TRICKLED_SHARE) -> TicketT | None:
        """A ticket for a request of this cost, or None: then `next_time` says when to ask again.

        `held_back` is the share of the limit that this caller may use only spread until the reset.
        """
        if now >= self._plain_from:
            left = self._bound.value - self._in_flight - cost
            if left >= 0 and left >= (self.limit or 0) * held_back:  # plenty: nothing to spread, nothing to probe
                self._granted += 1
                self._in_flight += cost
                self._last_grant = now
                return self._ticket(self._granted, cost, now)
        due = self.next_time(now, cost, held_back)
        if due is None or due > now:
            return None
        return self.grant(now, cost, probe=self._concurrency is None and self.available < cost)

    def next_time(self, now: float, cost: int = 1, held_back: float = TRICKLED_SHARE) -> float | None:
        """When such a request may go if no answer comes before; None: an answer must come first."""
        if self._concurrency is not None:
            free = self._in_flight + cost <= max(cost, int(self._concurrency.size))
            return max(now, self._paused_until) if free else None
        if self._ramp and self._in_flight >= self._ramp:
            return None
        if self.available >= cost:
            spread = self._trickle_due(held_back)
            if spread is None and self._in_flight:
                return None  # the reset is near or over, and an answer under way will say so
            return max(now, self._paused_until, spread or _NEVER)
        if self._probe is not None:
            return None
        if self._bound.known and (due := self.reset.due) is not None:
            return max(now, self._paused_until, due)
        return None if self._in_flight else max(now, self._paused_until)

    def wait_for(self, now: float, ahead: int) -> float:
        """Seconds that a request with so much cost ahead of it will wait, as far as can be told; else 0."""
        start = max(now, self._paused_until)
        due = self.reset.due
        lacking = ahead + 1 - self.available
        if lacking <= 0 or due is None or self.limit is None or self._concurrency is not None:
            return start - now
        further_windows = (lacking - 1) // max(1, self.limit)
        return max(start, due) - now + further_windows * (self.reset.window or 0.0)

    def state(self, now: float) -> BucketState:
        """The state, for people to look at."""
        if now < self._paused_until:
            return BucketState.PAUSED
        if self._concurrency is not None:
            return BucketState.UNMETERED
        if self._probe is not None:
            return BucketState.PROBING
        if not self._bound.known:
            return BucketState.COLD
        if self._sharers > 1:
            return BucketState.DEGRADED
        return BucketState.OPEN if self.available else BucketState.EXHAUSTED

    def refund(self, ticket: TicketT) -> None:
        """The request was never sent."""
        self._settle(ticket)
        self._window_grants = max(0, self._window_grants - ticket.cost)

    def lose(self, ticket: TicketT) -> None:
        """The request was sent and its answer is lost: the server may have counted it."""
        self._settle(ticket)
        self._bound.lose(ticket.cost)
        if self._concurrency is not None:
            self._concurrency.cut(ticket.sequence, self._granted)

    def observe(self, ticket: TicketT, now: float, status: int, reading: QuotaReading) -> None:
        """The request was answered with this status and these headers."""
        probed = ticket is self._probe
        self._settle(ticket)
        if reading.date is not None:
            self.reset.server_clock.see(reading.date, ticket.sent, now)
        if status < 300 and reading.remaining and reading.reset == self.reset.announced is not None and not self._ramp:
            self._bound.narrow(reading.remaining, ticket.sequence, self._granted)  # as most answers are
            self.limit = reading.limit or self.limit
            self._backoff = _FIRST_BACKOFF
            return
        self._learn(ticket, now, status, reading, probed=probed)
        is_plain = not self._ramp and self._concurrency is None and self._sharers == 1
        self._plain_from = self._paused_until if is_plain else inf

    def _learn(self, ticket: TicketT, now: float, status: int, reading: QuotaReading, *, probed: bool) -> None:
        if reading.retry_after is not None:
            self._pause(now + min(reading.retry_after, _LONGEST_PAUSE))
        if reading.remaining is None:
            self._observe_silence(ticket, now, status)
            return
        self._concurrency = None
        moment = self.reset.moment(reading, now)
        newer = self.reset.is_newer(moment, ticket.sequence) if self._bound.known else True
        if newer is None:
            return
        if newer:
            self.reset.move(moment, now, sent=ticket.sent, granted=self._granted)
            self._bound.reseed(reading.remaining, self._granted)
            self._window_grants = self._in_flight + ticket.cost
        else:
            self._bound.narrow(reading.remaining, ticket.sequence, self._granted)
        self.limit = reading.limit or self.limit
        if status == 429:
            self._refused(now, reading, probed=probed, newer=newer)
        else:
            self._accepted(now, reading.remaining)

    def grant(self, now: float, cost: int, *, probe: bool = False) -> TicketT:
        """A ticket for a request that goes in any case; `take` asks whether it may."""
        self._granted += 1
        self._in_flight += cost
        self._window_grants += cost
        self._last_grant = now
        ticket = self._ticket(self._granted, cost, now)
        if probe:
            self._probe = ticket
        return ticket

    def _settle(self, ticket: TicketT) -> None:
        self._in_flight -= ticket.cost
        if self._probe is ticket:
            self._probe = None

    def _trickle_due(self, held_back: float) -> float | None:
        """When the next of the last tokens goes, so that they are spread evenly until the reset; None: it is over."""
        if self.limit is None:
            return _NEVER
        few = int(self.limit * held_back)
        if held_back <= TRICKLED_SHARE:
            few = min(few, _MOST_TRICKLED)
        available = self.available
        if available > few:
            return _NEVER
        return self.reset.spread(self._last_grant, available)

    def _accepted(self, now: float, remaining: int) -> None:
        if self._ramp:
            self._ramp = 0 if self.limit is None or self._ramp >= self.limit else self._ramp + 1
        if remaining:
            self._backoff = _FIRST_BACKOFF
        elif self.reset.due is None:
            self._back_off(now)

    def _refused(self, now: float, reading: QuotaReading, *, probed: bool, newer: bool) -> None:
        """A 429 in the current window: close the gate, and learn why."""
        self._bound.empty()
        self._ramp = 1
        if reading.remaining or self.reset.due is None:
            self._back_off(now)
        elif probed and not newer:
            self.reset.was_early(now)

    def _observe_silence(self, ticket: TicketT, now: float, status: int) -> None:
        """An answer without rate headers."""
        if self._bound.known:
            self._bound.lose(ticket.cost)  # it was counted all the same
        elif self._concurrency is None:
            self._concurrency = ConcurrencyWindow()
        if status in (429, 503):
            if self._concurrency is not None:
                self._concurrency.cut(ticket.sequence, self._granted)
            else:
                self._ramp = 1
            if status == 429:
                self._back_off(now)
        elif self._concurrency is not None:
            self._concurrency.grow()
            self._backoff = _FIRST_BACKOFF

    def _back_off(self, now: float) -> None:
        """No reset to wait for: pause for everybody, twice as long each time, one step per pause, with full jitter."""
        if now >= self._paused_until:
            self._pause(now + self._backoff * max(0.1, self._random()))
            self._backoff = min(2 * self._backoff, _LONGEST_BACKOFF)
        self.reset.forget()

    def _pause(self, until: float) -> None:
        self._paused_until = max(self._paused_until, until)
