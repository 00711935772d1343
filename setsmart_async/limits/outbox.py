"""What a client has observed and not told its coordinator yet. Pure."""

from __future__ import annotations

from typing import Final

from setsmart_async.limits.coordinator import Observation
from setsmart_async.limits.leases import SharedPermit
from setsmart_async.policy.quota import QuotaReading

_MOST_PENDING: Final = 512
"""Observations that are kept while the coordinator is lost: the newest say the most."""


class Outbox:
    """Answers, those that say the same put together, and requests whose answer is lost."""

    def __init__(self) -> None:
        self.observed: list[Observation] = []
        self.lost: int = 0
        """Cost of the requests whose answer is lost."""
        self.lost_sequence: int = 0
        """The newest lease that one of them was of."""

    def lose(self, permit: SharedPermit) -> None:
        """The answer to a request is lost."""
        self.lost += permit.cost
        self.lost_sequence = max(self.lost_sequence, _sequence_of(permit))

    def note(self, permit: SharedPermit, sent: float, completed: float, status: int, reading: QuotaReading) -> None:
        """A request was answered. Both times are in the coordinator's seconds."""
        plain = status < 300 and not permit.probe and reading.reset_after is None and reading.remaining != 0
        last = self.observed[-1] if plain and self.observed else None
        if last is not None and _says_the_same(last, reading):
            last.sequence = max(last.sequence, _sequence_of(permit))
            last.cost += permit.cost
            last.count += 1
            last.first_sent, last.last_sent = min(last.first_sent, sent), max(last.last_sent, sent)
            last.completed = min(last.completed, completed)
            if reading.remaining is not None and last.remaining is not None:
                last.remaining = min(last.remaining, reading.remaining)
            return
        self.observed.append(
            Observation(
                sequence=_sequence_of(permit),
                cost=permit.cost,
                status=status,
                first_sent=sent,
                last_sent=sent,
                completed=completed,
                limit=reading.limit,
                remaining=reading.remaining,
                reset=reading.reset,
                reset_after=reading.reset_after,
                date=reading.date,
                retry_after=reading.retry_after,
                probe=permit.probe,
            )
        )
        del self.observed[:-_MOST_PENDING]

    def empty(self) -> tuple[list[Observation], int, int]:
        """All that is to be said: observations, the cost of what was lost, and the newest lease of that."""
        said = self.observed, self.lost, self.lost_sequence
        self.observed, self.lost, self.lost_sequence = [], 0, 0
        return said

    def put_back(self, observed: list[Observation], lost: int, lost_sequence: int) -> None:
        """It was not heard, or nobody knows: it will be said again, before what came since."""
        self.observed = [*observed, *self.observed][-_MOST_PENDING:]
        self.lost += lost
        self.lost_sequence = max(self.lost_sequence, lost_sequence)


def _sequence_of(permit: SharedPermit) -> int:
    return 0 if permit.outage else permit.sequence


def _says_the_same(said: Observation, reading: QuotaReading) -> bool:
    return (
        said.status < 300
        and not said.probe
        and said.remaining != 0
        and (said.remaining is None) == (reading.remaining is None)
        and (said.limit, said.reset, said.date) == (reading.limit, reading.reset, reading.date)
        and said.retry_after is None is reading.retry_after
        and said.reset_after is None
    )
