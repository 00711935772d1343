"""What the sandbox was asked, counted: the server's side of a proof."""

from __future__ import annotations

from collections import Counter, deque
from typing import Final

import attrs

REQUESTS_LOGGED: Final = 1_000
"""How many requests the log reaches back."""


@attrs.frozen(kw_only=True)
class LoggedRequest:
    """One request and its answer's status; neither headers nor bodies, so no key."""

    at: float
    """Unix seconds of the sandbox's true clock."""
    method: str
    target: str
    """Path and query below the base URL."""
    operation: str | None
    """The contract's name for it; None: no such endpoint."""
    status: int
    """0: none, the connection was broken on purpose."""
    client: str = ""
    """The first digits of its API key's hash; empty for a key that is not accepted."""
    fault: str | None = None
    """What went wrong on purpose; None: nothing."""


class Statistics:
    """Counters since the sandbox was made."""

    def __init__(self, started: float) -> None:
        self.started = started
        """Unix seconds."""
        self.requests: int = 0
        """Answers given."""
        self.by_status: Counter[int] = Counter()
        """Answers by HTTP status."""
        self.by_operation: Counter[str] = Counter()
        """Answers by the contract's name of the operation; ``unknown`` for paths that are no endpoint."""
        self.executed: Counter[str] = Counter()
        """Writes that took effect, by operation: a repetition that an idempotency key caught is not one."""
        self.replayed: int = 0
        """Answers that were those of an earlier create, by its idempotency key."""
        self.recent: deque[LoggedRequest] = deque(maxlen=REQUESTS_LOGGED)
        """The last 1,000 requests, oldest first."""

    def count(self, request: LoggedRequest) -> None:
        """Count one answer."""
        self.requests += 1
        self.by_status[request.status] += 1
        self.by_operation[request.operation or "unknown"] += 1
        self.recent.append(request)
