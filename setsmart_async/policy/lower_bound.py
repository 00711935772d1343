"""The least that the server may still have left for us, from answers that overtake each other, in constant memory."""

from __future__ import annotations

import attrs


@attrs.define
class LowerBound:
    """The minimum of ``Remaining`` over the current and the previous epoch, less the ghosts.

    Requests are numbered as they are granted. An epoch closes with the first answer whose request was granted after
    it opened: whatever was counted before the previous epoch is in that answer's ``Remaining`` already. Ghosts,
    requests whose answer was lost, may or may not have been counted; they are kept for two epochs too.
    """

    value: int = 0
    """Requests that the server will still take, those in flight included; may be negative; 0 while not known."""
    _least: int | None = None
    _least_before: int | None = None
    _ghosts: int = 0
    _ghosts_before: int = 0
    _opened: int = 0

    @property
    def known(self) -> bool:
        """Whether any answer has said what remains."""
        return self._least is not None

    def reseed(self, remaining: int, granted: int) -> None:
        """Forget everything: this answer is of a newer window. `granted` is the last request's number."""
        self._least, self._least_before = remaining, None
        self._ghosts = self._ghosts_before = 0
        self._opened = granted
        self.value = remaining

    def narrow(self, remaining: int, sequence: int, granted: int) -> None:
        """An answer of the same window, to the request numbered `sequence`."""
        if self._least is None:
            self.reseed(remaining, granted)
            return
        if sequence > self._opened:
            before, self._least, self._opened = self._least, remaining, granted
            self._least_before = before
            if not (self._ghosts or self._ghosts_before):
                self.value = min(before, remaining)  # as mostly: nothing is lost
                return
            self._ghosts_before, self._ghosts = self._ghosts, 0
        elif remaining >= self._least:
            return
        else:
            self._least = remaining
        self._sum_up()

    def empty(self) -> None:
        """A 429: nothing is left, whatever the headers say."""
        self._least = 0
        self._sum_up()

    def lose(self, cost: int) -> None:
        """A request of this cost was sent and its answer is lost."""
        self._ghosts += cost
        self._sum_up()

    def _sum_up(self) -> None:
        if self._least is not None:
            before = self._least_before
            least = self._least if before is None or before > self._least else before
            self.value = least - self._ghosts - self._ghosts_before
