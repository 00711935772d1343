"""What a client goes by while its coordinator is lost: a bucket of its own, for its part of each window. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from setsmart_async.limits.coordinator import Lease, Observation
from setsmart_async.limits.leases import SharedPermit
from setsmart_async.policy.bucket import Bucket, BucketState
from setsmart_async.policy.quota import QuotaReading
from setsmart_async.policy.reset import ResetEstimate
from setsmart_async.policy.server_clock import ServerClock

_PACE: Final = 0.95
"""The share of its part that a client uses where quota comes back bit by bit, so that all of them seldom collide."""


class Fallback:
    """A bucket that takes 1 / `sharers` of each window's limit, from the outage's begin on.

    Requests with leased permits go on beside it. They count in it like its own, for they may reach the server in a
    window that no lease is about.
    """

    def __init__(
        self, outage: int, now: float, *, sharers: int, wall_offset: float, random_source: Callable[[], float]
    ) -> None:
        self.outage = outage
        self.began = now
        self.used_up: float | None = None
        """The reset of a window of which the server has said that nothing is left."""
        self._random = random_source
        self._leased: list[SharedPermit] = []
        self._window: float | None = None
        self._part: int | None = None
        self._interval = 0.0
        self._next = now
        self._sharers = sharers
        self._bucket = Bucket(
            lambda sequence, cost, sent: SharedPermit(sequence, cost, sent, outage=outage),
            random_source=random_source,
            wall_offset=wall_offset,
            sharers=sharers,
        )

    @property
    def reset(self) -> ResetEstimate:
        """When the next window begins."""
        return self._bucket.reset

    @property
    def limit(self) -> int | None:
        """Requests per window; None: not known."""
        return self._bucket.limit

    @property
    def available(self) -> int:
        """Of this client's part."""
        return self._bucket.available if self._part is None else min(self._part, self._bucket.available)

    def seed(
        self, lease: Lease, *, ends: float | None, paused_until: float, clock: ServerClock, news: list[Observation]
    ) -> None:
        """Begin with what is known: a lease, when its window ends, until when all pause, and what was observed since.

        In the window that the lease is about, this client takes its part of what nobody had asked for. Of one that
        began since then, it takes its part less what it has used.
        """
        self._pace(lease)
        reset = self._bucket.reset
        reset.server_clock, reset.window = clock, lease.window
        newer = [o for o in news if o.remaining is not None and (o.reset or 0) > (lease.announced or 0)]
        now = self.began
        hint = paused_until - now if paused_until > now else None
        if newer:
            used, latest = sum(o.cost for o in newer), max(o.reset or 0 for o in newer)
            left = min(o.remaining or 0 for o in newer if o.reset == latest)
            reading = QuotaReading(limit=newer[-1].limit, remaining=left, reset=latest, retry_after=hint)
        elif lease.limit is not None and ends is not None and ends > now:
            used, left = 1, lease.spare // self._sharers
            reading = QuotaReading(limit=lease.limit, remaining=left, reset=lease.announced, retry_after=hint)
        else:
            return
        for ticket in [self._bucket.grant(now, 1) for _ in range(used)]:
            self._bucket.observe(ticket, now, 200, reading)
        self._window, self._part = reset.announced, left if not newer else left // self._sharers

    def _pace(self, lease: Lease) -> None:
        """Sliding windows and token buckets: each client sees the few requests that came back, and takes its time."""
        part = (lease.limit or 0) / self._sharers
        if self._sharers > 1 and part and lease.window and lease.span and lease.window < lease.span / 2:
            self._interval = lease.span / part / _PACE
            self._next = self.began + self._random() * self._interval

    def count_leased(self, now: float, cost: int) -> None:
        """A request goes, or went, with a leased permit."""
        self._leased += [self._bucket.grant(now, 1) for _ in range(cost)]

    def _counted(self, permit: SharedPermit) -> list[SharedPermit]:
        """What stands for it here."""
        if permit.outage == self.outage:
            return [permit]
        return [self._leased.pop() for _ in range(min(permit.cost, len(self._leased)))]

    def take(self, now: float, cost: int, held_back: float) -> SharedPermit | None:
        """See `Bucket.take`."""
        if now < self._next or (self._part is not None and self._part < cost):
            return None
        permit = self._bucket.take(now, cost, held_back)
        if permit is not None:
            self._next = now + cost * self._interval
            if self._part is not None:
                self._part -= cost
        return permit

    def next_time(self, now: float, cost: int, held_back: float) -> float | None:
        """See `Bucket.next_time`."""
        due = self._bucket.reset.due
        if self._part is not None and self._part < cost and due is not None:
            if due > now:
                return due
            self._part = None
        at = self._bucket.next_time(now, cost, held_back)
        return None if at is None else max(at, self._next)

    def wait_for(self, now: float, ahead: int) -> float:
        """See `Bucket.wait_for`."""
        return self._bucket.wait_for(now, ahead)

    def state(self, now: float) -> BucketState:
        """DEGRADED, or PAUSED."""
        paused = self._bucket.state(now) is BucketState.PAUSED
        return BucketState.PAUSED if paused else BucketState.DEGRADED

    def refund(self, permit: SharedPermit) -> None:
        """See `Bucket.refund`."""
        for ticket in self._counted(permit):
            self._bucket.refund(ticket)
        if self._part is not None and permit.outage == self.outage:
            self._part += permit.cost

    def lose(self, permit: SharedPermit) -> None:
        """See `Bucket.lose`."""
        for ticket in self._counted(permit):
            self._bucket.lose(ticket)

    def observe(self, permit: SharedPermit, now: float, status: int, reading: QuotaReading) -> None:
        """See `Bucket.observe`."""
        for ticket in self._counted(permit):
            self._bucket.observe(ticket, now, status, reading)
        announced = self._bucket.reset.announced
        if reading.remaining == 0:
            self.used_up = announced
        if reading.remaining is not None and announced != self._window:
            self._window = announced
            self._part = reading.remaining // self._sharers if self._began_in_this_window() else None

    def _began_in_this_window(self) -> bool:
        """Whether others may hold permits of this window that nobody tells us of."""
        due, window = self._bucket.reset.due, self._bucket.reset.window
        return due is None or window is None or self.began >= due - window
