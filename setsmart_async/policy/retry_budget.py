"""The retry budget: when everything fails, repeating stops before it doubles the load of what is failing.

A store of tokens shared by all calls of a client. Each retry takes some out; a call that succeeds in the end puts
back what its last retry took, and one that succeeds at once puts back one. As long as most calls succeed nobody
notices; when none does, 500 tokens at 14 a retry are 35 more requests, however many calls there are.
"""

from __future__ import annotations

from setsmart_async.errors import ConfigurationError


class RetryBudget:
    """How many retries a client may still make. Pass one object to several clients to share it."""

    def __init__(self, *, size: int = 500, transient_cost: int = 14, throttled_cost: int = 5) -> None:
        """`size` is in tokens; the costs are what a retry takes after a failure and after a 429.

        A `size` of 0 means no retries; costs of 0 mean no budget.
        """
        if min(size, transient_cost, throttled_cost) < 0:
            raise ConfigurationError("RetryBudget: size and costs must be 0 or more.")
        self._size = self._left = size
        self._transient_cost = transient_cost
        self._throttled_cost = throttled_cost

    @property
    def left(self) -> int:
        """Tokens that are left."""
        return self._left

    def spend(self, *, throttled: bool) -> int | None:
        """Take what one retry costs: how much it was, or None when there is not so much left."""
        cost = self._throttled_cost if throttled else self._transient_cost
        if cost > self._left:
            return None
        self._left -= cost
        return cost

    def put_back(self, spent: int) -> None:
        """A call has succeeded; `spent` is what its last retry took, 0 when it needed none."""
        if self._left < self._size:
            self._left = min(self._size, self._left + (spent or 1))
