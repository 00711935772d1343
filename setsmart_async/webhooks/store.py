"""Which deliveries were handled: what a replay store promises, and the one in memory.

A key is claimed by one taker at a time, for `lease` seconds; then it is done, and stays so for `keep` seconds, or is
released. A taker that dies loses its claim when the lease ends. The times are passed in, as unix seconds.
"""

from __future__ import annotations

import secrets
from typing import Final, Protocol

import attrs


@attrs.frozen
class Claim:
    """The answer to a claim: mine when there is a `token`; else done before, or under way elsewhere."""

    token: str | None = None
    """Proof of the claim, for `done` and `release`; None: not mine."""
    done: bool = False
    """Whether it was done before."""


SWEEP_EVERY: Final = 1000
"""Writes after which a store drops what has ended."""
DONE: Final = Claim(done=True)
"""Done before."""
UNDER_WAY: Final = Claim()
"""Another taker has it, and its lease has not ended."""


def new_token() -> str:
    """What no other taker has."""
    return secrets.token_hex(16)


class ReplayStore(Protocol):
    """What the receiver asks of a store. Each method is atomic among all who use the same store.

    Each raises `WebhookStoreError` when the store can not be used.
    """

    async def claim(self, key: str, *, now: float, lease: float) -> Claim:
        """Take the key, unless it is done or another's lease runs."""
        ...

    async def renew(self, key: str, token: str, *, now: float, lease: float) -> bool:
        """Let the lease begin anew; False when the claim is not this taker's any more."""
        ...

    async def done(self, key: str, token: str, *, now: float, keep: float) -> bool:
        """Remember that it is done; False, and nothing changes, when the claim is not this taker's any more."""
        ...

    async def release(self, key: str, token: str) -> None:
        """Give it back, so that it can be claimed at once; nothing when the claim is not this taker's any more."""
        ...

    async def newest(self, subject: str) -> float | None:
        """The greatest position that the subject has reached."""
        ...

    async def advance(self, subject: str, position: float, *, now: float, keep: float) -> bool:
        """Remember the position, for `keep` seconds; False, and nothing changes, when it has reached a greater."""
        ...

    async def aclose(self) -> None:
        """Let go of connections and threads. May be called twice."""
        ...


@attrs.define
class _Entry:
    token: str | None
    until: float


class MemoryReplayStore:
    """Remembers in this process alone, and forgets at its end: for tests, and for handlers that may run twice."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._newest: dict[str, tuple[float, float]] = {}
        self._writes = 0

    async def claim(self, key: str, *, now: float, lease: float) -> Claim:
        """See `ReplayStore`."""
        self._sweep(now)
        entry = self._entries.get(key)
        if entry is not None and entry.until > now:
            return DONE if entry.token is None else UNDER_WAY
        token = new_token()
        self._entries[key] = _Entry(token, now + lease)
        return Claim(token)

    async def renew(self, key: str, token: str, *, now: float, lease: float) -> bool:
        """See `ReplayStore`."""
        entry = self._entries.get(key)
        if entry is None or entry.token != token:
            return False
        entry.until = now + lease
        return True

    async def done(self, key: str, token: str, *, now: float, keep: float) -> bool:
        """See `ReplayStore`."""
        entry = self._entries.get(key)
        if entry is None or entry.token != token:
            return False
        self._entries[key] = _Entry(None, now + keep)
        return True

    async def release(self, key: str, token: str) -> None:
        """See `ReplayStore`."""
        entry = self._entries.get(key)
        if entry is not None and entry.token == token:
            del self._entries[key]

    async def newest(self, subject: str) -> float | None:
        """See `ReplayStore`."""
        known = self._newest.get(subject)
        return None if known is None else known[0]

    async def advance(self, subject: str, position: float, *, now: float, keep: float) -> bool:
        """See `ReplayStore`."""
        self._sweep(now)
        known = self._newest.get(subject)
        if known is not None and known[0] > position:
            return False
        self._newest[subject] = (position, now + keep)
        return True

    async def aclose(self) -> None:
        """Nothing to let go of."""

    def _sweep(self, now: float) -> None:
        self._writes += 1
        if self._writes % SWEEP_EVERY == 0:
            self._entries = {key: entry for key, entry in self._entries.items() if entry.until > now}
            self._newest = {subject: known for subject, known in self._newest.items() if known[1] > now}
