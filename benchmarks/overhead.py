"""What a call costs beyond its HTTP client: CPU of this process per small GET, as a ratio to plain aiohttp.

    python benchmarks/overhead.py [--quick]

In turn against the same server process, round after round, 32 calls at a time; each of ours with an API key of its
own, for clients with the same one share a limiter. Writes `benchmarks/results/overhead.json`.
"""

import argparse
import asyncio
import gc
import json
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Final, TypeAlias

import aiohttp
from fast_server import VILLA, fast_server
from limiter_report import RESULTS, Result, Row, Timed, circumstances, table, write

from setsmart_async import Event, HttpRequest, HttpResponse, MemoryTransport, SetSmart
from setsmart_async.wire import encode_json

CONCURRENCY: Final = 32
PLAIN: Final = "aiohttp, plain"
OURS: Final = "setsmart_async"
Get: TypeAlias = Callable[[], Awaitable[object]]
Open: TypeAlias = Callable[[AsyncExitStack, str], Awaitable[Get]]


async def _plain(stack: AsyncExitStack, base_url: str) -> Get:
    session = await stack.enter_async_context(aiohttp.ClientSession())
    url = f"{base_url}/properties/prop_123"

    async def get() -> object:
        async with session.get(url, headers={"X-API-Key": "key-of-the-benchmark"}) as response:
            return json.loads(await response.read())

    return get


async def _ours(stack: AsyncExitStack, base_url: str) -> Get:
    client = await stack.enter_async_context(SetSmart("key-of-the-benchmark", base_url=base_url))
    properties = client.properties
    return lambda: properties.get("prop_123")


async def _ours_observed(stack: AsyncExitStack, base_url: str) -> Get:
    told: list[Event] = []

    def observe(event: Event) -> None:
        told.append(event)
        if len(told) > 1000:
            told.clear()

    client = SetSmart("key-of-the-observed", base_url=base_url, observer=observe)
    properties = (await stack.enter_async_context(client)).properties
    return lambda: properties.get("prop_123")


async def _ours_in_memory(stack: AsyncExitStack, base_url: str) -> Get:
    response = HttpResponse(status=200, body=encode_json(VILLA))

    def answer(request: HttpRequest) -> HttpResponse:
        return response

    client = SetSmart("key-in-memory", base_url=base_url, transport=MemoryTransport(answer))
    properties = (await stack.enter_async_context(client)).properties
    return lambda: properties.get("prop_123")


CONTESTANTS: Final[dict[str, Open]] = {
    OURS: _ours,
    "setsmart_async, with an observer": _ours_observed,
    "setsmart_async, in memory": _ours_in_memory,
    PLAIN: _plain,
}


async def _round(open_: Open, base_url: str, calls: int) -> float:
    """CPU seconds per call."""
    async with AsyncExitStack() as stack:
        get = await open_(stack, base_url)

        async def worker(number: int) -> None:
            for _ in range(number):
                await get()

        await asyncio.gather(*(worker(5) for _ in range(CONCURRENCY)))  # connections, imports, caches
        gc.collect()
        began = time.process_time()
        await asyncio.gather(*(worker(calls // CONCURRENCY) for _ in range(CONCURRENCY)))
        return (time.process_time() - began) / (calls // CONCURRENCY * CONCURRENCY)


def _costs(say: Callable[[str], None], quick: bool) -> list[Row]:
    rounds, calls = (5, 2_000) if quick else (11, 6_400)
    seconds: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    with fast_server() as base_url:
        for number in range(rounds):
            for name, open_ in CONTESTANTS.items():
                seconds[name].append(asyncio.run(_round(open_, base_url, calls)))
            say(f"round {number + 1} of {rounds}")
    return [_row(name, times, seconds[PLAIN]) for name, times in seconds.items()]


def _row(name: str, times: list[float], plain: list[float]) -> Row:
    ratios = [one / base for one, base in zip(times, plain, strict=True)]
    ratio, microseconds = statistics.median(ratios), 1e6 * statistics.median(times)
    cells = (f"{ratio:.2f} ({min(ratios):.2f} to {max(ratios):.2f})", f"{microseconds:.0f} µs")
    met = ratio <= 1.10 if name == OURS else None
    return Row(name, cells, {"ratio": ratio, "ratios": ratios, "microseconds": microseconds}, met)


FIGURE: Final = Timed(
    name="P1",
    title="CPU per small GET, 32 at a time, as a ratio to plain aiohttp and json.loads: median (range)",
    columns=("ratio", "CPU per call"),
    goal="≤ 1.10",
    rows=_costs,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer calls and rounds")
    options = parser.parse_args()
    load = os.getloadavg()
    result = Result(FIGURE, FIGURE.rows(print, options.quick))
    around = circumstances(quick=options.quick, load_before=load)
    if not options.quick:
        write(RESULTS / "overhead.json", around, [result])
    print(f"\n{table(result)}\n\nload {around['load_before']} → {around['load_after']}")


if __name__ == "__main__":
    main()
