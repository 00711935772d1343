"""Counts of durations, in buckets that are never wider than a thousandth of what is in them.

The idea is that of HdrHistogram (Gil Tene): a bucket is a power of two and the ten bits behind it. Here the buckets
that hold nothing take no memory, and the unit is the nanosecond.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Final

RELATIVE_ERROR: Final = 2.0**-10
"""A percentile is never below the true one, and above it by this share at most."""

_BITS: Final = 11  # of a value that are kept: the leading one and ten more
_NANOSECONDS: Final = 1_000_000_000


class Histogram:
    """Durations in seconds, counted. Takes any from 0 on; its memory grows with their spread, not with their number."""

    __slots__ = ("_counts", "count", "max", "total")

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self.count: int = 0
        """How many."""
        self.total: float = 0.0
        """Their sum, in seconds."""
        self.max: float = 0.0
        """The longest, exact."""

    def record(self, seconds: float) -> None:
        """Count one. A negative one, from a clock that was read too coarsely, counts as 0."""
        seconds = max(0.0, seconds)
        self._counts[_bucket(math.ceil(seconds * _NANOSECONDS))] += 1
        self.count += 1
        self.total += seconds
        self.max = max(self.max, seconds)

    def add(self, other: Histogram) -> None:
        """Count all of another's."""
        self._counts.update(other._counts)
        self.count += other.count
        self.total += other.total
        self.max = max(self.max, other.max)

    @property
    def mean(self) -> float | None:
        """Their mean, in seconds; None: there are none."""
        return self.total / self.count if self.count else None

    def percentile(self, percent: float) -> float | None:
        """The shortest duration that `percent` of all do not exceed (nearest rank), in seconds; None: there are none.

        Off by `RELATIVE_ERROR` and a nanosecond at most, upwards; 100 is the longest, exact. Raises `ValueError` for
        percentages that are none.
        """
        if not 0 <= percent <= 100:
            raise ValueError("A percentile is from 0 to 100.")
        if not self.count:
            return None
        rank = max(1, math.ceil(round(percent * self.count / 100, 9)))  # 99.9 % of 1,000 is 999, not 999.0000000001
        passed = 0
        for bucket in sorted(self._counts):
            passed += self._counts[bucket]
            if passed >= rank:
                return min(self.max, _upper_end(bucket) / _NANOSECONDS)
        return self.max

    def curve(self) -> Iterator[tuple[float, float]]:
        """Percent and seconds of every bucket that holds something, the shortest first."""
        passed = 0
        for bucket in sorted(self._counts):
            passed += self._counts[bucket]
            yield 100 * passed / self.count, min(self.max, _upper_end(bucket) / _NANOSECONDS)


def _bucket(value: int) -> int:
    shift = max(0, value.bit_length() - _BITS)
    return shift << _BITS | value >> shift


def _upper_end(bucket: int) -> int:
    shift, kept = bucket >> _BITS, bucket & (1 << _BITS) - 1
    return (kept + 1 << shift) - 1
