"""What calls leave behind (P7): 100,000 that go right or wrong, are throttled, cancelled and cut: nothing.

    python benchmarks/memory.py [--quick]

In memory, in virtual time, so that a 429's pause takes none: what Python has allocated after a fifth of the calls
against what it has at the end. Over sockets, without 429s: the same, and descriptors and tasks. `nox -s soak` makes a
million, with an assertion.
"""

import argparse
import asyncio
import gc
import random
import tracemalloc
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeAlias

import attrs
from fast_server import VILLA, fast_server
from limiter_report import Figure, Result, Row
from limiter_time import VirtualClock, run
from measuring import load_now, report, say

from setsmart_async import (
    CallError,
    ConnectionLostError,
    HttpRequest,
    HttpResponse,
    MemoryTransport,
    Outcome,
    RetryBudget,
    RetryPolicy,
    SetSmart,
)
from setsmart_async.wire import encode_json

TASKS: Final = 50
SETTLED: Final = 0.2
"""The share of the calls after which whatever is kept once, caches and pools, is there."""
OK: Final = HttpResponse(status=200, body=encode_json(VILLA))
STATUSES: Final = (200, 200, 200, 200, 200, 200, 404, 429, 500, 0)
HASTY: Final = RetryPolicy(max_attempts=2, transient_base=1e-6, longest_wait=1e-6)
Step: TypeAlias = Callable[[int], Awaitable[None]]


@attrs.frozen
class Footprint:
    traced: int
    """Bytes that Python has allocated."""
    descriptors: int
    tasks: int

    @classmethod
    def now(cls) -> "Footprint":
        gc.collect()
        descriptors = len(list(Path("/proc/self/fd").iterdir()))
        return cls(tracemalloc.get_traced_memory()[0], descriptors, len(asyncio.all_tasks()))


def answer(_: HttpRequest) -> HttpResponse:
    status = random.choice(STATUSES)
    if status == 0:
        raise ConnectionLostError("Gone.", outcome=Outcome.UNKNOWN)
    return OK if status == 200 else HttpResponse(status=status, body=b'{"message": "planned"}')


async def _one(client: SetSmart, number: int) -> None:
    """A call; every tenth is cancelled on its way."""
    if number % 10:
        try:
            await client.properties.get("prop_123" if number % 7 else f"prop_{number}")
        except CallError:
            return
    else:
        task = asyncio.create_task(client.properties.get("prop_123"))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _all(step: Step, calls: int) -> tuple[Footprint, Footprint]:
    """The footprint after the first fifth, and at the end."""

    async def worker(numbers: range) -> None:
        for number in numbers:
            await step(number)

    async def batch(first: int, last: int) -> None:
        each = (last - first) // TASKS
        await asyncio.gather(*(worker(range(first + i * each, first + (i + 1) * each)) for i in range(TASKS)))

    settled = int(calls * SETTLED)
    await batch(0, settled)
    before = Footprint.now()
    await batch(settled, calls)
    return before, Footprint.now()


async def _in_memory(calls: int) -> tuple[Footprint, Footprint]:
    client = SetSmart(
        "key-of-the-benchmark",
        base_url="http://127.0.0.1:1/v1",
        transport=MemoryTransport(answer, latency=1e-4),
        clock=VirtualClock(1_790_000_000.0),
        retry=HASTY,
        retry_budget=RetryBudget(size=10**9),
        deadline=None,
    )
    async with client:
        return await _all(lambda number: _one(client, number), calls)


async def _over_sockets(base_url: str, calls: int) -> tuple[Footprint, Footprint]:
    client = SetSmart("key-of-the-sockets", base_url=base_url, retry=HASTY, deadline=None)
    wrong = client.with_options(attempt_timeout=1e-4)  # hardly ever enough: cut in mid-answer

    async def step(number: int) -> None:
        await _one(wrong if number % 9 == 0 else client, number)

    async with client:
        return await _all(step, calls)


def _row(name: str, calls: int, before: Footprint, after: Footprint) -> Row:
    counted = round(calls * (1 - SETTLED))
    per_call = (after.traced - before.traced) / counted
    cells = (
        f"{per_call:+.3f}",
        f"{before.descriptors} → {after.descriptors}",
        f"{before.tasks} → {after.tasks}",
        f"{counted:,}",
    )
    met = per_call < 1 and after.tasks <= before.tasks and after.descriptors <= before.descriptors + TASKS
    data: dict[str, object] = {"before": attrs.asdict(before), "after": attrs.asdict(after), "bytes_per_call": per_call}
    return Row(name, cells, data, met)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a fifth of the calls; written to results/quick")
    quick: bool = parser.parse_args().quick
    calls = 20_000 if quick else 100_000
    load = load_now()
    random.seed(20261123)
    tracemalloc.start()
    rows = [_row("setsmart_async", calls, *run(_in_memory(calls)))]
    say("in memory")
    with fast_server() as server:
        rows.append(_row("over sockets", calls // 5, *asyncio.run(_over_sockets(server.url, calls // 5))))
    tracemalloc.stop()
    title = f"what {calls:,} calls leave behind, with errors, 429s, lost connections and cancels among them"
    columns = ("bytes per call", "descriptors", "tasks", "calls counted")
    goal = "less than a byte per call, tasks and descriptors constant but for the pool"
    report(__file__, [Result(Figure(name="P7", title=title, columns=columns, goal=goal), rows)], quick=quick, load=load)


if __name__ == "__main__":
    main()
