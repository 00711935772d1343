"""How many requests may go now, and when the next: the limiter's rule, pure and O(1) per event.

The rule needs no knowledge of the server's algorithm and never assumes a refill; only answers raise it:

    available = lower bound of Remaining - in flight - ghosts

*Lower bound*: the least ``Remaining`` of the current and the previous epoch. An epoch closes with the first answer
whose request was granted after it opened; so answers that overtake each other are all counted, in constant memory.
A newer ``Reset`` supersedes everything, an older one is a straggler and ignored.
*Ghosts*: requests whose answer was lost. The server may have counted them; they are kept for two epochs.
*Probe*: at the estimated reset exactly one request goes; its answer re-seeds the bucket. Cold start is the same.
*Pause*: a 429, or a 503 with ``Retry-After``, closes one gate for every caller.

    window k                          reset                 window k+1
    ──┬────┬──┬─┬───────────────────────┼──┬────────────┬─┬─┬────────
     OPEN: grants while available    EXHAUSTED  PROBING: one  OPEN
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import attrs

from setsmart_async.policy.quota import QuotaReading
from setsmart_async.policy.server_clock import ServerClock

_LONGEST_RESET: Final = 86_400.0
_LONGEST_PAUSE: Final = 3_600.0
_FIRST_BLIND_WAIT: Final = 1.0
_LONGEST_BLIND_WAIT: Final = 60.0
_CAUTION: Final = 1.0
_LONG_WINDOW: Final = 30.0
_EARLY_STEP: Final = 0.25
_NEVER: Final = float("-inf")


class BucketState(StrEnum):
    """What a bucket waits for."""

    COLD = "cold"
    """Nothing is known: the first answer must come."""
    OPEN = "open"
    EXHAUSTED = "exhausted"
    """Nothing is left; the reset is due at a known time."""
    PROBING = "probing"
    """One request is under way to learn what is left."""
    PAUSED = "paused"
    """The server asked for a pause."""
    UNMETERED = "unmetered"
    """The server sends no rate headers."""


@attrs.frozen(eq=False)
class Ticket:
    """One granted request, until its outcome is told to the bucket."""

    sequence: int
    cost: int
    sent: float
    """Monotonic seconds of the grant."""
    probe: bool


class Bucket:
    """The account of one API key's quota. `now` is always monotonic seconds, never going back."""

    def __init__(self, *, wall_offset: float = 0.0) -> None:
        """`wall_offset` (unix minus monotonic seconds) stands in for the server's clock until a ``Date`` comes."""
        self.limit: int | None = None
        self.server_clock = ServerClock()
        self._wall_offset = wall_offset
        self._granted = 0
        self._in_flight = 0
        self._ghosts = 0
        self._older_ghosts = 0
        self._least: int | None = None
        self._least_before: int | None = None
        self._epoch = 0
        self._reset: float | None = None
        self._reset_seen = 0
        self._window: float | None = None
        self._lateness = 0.0
        self._blind_wait = _FIRST_BLIND_WAIT
        self._blind_until = _NEVER
        self._paused_until = _NEVER
        self._probe: Ticket | None = None
        self._unmetered = False

    @property
    def in_flight(self) -> int:
        """Cost of the requests under way."""
        return self._in_flight

    @property
    def available(self) -> int:
        """Requests that may go now; 0 while nothing is known."""
        if self._least is None:
            return 0
        least = self._least if self._least_before is None else min(self._least, self._least_before)
        return max(0, least - self._in_flight - self._ghosts - self._older_ghosts)

    def take(self, now: float, cost: int = 1) -> Ticket | None:
        """A ticket for a request of this cost, or None: then `next_time` says when to ask again."""
        if now < self._paused_until:
            return None
        if self._unmetered or self.available >= cost:
            return self._grant(now, cost, probe=False)
        if self._probe is None and self._may_probe(now):
            return self._grant(now, cost, probe=True)
        return None

    def next_time(self, now: float, cost: int = 1) -> float | None:
        """When `take` may succeed without another answer; None: an answer must come first."""
        if self._unmetered or self.available >= cost:
            return max(now, self._paused_until)
        if self._probe is not None:
            return None
        if self._least is None:
            return None if self._in_flight else max(now, self._paused_until)
        due = self._probe_due()
        if due is None:
            return None if self._in_flight else max(now, self._paused_until, self._blind_until)
        return max(now, self._paused_until, due)

    def wait_for(self, now: float, ahead: int) -> float:
        """Seconds that a request with so much cost ahead of it will wait, as far as can be told; else 0."""
        due = self._probe_due()
        start = max(now, self._paused_until)
        if self._unmetered or self._least is None or self.limit is None or due is None:
            return start - now
        lacking = ahead + 1 - self.available
        if lacking <= 0:
            return start - now
        full_windows = (lacking - 1) // max(1, self.limit)
        return max(start, due) - now + full_windows * (self._window or 0.0)

    def reset_time(self) -> float | None:
        """The next reset in monotonic seconds, as late as it may be; None: unknown."""
        return None if self._reset is None else self._at_latest(self._reset)

    def state(self, now: float) -> BucketState:
        """The state, for people to look at."""
        if now < self._paused_until:
            return BucketState.PAUSED
        if self._unmetered:
            return BucketState.UNMETERED
        if self._probe is not None:
            return BucketState.PROBING
        if self._least is None:
            return BucketState.COLD
        return BucketState.OPEN if self.available else BucketState.EXHAUSTED

    def refund(self, ticket: Ticket) -> None:
        """The request was never sent."""
        self._settle(ticket)

    def lose(self, ticket: Ticket) -> None:
        """The request was sent and its answer is lost: the server may have counted it."""
        self._settle(ticket)
        self._ghosts += ticket.cost

    def observe(self, ticket: Ticket, now: float, status: int, reading: QuotaReading) -> None:
        """The request was answered."""
        self._settle(ticket)
        if reading.date is not None:
            self.server_clock.see(reading.date, ticket.sent, now)
        if reading.retry_after is not None:
            self._paused_until = max(self._paused_until, now + min(reading.retry_after, _LONGEST_PAUSE))
        if reading.remaining is None:
            self._observe_silence(now, status)
            return
        self._unmetered = False
        reset = self._server_reset(reading, now)
        newer = self._is_newer(reset, ticket)
        if newer is None:
            return
        if newer:
            self._open_window(reset, reading.remaining, ticket, now)
        else:
            self._narrow(reading.remaining, ticket)
        if reading.limit:
            self.limit = reading.limit
        self._mind_the_probe(ticket, now, status, reading, newer=newer)

    def _grant(self, now: float, cost: int, *, probe: bool) -> Ticket:
        self._granted += 1
        self._in_flight += cost
        ticket = Ticket(self._granted, cost, now, probe)
        if probe:
            self._probe = ticket
        return ticket

    def _settle(self, ticket: Ticket) -> None:
        self._in_flight -= ticket.cost
        if self._probe is ticket:
            self._probe = None

    def _probe_due(self) -> float | None:
        reset = self.reset_time()
        return None if reset is None else reset + self._lateness

    def _may_probe(self, now: float) -> bool:
        if self._least is None:
            return self._in_flight == 0
        due = self._probe_due()
        if due is None:
            return self._in_flight == 0 and now >= self._blind_until
        return now >= due

    def _observe_silence(self, now: float, status: int) -> None:
        """An answer without rate headers."""
        if status == 429:
            self._unmetered = False
            self._least = 0
            self._back_off(now)
        elif self._least is None:
            self._unmetered = True

    def _back_off(self, now: float) -> None:
        """No reset to wait for: try one request after a while, and after twice as long when that fails."""
        if now >= self._blind_until:
            self._blind_until = now + self._blind_wait
            self._blind_wait = min(2 * self._blind_wait, _LONGEST_BLIND_WAIT)
        self._reset = None
        self._paused_until = max(self._paused_until, self._blind_until)

    def _server_reset(self, reading: QuotaReading, now: float) -> float | None:
        """The reset in the server's unix seconds; None when it says nothing: past, or absurdly far."""
        offset = self.server_clock.offset
        server_now = now + (self._wall_offset if offset is None else offset)
        reset = reading.reset
        if reset is None and reading.reset_after is not None:
            reset = server_now + reading.reset_after
        if reset is None or not server_now - 1 <= reset <= server_now + _LONGEST_RESET:
            return None
        return reset

    def _is_newer(self, reset: float | None, ticket: Ticket) -> bool | None:
        """Whether an answer tells of a newer window; None: of an older one, and nothing else can be learnt."""
        if self._least is None:
            return True
        if reset is None or self._reset is None:
            return reset is not None
        if reset > self._reset:
            return True
        if reset < self._reset:
            # Sent after we knew the later reset, and yet an earlier one: the server's clock or rule has changed.
            return True if ticket.sequence > self._reset_seen else None
        return False

    def _open_window(self, reset: float | None, remaining: int, ticket: Ticket, now: float) -> None:
        if reset is not None and self._reset is not None and reset > self._reset:
            self._window = reset - self._reset
        elif reset is not None and self._window is None:
            self._lateness = _CAUTION if self._at_latest(reset) - now >= _LONG_WINDOW else 0.0
        self._learn_lateness(ticket, now)
        self._reset = reset
        self._reset_seen = self._granted
        self._least, self._least_before = remaining, None
        self._ghosts = self._older_ghosts = 0
        self._epoch = self._granted

    def _learn_lateness(self, ticket: Ticket, now: float) -> None:
        """A new window shown to a request sent before we dared to expect it: be that much less cautious."""
        due = self.reset_time()
        if due is not None and ticket.sent < due + self._lateness:
            self._lateness = min(self._lateness, max(0.0, now - due))

    def _at_latest(self, server_time: float) -> float:
        latest = self.server_clock.latest(server_time)
        return server_time - self._wall_offset if latest is None else latest

    def _narrow(self, remaining: int, ticket: Ticket) -> None:
        """Another answer of the same window."""
        if self._least is None or ticket.sequence > self._epoch:
            self._least_before, self._least = self._least, remaining
            self._older_ghosts, self._ghosts = self._ghosts, 0
            self._epoch = self._granted
        else:
            self._least = min(self._least, remaining)

    def _mind_the_probe(self, ticket: Ticket, now: float, status: int, reading: QuotaReading, *, newer: bool) -> None:
        """Draw the conclusions of a 429, of a probe that came too early, and of a limit without a reset."""
        if status == 429:
            self._least = 0
            due = self._probe_due()
            if reading.remaining:
                self._back_off(now)
            elif due is not None and ticket.probe and not newer:
                self._lateness += max(_EARLY_STEP, now - due + _EARLY_STEP)
        elif reading.remaining:
            self._blind_wait = _FIRST_BLIND_WAIT
        if self._least == 0 and self._reset is None:
            self._back_off(now)
