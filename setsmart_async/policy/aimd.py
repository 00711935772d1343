"""How many requests may be under way at once towards a server that says nothing of its limit."""

from __future__ import annotations

from typing import Final

import attrs

_START: Final = 4.0
_CUT: Final = 0.7
_SMALLEST: Final = 1.0


@attrs.define
class ConcurrencyWindow:
    """Additive increase, multiplicative decrease: one more per clean round trip, 0.7 of it after a sign of overload.

    All signs of one round trip count once, for they tell of the same overload.
    """

    size: float = _START
    _cut_at: int = 0

    def grow(self) -> None:
        """A clean answer: a full window of them makes one more."""
        self.size += 1 / self.size

    def cut(self, sequence: int, granted: int) -> None:
        """A 429, a 503 or a lost answer, of the request numbered `sequence`; `granted` is the last one's number."""
        if sequence > self._cut_at:
            self.size = max(_SMALLEST, self.size * _CUT)
            self._cut_at = granted
