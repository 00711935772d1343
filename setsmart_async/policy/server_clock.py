"""The server's clock, estimated from the ``Date`` of its answers.

An answer sent for at `sent` and complete at `completed` (monotonic seconds) with `date` (whole seconds, rounded
down) was made while the server's clock showed something in ``[date, date + 1)``. So the offset between that clock
and ours lies in ``[date - completed, date + 1 - sent]``. Answers narrow it: intersect. An empty intersection means
that a clock has stepped: start over with the newest.
"""

from __future__ import annotations

import attrs


@attrs.define
class ServerClock:
    """Bounds of the offset (server's unix seconds minus our monotonic seconds)."""

    _lowest: float | None = attrs.field(default=None, alias="lowest")
    _highest: float = attrs.field(default=0.0, alias="highest")

    def see(self, date: int, sent: float, completed: float) -> None:
        """Learn from one answer."""
        lowest, highest = date - completed, date + 1 - sent
        if self._lowest is None or lowest > self._highest or highest < self._lowest:
            self._lowest, self._highest = lowest, highest
            return
        self._lowest = max(self._lowest, lowest)
        self._highest = min(self._highest, highest)

    @property
    def offset(self) -> float | None:
        """The middle of what is possible, in seconds; None before any answer carried a date."""
        return None if self._lowest is None else (self._lowest + self._highest) / 2

    @property
    def uncertainty(self) -> float:
        """How far apart the bounds are, in seconds; 1 second and a round trip after the first answer."""
        return 0.0 if self._lowest is None else self._highest - self._lowest

    def earliest(self, server_time: float) -> float | None:
        """When, in monotonic seconds, the server's clock may show `server_time` at the earliest; None: unknown."""
        return None if self._lowest is None else server_time - self._highest

    def latest(self, server_time: float) -> float | None:
        """When, in monotonic seconds, the server's clock shows `server_time` at the latest; None: unknown."""
        return None if self._lowest is None else server_time - self._lowest
