"""When the next window begins, in monotonic seconds, from what the server says in seconds of its own clock."""

from __future__ import annotations

import math
from typing import Final

from setsmart_async.policy.quota import QuotaReading
from setsmart_async.policy.server_clock import ServerClock

_FARTHEST: Final = 86_400.0
_CAUTION: Final = 1.0
_LONG_WINDOW: Final = 30.0
_FIRST_STEP: Final = 0.25
_MOST_LATENESS: Final = 8.0
_SAME_RELATIVE: Final = 1.5
_SHARP_ENOUGH: Final = 0.05
_TOO_VAGUE: Final = 0.15
_TOO_SHORT_FOR_TICKS: Final = 2.0
_WORTH_A_TOKEN: Final = 0.2


class ResetEstimate:
    """The estimate, and how much later than announced the server really refills (its lateness).

    A reset is announced in whole seconds, rounded one way or the other. So a window of 30 s and more is expected a
    second late at first; lateness shrinks when a request shows an earlier refill, and grows when a probe was early.
    """

    def __init__(self, *, wall_offset: float = 0.0) -> None:
        """`wall_offset`, unix minus monotonic seconds, stands in for the server's clock until a ``Date`` comes."""
        self.window: float | None = None
        """Seconds between the last two resets, when there were two."""
        self.server_clock: ServerClock = ServerClock()
        self._wall_offset = wall_offset
        self.announced: float | None = None
        """The reset that counts now, in the server's unix seconds; None: unknown."""
        self._seen_at = 0
        self._lateness = 0.0

    @property
    def due(self) -> float | None:
        """When a probe may go: the reset, as late as it may be; None: unknown."""
        return None if self.announced is None else self._latest(self.announced) + self._lateness

    def moment(self, reading: QuotaReading, now: float) -> float | None:
        """The announced reset in the server's unix seconds; None when it says nothing: past, or absurdly far."""
        offset = self.server_clock.offset
        server_now = now + (self._wall_offset if offset is None else offset)
        moment = reading.reset
        if moment is None and reading.reset_after is not None:
            moment = math.ceil(server_now + reading.reset_after)
            if self.announced is not None and abs(moment - self.announced) <= _SAME_RELATIVE:
                return self.announced  # a rounded delay from a guessed now: no newer window
        if moment is None or not server_now - 1 <= moment <= server_now + _FARTHEST:
            return None
        return float(moment)

    def is_newer(self, moment: float | None, sequence: int) -> bool | None:
        """Whether an answer is of a newer window (True), the current one (False), or an older one (None).

        An earlier reset in the answer to a request that was granted after the later one was known is no straggler:
        the server's clock or rule has changed.
        """
        if moment is None or self.announced is None:
            return moment is not None
        if moment == self.announced:
            return False
        return True if moment > self.announced or sequence > self._seen_at else None

    def move(self, moment: float | None, now: float, *, sent: float, granted: int) -> None:
        """A newer window has begun; `granted` is the number of the last request granted until now."""
        if self.announced is not None:
            announced = self._latest(self.announced)
            if sent < announced + self._lateness:
                # A probe that goes as late as this request did finds the new window as this request has.
                self._lateness = max(0.0, sent - announced)
            if moment is not None and moment > self.announced:
                self.window = moment - self.announced
        elif moment is not None and self.window is None:
            self._lateness = _CAUTION if self._latest(moment) - now >= _LONG_WINDOW else 0.0
        self.announced = moment
        self._seen_at = granted

    def was_early(self, now: float) -> None:
        """A probe met the old window: wait longer, twice as long each time."""
        if self.announced is not None:
            waited = max(_FIRST_STEP, 2 * self._lateness)
            self._lateness = min(max(waited, now - self._latest(self.announced) + _FIRST_STEP), _MOST_LATENESS)
            if self._latest(self.announced) + self._lateness <= now:
                self.forget()

    def forget(self) -> None:
        """The announced reset is of no use."""
        self.announced = None

    def spread(self, last: float, tokens: int) -> float | None:
        """When the next of so many tokens goes, the last one having gone at `last`, to last until the reset.

        None: the reset may be over already. Where none is known there is nothing to spread to: it goes at once.
        """
        if self.announced is None:
            return last
        landing = self._worth_a_token(self.announced)
        if landing is not None and landing > last:
            return last + (landing - last) / tokens
        end = self._earliest(self.announced)
        if end <= last:
            return None
        interval = (end - last) / (tokens + 1)
        return last + interval + self._towards_a_tick(last + interval, interval)

    def _worth_a_token(self, moment: float) -> float | None:
        """Where the last token should land although it may miss this window: where it teaches most."""
        if self._lateness > _WORTH_A_TOKEN:
            return self._latest(moment)
        short = self.window is not None and self.window < _TOO_SHORT_FOR_TICKS
        if short and self.server_clock.uncertainty > _TOO_VAGUE:
            return (self._earliest(moment) + self._latest(moment)) / 2
        return None

    def _towards_a_tick(self, planned: float, interval: float) -> float:
        """A shift of a trickled request so that its ``Date`` halves what is unknown of the server's clock."""
        offset = self.server_clock.offset
        if offset is None or self.server_clock.uncertainty <= _SHARP_ENOUGH:
            return 0.0
        phase = (planned + offset) % 1.0
        shift = -phase if phase <= 0.5 else 1.0 - phase
        return shift if abs(shift) <= interval / 2 else 0.0

    def _latest(self, moment: float) -> float:
        latest = self.server_clock.latest(moment)
        return moment - self._wall_offset if latest is None else latest

    def _earliest(self, moment: float) -> float:
        earliest = self.server_clock.earliest(moment)
        return moment - self._wall_offset if earliest is None else earliest
