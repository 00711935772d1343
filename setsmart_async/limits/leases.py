"""The permits that a coordinator has leased to one client and that are not used yet. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from setsmart_async.limits.coordinator import Lease
from setsmart_async.limits.limiter import Permit

_USABLE: Final = 0.5
_USABLE_LATER: Final = 1.0
"""Seconds that a permit can be used for, from its moment on. Less than the time after which a coordinator takes it for
used by a client that died."""


class SharedPermit(Permit, eq=False):
    """A permit, and where it comes from."""

    probe: bool = False
    """Whether its answer is to say what a new window holds."""
    outage: int = 0
    """The number of the outage in which it was given; 0: it was leased."""


@attrs.define(eq=False)
class _Batch:
    sequence: int
    count: int
    begins: float
    ends: float
    probe: bool = False


class Leases:
    """Permits by the moment from which they may be used, in monotonic seconds."""

    def __init__(self) -> None:
        self.on_hand: int = 0
        """Requests that they are good for, those for later included."""
        self._batches: list[_Batch] = []

    def __bool__(self) -> bool:
        return bool(self._batches)

    def add(self, lease: Lease, asked: float, behind: float) -> None:
        """Take what was leased to a report sent at `asked`; `behind` is the coordinator's clock minus ours."""
        if lease.count:
            self._batches.append(_Batch(lease.sequence, lease.count, asked, asked + _USABLE))
        for moment in lease.later:
            self._batches.append(_Batch(lease.sequence, 1, moment - behind, moment - behind + _USABLE_LATER))
        if lease.probe_at is not None:
            begins = max(asked, lease.probe_at - behind)
            self._batches.append(_Batch(lease.sequence, lease.probe_cost, begins, begins + _USABLE_LATER, probe=True))
        self._batches.sort(key=lambda batch: batch.begins)
        self.on_hand = sum(batch.count for batch in self._batches)

    def draw(self, now: float, cost: int) -> SharedPermit | None:
        """A permit of this cost; None: there are too few for now. Drop those that have run out before."""
        if sum(batch.count for batch in self._batches if batch.begins <= now) < cost:
            return None
        sequence, lacking, probe = 0, cost, False
        while lacking:
            batch = self._batches[0]
            drawn = min(lacking, batch.count)
            sequence = min(sequence or batch.sequence, batch.sequence)
            probe = probe or batch.probe
            lacking -= drawn
            batch.count -= drawn
            if not batch.count:
                self._batches.pop(0)
        self.on_hand -= cost
        return SharedPermit(sequence, cost, now, probe=probe)

    def next_time(self, now: float, cost: int) -> float | None:
        """From when on there are enough; None: there are too few."""
        found = 0
        for batch in self._batches:
            found += batch.count if batch.ends > now else 0
            if found >= cost:
                return max(now, batch.begins)
        return None

    def last_begin(self, now: float) -> float:
        """The moment of the last one; `now` when there is none."""
        return self._batches[-1].begins if self._batches else now

    def drop_run_out(self, now: float) -> bool | None:
        """Forget those that can no longer be used. Whether the probe was among them; None: there were none."""
        return self._drop(lambda batch: batch.ends <= now)

    def drop_from(self, moment: float) -> bool | None:
        """Forget those for this moment and later. Whether the probe was among them; None: there were none."""
        return self._drop(lambda batch: batch.begins >= moment)

    def drop_all(self) -> bool | None:
        """Forget all. Whether the probe was among them; None: there were none."""
        return self._drop(lambda batch: True)

    def _drop(self, is_dropped: Callable[[_Batch], bool]) -> bool | None:
        dropped = [batch for batch in self._batches if is_dropped(batch)]
        if not dropped:
            return None
        self._batches = [batch for batch in self._batches if not is_dropped(batch)]
        self.on_hand -= sum(batch.count for batch in dropped)
        return any(batch.probe for batch in dropped)
