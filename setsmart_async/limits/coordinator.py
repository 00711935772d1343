"""What a limiter and whoever coordinates it say to each other: the interface for coordinators of your own.

A coordinator keeps one account's quota for many clients. It is told what a client holds and has seen, and how much it
wants (`Report`), and answers with permits (`Lease`). It must decide on one report at a time, forget what a client holds
some seconds after it was last heard of, and may forget everything at any time: answers say again what is left.
`redis.py` with the script `shared_*.lua` is the one that comes with the library, and the reference.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Protocol

import msgspec


class Observation(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One answer's word on the limit, or that of several which said the same. See `policy.quota.QuotaReading`."""

    sequence: int
    """The lease of the request; the newest of several."""
    cost: int
    status: int
    first_sent: float
    last_sent: float
    completed: float
    """When the first of them was answered. All three in the coordinator's seconds."""
    limit: int | None = None
    remaining: int | None = None
    """The least of several."""
    reset: float | None = None
    reset_after: float | None = None
    date: int | None = None
    retry_after: float | None = None
    probe: bool = False
    count: int = 1


class Memory(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What a client still knows of the window, for a coordinator that has forgotten it. Names as in `Lease`."""

    announced: float
    lateness: float
    exhausted: bool
    """Nothing may be left in that window."""
    limit: int | None = None
    window: float | None = None
    clock_low: float | None = None
    clock_high: float | None = None


class Report(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What one client holds, has seen and wants. Costs are in requests, times in the coordinator's seconds."""

    client: str
    """Random, and the same for as long as the client lives."""
    number: int
    """One more with each report; one that comes after a later one does not count."""
    held: int
    """Requests under way and permits not used yet: all of them, each time."""
    wants: tuple[int, ...]
    """How much is waited for, by priority."""
    chance: float
    """A random number from 0 to 1."""
    horizon: float
    """How many seconds ahead a permit for later may lie."""
    blur: float
    """How wrong this report's times may be, in seconds, because two clocks are compared."""
    least: int = 1
    """What the first in line needs at once."""
    latest: float = 0.0
    """The moment of the last permit that is held for later."""
    probing: bool = False
    """Whether the probe is held or under way."""
    born: int | None = None
    """From the last lease; None: there was none."""
    sharers: int | None = None
    degraded: float | None = None
    """For how many seconds the coordinator was not reached; None: it was."""
    observed: list[Observation] = []
    lost: int = 0
    """Requests that were sent and whose answer is lost."""
    lost_sequence: int = 0
    round_trip: float | None = None
    """A request's usual time from permit to answer."""
    memory: Memory | None = None
    leaving: bool = False
    """The client goes, and gives back all that it holds."""


class Lease(msgspec.Struct, kw_only=True):
    """What a client may do until it reports again."""

    now: float
    """The coordinator's clock."""
    born: int
    """Another number: everything was forgotten since."""
    count: int
    """Permits for now."""
    later: list[float]
    """The moments of further ones."""
    sharers: int
    """Clients that share this quota, this one included."""
    state: str
    """Of `BucketState`."""
    spare: int
    """What may be left when all have got what they want."""
    sequence: int = 0
    """This lease's number; higher than those before it."""
    probe_at: float | None = None
    """The moment at which this client, and no other, sends a request to see what is left."""
    probe_cost: int = 1
    ask: float | None = None
    """When to ask again for what was not granted; None: everything was."""
    limit: int | None = None
    announced: float | None = None
    """The reset, in the server's unix seconds."""
    lateness: float = 0.0
    """How much later than announced the server refills."""
    window: float | None = None
    """Seconds between the last two resets."""
    span: float | None = None
    """The most seconds that a reset has been ahead: much more than `window` where quota comes back bit by bit."""
    clock_low: float | None = None
    clock_high: float | None = None
    """Bounds of the server's clock minus the coordinator's; None: no answer has carried a ``Date``."""
    paused_until: float = 0.0


class Coordinator(Protocol):
    """Keeps the quota of each account for all of its clients."""

    async def exchange(self, account: str, report: Report) -> Lease:
        """Take a report, give a lease. May be cancelled; then it does not matter whether the report was taken.

        `account` is the base URL and the API key's fingerprint, never the key. Raises `ConnectionError`, and nothing
        else, when nobody is reached or the answer makes no sense: then the limiter goes on without it for a while.
        """
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...


async def answer_in_time(
    coordinator: Coordinator, account: str, report: Report, *, patience: float, monotonic: Callable[[], float]
) -> Lease | None:
    """The coordinator's answer; None: none within `patience` seconds, or it can not be reached."""
    exchange = asyncio.ensure_future(coordinator.exchange(account, report))
    began = monotonic()
    try:
        await asyncio.wait({exchange}, timeout=patience)
        if not exchange.done() and monotonic() - began > 1.1 * patience:
            await asyncio.wait({exchange}, timeout=patience)  # it was this process that stood still
        return exchange.result() if exchange.done() else None
    except ConnectionError:
        return None
    finally:
        if not exchange.done():
            exchange.cancel()
            exchange.add_done_callback(_forget)


def _forget(exchange: asyncio.Future[Lease]) -> None:
    if not exchange.cancelled():
        exchange.exception()


def new_client_id() -> str:
    """16 random hexadecimal digits."""
    return f"{random.getrandbits(64):016x}"
