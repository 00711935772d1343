"""When calls are due.

**Open**: as from users who know nothing of each other, whether earlier calls are answered or not. A call's latency
counts from the moment at which it was due, so that a server that stalls is charged for every call that it kept from
being made in time; a generator that waits for answers leaves those out ("coordinated omission", Gil Tene).

**Closed**: so many callers, each of whom waits for its answer before it calls again. Right for workers that do just
that; its percentiles say nothing about users.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import count
from random import Random
from typing import Literal, get_args

import attrs

from setsmart_async.errors import ConfigurationError

Arrivals = Literal["poisson", "constant"]
"""``poisson``: at random, as independent users do, with exponential gaps; ``constant``: evenly."""


@attrs.frozen
class OpenModel:
    """Calls are due at a rate. Raises `ConfigurationError` for what can be none."""

    rate: float
    """Calls a second."""
    arrivals: Arrivals = "poisson"

    def __attrs_post_init__(self) -> None:
        if not (math.isfinite(self.rate) and self.rate > 0):
            raise ConfigurationError("--rate is a number of calls a second, more than 0.")
        if self.arrivals not in get_args(Arrivals):
            raise ConfigurationError(f"--arrivals is one of {', '.join(get_args(Arrivals))}.")

    def offsets(self, random: Random) -> Iterator[float]:
        """Seconds from the begin at which calls are due, without end, never one before another."""
        if self.arrivals == "constant":
            return (number / self.rate for number in count())
        return self._at_random(random)

    def _at_random(self, random: Random) -> Iterator[float]:
        offset = 0.0
        while True:
            offset += random.expovariate(self.rate)
            yield offset

    def __str__(self) -> str:
        kind = "Poisson" if self.arrivals == "poisson" else "constant"
        return f"open model, {kind} arrivals, {self.rate:g} a second"


@attrs.frozen
class ClosedModel:
    """So many callers, each of whom waits for its answer. Raises `ConfigurationError` for none."""

    callers: int

    def __attrs_post_init__(self) -> None:
        if self.callers < 1:
            raise ConfigurationError("--concurrency is a number of callers, 1 or more.")

    def __str__(self) -> str:
        return f"closed model, {self.callers} callers, each waits for its answer"
