"""A bucket whose permits are leased from a coordinator, and that gets along without it for a while. Pure.

While the coordinator is reached, `take` draws from what was leased. When it is lost, what is left of the leases is used
up, and beside it a bucket of our own keeps to our part of each window: limit / clients. In the window that was under
way it takes only its part of what nobody had asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from setsmart_async.limits.coordinator import Lease, Memory, Report
from setsmart_async.limits.fallback import Fallback
from setsmart_async.limits.leases import Leases, SharedPermit
from setsmart_async.limits.limiter import Permit
from setsmart_async.limits.outbox import Outbox
from setsmart_async.policy.bucket import BucketState
from setsmart_async.policy.quota import QuotaReading
from setsmart_async.policy.reset import ResetEstimate
from setsmart_async.policy.server_clock import ServerClock

_HORIZON: Final = 10.0
"""Seconds ahead for which permits are taken."""
_SLOW_REPORT: Final = 0.25
_UNMETERED_REPORT: Final = 0.005
_NEVER: Final = float("inf")


class LeasedBucket:
    """A `PermitSource`. `now` is always monotonic seconds."""

    def __init__(self, *, wall_offset: float, sharers: int, random_source: Callable[[], float]) -> None:
        self.limit: int | None = None
        self.reset: ResetEstimate = ResetEstimate(wall_offset=wall_offset)
        self.ask_at: float | None = None
        """When to ask again for what was not granted; None: at once."""
        self.report_due: float = _NEVER
        """When what was observed should be reported at the latest."""
        self.round_trip: float | None = None
        """From permit to answer, usually; None: nothing was answered yet."""
        self._client = ""
        self._wall_offset = wall_offset
        self._sharers = sharers
        self._random = random_source
        self._leases = Leases()
        self._outbox = Outbox()
        self._in_flight = 0
        self._probing = False
        self._number = 0
        self._lease: Lease | None = None
        self._ahead: tuple[float, float] | None = None
        self._outages = 0
        self._used_up: float | None = None
        self._fallback: Fallback | None = None

    def name_client(self, client: str) -> None:
        """Who this is to the coordinator: random, and nobody else."""
        self._client = client

    # What a waiting room asks of a bucket.

    @property
    def in_flight(self) -> int:
        """Cost of this client's requests under way."""
        return self._in_flight

    @property
    def on_hand(self) -> int:
        """Permits that are leased and not used, those for later included."""
        return self._leases.on_hand

    @property
    def available(self) -> int:
        """Requests that may go now as far as is known here."""
        if self._fallback is not None:
            return self.on_hand + self._fallback.available
        return self.on_hand + (0 if self._lease is None else self._lease.spare)

    def take(self, now: float, cost: int = 1, held_back: float = 0.0) -> SharedPermit | None:
        """See `Bucket.take`."""
        permit = None
        if self._leases:
            self._drop_run_out(now)
            permit = self._leases.draw(now, cost)
            if permit is not None and self._fallback is not None:
                self._fallback.count_leased(now, cost)
        if permit is None and self._fallback is not None:
            permit = self._fallback.take(now, cost, held_back)
        if permit is not None:
            self._in_flight += cost
        return permit

    def next_time(self, now: float, cost: int = 1, held_back: float = 0.0) -> float | None:
        """See `Bucket.next_time`."""
        leased = self._leases.next_time(now, cost)
        if leased is not None or self._fallback is None:
            return leased
        return self._fallback.next_time(now, cost, held_back)

    def wait_for(self, now: float, ahead: int) -> float:
        """See `Bucket.wait_for`."""
        if self._fallback is not None:
            return self._fallback.wait_for(now, ahead)
        due, lacking = self.reset.due, ahead + 1 - self.available
        if lacking <= 0 or due is None or self.limit is None:
            return 0.0
        further_windows = (lacking - 1) // max(1, self.limit)
        return max(0.0, due - now) + further_windows * (self.reset.window or 0.0)

    def state(self, now: float) -> BucketState:
        """See `Bucket.state`."""
        if self._fallback is not None:
            return self._fallback.state(now)
        return BucketState.COLD if self._lease is None else BucketState(self._lease.state)

    def refund(self, ticket: Permit) -> None:
        """See `Bucket.refund`."""
        permit = self._settled(ticket)
        if self._fallback is not None:
            self._fallback.refund(permit)

    def lose(self, ticket: Permit) -> None:
        """See `Bucket.lose`."""
        was_probing = self._probing
        permit = self._settled(ticket)
        if self._fallback is not None:
            self._fallback.lose(permit)
            if permit.outage:
                return
        self._outbox.lose(permit)
        self._report_by(0.0 if was_probing and permit.probe else permit.sent + _SLOW_REPORT)

    def observe(self, ticket: Permit, now: float, status: int, reading: QuotaReading) -> None:
        """See `Bucket.observe`."""
        permit = self._settled(ticket)
        took = now - permit.sent
        before = took if self.round_trip is None else self.round_trip
        self.round_trip = before + (0.5 if took < before else 0.1) * (took - before)
        if self._fallback is not None:
            self._fallback.observe(permit, now, status, reading)
            self.limit = self._fallback.limit
            if permit.outage:
                return
        if self._ahead is None:
            return
        if reading.remaining == 0:
            self._used_up = reading.reset
        ahead = sum(self._ahead) / 2
        self._outbox.note(permit, permit.sent + ahead, now + ahead, status, reading)
        self._report_by(now + self._delay_of(permit, status, reading))

    def _settled(self, ticket: Permit) -> SharedPermit:
        permit = ticket if isinstance(ticket, SharedPermit) else SharedPermit(ticket.sequence, ticket.cost, ticket.sent)
        self._in_flight -= permit.cost
        if permit.probe:
            self._probing = False
            self._report_by(0.0)
        return permit

    def _drop_run_out(self, now: float) -> None:
        self._dropped(self._leases.drop_run_out(now))

    def _dropped(self, probe: bool | None) -> None:
        if probe is None:
            return
        if probe:
            self._probing = False
        self._report_by(0.0)

    def _report_by(self, due: float) -> None:
        self.report_due = min(self.report_due, due)

    def _delay_of(self, permit: SharedPermit, status: int, reading: QuotaReading) -> float:
        """How long a report can wait for others; 0 for news."""
        announced = self.reset.announced
        if permit.probe or status in (429, 503) or self._lease is None:
            return 0.0
        if reading.remaining is None:
            return _UNMETERED_REPORT if self._lease.state == BucketState.UNMETERED else 0.0
        if reading.reset is not None and (announced is None or reading.reset > announced):
            return 0.0
        return _SLOW_REPORT

    # What is said to the coordinator, and what it answers.

    def report(self, now: float, wants: Sequence[int], *, least: int = 1, leaving: bool = False) -> Report:
        """What to tell the coordinator; `accept` or `put_back` must follow. `wants` is by priority, in cost.

        Permits that nobody waits for are given back.
        """
        self._dropped(self._leases.drop_run_out(now) if any(wants) else self._leases.drop_all())
        self._number += 1
        low, high = self._ahead or (0.0, 0.0)
        later = self._leases.last_begin(now)
        observed, lost, lost_sequence = self._outbox.empty()
        self.report_due = _NEVER
        return Report(
            client=self._client,
            number=self._number,
            held=self._in_flight + self.on_hand,
            wants=tuple(wants),
            chance=self._random(),
            horizon=_HORIZON,
            blur=(high - low) / 2,
            least=least,
            latest=later + high if later > now else 0.0,
            probing=self._probing,
            born=None if self._lease is None else self._lease.born,
            sharers=self.sharers,
            degraded=None if self._fallback is None else now - self._fallback.began,
            observed=observed,
            lost=lost,
            lost_sequence=lost_sequence,
            round_trip=self.round_trip if observed else None,
            memory=self._memory(),
            leaving=leaving,
        )

    def put_back(self, report: Report) -> None:
        """The report was not taken, or nobody knows whether it was: say it again. That does no harm."""
        self._outbox.put_back(report.observed, report.lost, report.lost_sequence)

    def accept(self, lease: Lease, asked: float, now: float) -> None:
        """The answer to a report that was sent at `asked`."""
        low, high = lease.now - now, lease.now - asked
        if self._ahead is not None and low <= self._ahead[1] and high >= self._ahead[0]:
            low, high = max(low, self._ahead[0]), min(high, self._ahead[1])
        self._ahead = low, high
        if self._fallback is not None:
            self.reset, self._fallback = ResetEstimate(wall_offset=self._wall_offset), None
        self._lease = lease
        self.ask_at = None if lease.ask is None else lease.ask - low
        self._probing = self._probing or lease.probe_at is not None
        self._leases.add(lease, asked, low)
        self.limit = lease.limit
        self.reset.announced, self.reset.window = lease.announced, lease.window
        self.reset.server_clock = self._server_clock(lease)

    def _server_clock(self, lease: Lease) -> ServerClock:
        """The server's clock against ours; lateness is in it, as if the clock were slow."""
        low, high = self._ahead or (0.0, 0.0)
        if lease.clock_low is None or lease.clock_high is None:
            return ServerClock()
        return ServerClock(lowest=low + lease.clock_low - lease.lateness, highest=high + lease.clock_high)

    def _memory(self) -> Memory | None:
        lease, announced = self._lease, self.reset.announced
        if lease is None:
            return None
        used_up = self._used_up
        if self._fallback is not None:
            announced, used_up = self._fallback.reset.announced, self._fallback.used_up
        if announced is None:
            return None
        return Memory(
            announced=announced,
            exhausted=announced == used_up,
            lateness=lease.lateness,
            limit=self.limit,
            window=lease.window,
            clock_low=lease.clock_low,
            clock_high=lease.clock_high,
        )

    @property
    def lost_at(self) -> float | None:
        """Since when the coordinator is lost; None: it is reached."""
        return None if self._fallback is None else self._fallback.began

    @property
    def sharers(self) -> int:
        """Clients that share the quota, when the coordinator was last reached."""
        return self._sharers if self._lease is None else self._lease.sharers

    def degrade(self, now: float) -> None:
        """The coordinator is lost: from now on keep to our part."""
        if self._fallback is not None:
            return
        self._outages += 1
        self._fallback = fallback = Fallback(
            self._outages,
            now,
            sharers=self.sharers,
            wall_offset=self._wall_offset,
            random_source=self._random,
        )
        fallback.count_leased(now, self._in_flight)
        ends, self.reset = self.reset.due, fallback.reset
        self._dropped(self._leases.drop_from(now if ends is None else ends))  # from then on nobody counts them
        lease = self._lease
        if lease is not None and self._ahead is not None:
            fallback.seed(
                lease,
                ends=ends,
                paused_until=lease.paused_until - self._ahead[0],
                clock=self._server_clock(lease),
                news=self._outbox.observed,
            )
