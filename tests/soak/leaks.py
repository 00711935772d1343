"""A million calls that go right or wrong, are throttled, reset and cancelled: memory, files and tasks stay as they are.

`nox -s soak` runs it; SOAK_CALLS says how many calls (1,000,000 in memory, a tenth of them over sockets).
"""

import asyncio
import contextlib
import gc
import os
import random
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
import virtual_time
from virtual_time import VirtualClock

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

CALLS = int(os.environ.get("SOAK_CALLS", "1000000"))
TASKS = 50
CHECKPOINTS = 10
_NOISE = 512 * 1024
"""Bytes that a process's memory comes and goes by without any leak: a byte per call shows in half a million calls."""
OK = HttpResponse(status=200, body=encode_json({"id": "prop_123", "name": "Beachfront Villa", "pool": True}))
STATUSES = [200] * 6 + [404, 429, 500, 0]
STATUSES_WITHOUT_429 = [status for status in STATUSES if status != 429]  # which would pause in real time
HASTY: dict[str, Any] = {
    "retry": RetryPolicy(max_attempts=2, transient_base=1e-6, longest_wait=1e-6),
    "retry_budget": RetryBudget(size=10**9),
    "deadline": None,
}


@attrs.frozen
class Footprint:
    """What a process holds on to."""

    blocks: int
    """Allocated by Python."""
    resident: int
    """Bytes of memory, as the system counts them."""
    descriptors: int
    tasks: int


def footprint() -> Footprint:
    gc.collect()
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    return Footprint(sys.getallocatedblocks(), resident, descriptors, len(asyncio.all_tasks()))


def answer(request: HttpRequest | None) -> HttpResponse:
    status = random.choice(STATUSES if request is not None else STATUSES_WITHOUT_429)
    if status == 0:
        raise ConnectionLostError("Gone.", outcome=Outcome.UNKNOWN)
    return OK if status == 200 else HttpResponse(status=status, body=b'{"message": "planned"}')


async def one(client: SetSmart, *, cancelled: bool) -> None:
    """A call; a cancelled one is cancelled on its way."""
    if cancelled:
        task = asyncio.create_task(client.properties.get("prop_123"))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    else:
        with contextlib.suppress(CallError):
            await client.properties.get("prop_123")


async def many(client: SetSmart, calls: int) -> None:
    async def worker() -> None:
        for number in range(calls // TASKS):
            await one(client, cancelled=number % 20 == 0)

    async with asyncio.TaskGroup() as group:
        for _ in range(TASKS):
            group.create_task(worker())


async def soaked(client: SetSmart, calls: int) -> list[Footprint]:
    """The footprint at so many checkpoints on the way; what is warmed up in the first tenth does not count."""
    seen: list[Footprint] = []
    for _ in range(CHECKPOINTS):
        await many(client, calls // CHECKPOINTS)
        await asyncio.sleep(0.1)
        seen.append(footprint())
    return seen[1:]


def assert_level(seen: list[Footprint], calls: int) -> None:
    first, last = seen[0], seen[-1]
    between = calls * (len(seen) - 1) / CHECKPOINTS
    growth = last.resident - first.resident
    print(f"{calls} calls: {growth / between:.3f} bytes per call, {last.blocks - first.blocks:+} blocks, now {last}")
    assert growth < max(between * 1.0, _NOISE)
    assert last.blocks - first.blocks < 2_000
    assert last.tasks <= first.tasks + 10  # the server has one for each connection
    assert last.descriptors <= first.descriptors + 20  # two for each connection


def in_memory(handler: Callable[[HttpRequest], HttpResponse]) -> SetSmart:
    """A client in virtual time, so that the pauses after a 429 take none."""
    transport = MemoryTransport(handler, latency=0.001)
    return SetSmart(
        "key-of-the-soak", base_url="http://127.0.0.1:1/v1", transport=transport, clock=VirtualClock(), **HASTY
    )


def test_r39_in_memory() -> None:
    async def main() -> list[Footprint]:
        async with in_memory(answer) as client:
            return await soaked(client, CALLS)

    assert_level(virtual_time.run(main()), CALLS)


@asynccontextmanager
async def misbehaving() -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                try:
                    response = answer(None)
                except ConnectionLostError:
                    writer.transport.abort()
                    return
                head = f"HTTP/1.1 {response.status} Planned\r\nContent-Length: {len(response.body)}\r\n\r\n"
                writer.write(head.encode() + response.body)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await asyncio.sleep(0.1)  # its ends of the connections hear of ours


def test_r39_over_sockets() -> None:
    calls = CALLS // 10

    async def main() -> list[Footprint]:
        async with (
            misbehaving() as port,
            SetSmart("key-of-the-soak", base_url=f"http://127.0.0.1:{port}/v1", **HASTY) as client,
        ):
            return await soaked(client, calls)

    assert_level(asyncio.run(main()), calls)


def test_a_leak_would_be_seen() -> None:
    """The measure itself: 400 bytes kept for each call are noticed."""
    kept: list[bytes] = []

    def leaking(request: HttpRequest) -> HttpResponse:
        kept.append(bytes(400))
        return answer(request)

    async def main() -> list[Footprint]:
        async with in_memory(leaking) as client:
            return await soaked(client, 50_000)

    with pytest.raises(AssertionError):
        assert_level(virtual_time.run(main()), 50_000)
