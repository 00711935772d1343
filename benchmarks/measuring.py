"""How all benchmarks measure: in turn, round after round, processor time of this process, ratios within the round."""

import asyncio
import gc
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final, TypeAlias

from limiter_report import RESULTS, Figure, Result, Row, circumstances, table, write

Get: TypeAlias = Callable[[], Awaitable[object]]
"""One call."""
Open: TypeAlias = Callable[[AsyncExitStack, str], Awaitable[Get]]
"""From a base URL to a client's call; what the stack is given is closed after the round."""
LoopFactory: TypeAlias = Callable[[], asyncio.AbstractEventLoop]

CONCURRENCY: Final = 32
OURS: Final = "setsmart_async"
PEERS: Final = ("aiohttp", "attrs", "cattrs", "httpx", "httpx2", "msgspec", "orjson", "pydantic", "respx", "uvloop")
"""Distributions whose versions stand in the results."""


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


async def _calls(open_: Open, base_url: str, calls: int, concurrency: int) -> float:
    """Processor seconds per call."""
    async with AsyncExitStack() as stack:
        get = await open_(stack, base_url)

        async def worker(number: int) -> None:
            for _ in range(number):
                await get()

        await asyncio.gather(*(worker(5) for _ in range(concurrency)))  # connections, imports, caches
        each = max(1, calls // concurrency)
        gc.collect()
        began = time.process_time()
        await asyncio.gather(*(worker(each) for _ in range(concurrency)))
        return (time.process_time() - began) / (each * concurrency)


def cost_of_calls(
    open_: Open, base_url: str, calls: int, *, concurrency: int = CONCURRENCY, loop: LoopFactory | None = None
) -> float:
    """Processor seconds per call, in an event loop of its own."""
    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(_calls(open_, base_url, calls, concurrency))


def interleaved(measures: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Each measured once in each round, one after the other."""
    found: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(rounds):
        for name, measure in measures.items():
            found[name].append(measure())
        say(f"round {number + 1} of {rounds}")
    return found


def ratio_rows(
    found: Mapping[str, Sequence[float]], base: str, *, goal: float | None = None, unit: str = "µs", scale: float = 1e6
) -> list[Row]:
    """A row for each: its ratio to the base in the same round, and what it took."""
    return [
        _row(name, times, found[base], goal if name == OURS else None, unit, scale) for name, times in found.items()
    ]


def _row(name: str, times: Sequence[float], base: Sequence[float], goal: float | None, unit: str, scale: float) -> Row:
    ratios = [one / other for one, other in zip(times, base, strict=True)]
    ratio, median = statistics.median(ratios), scale * statistics.median(times)
    digits = 2 if ratio >= 0.1 else 3
    cells = (f"{ratio:.{digits}f} ({min(ratios):.{digits}f} to {max(ratios):.{digits}f})", f"{median:.3g} {unit}")
    data = {"ratio": round(ratio, 4), "ratios": [round(one, 4) for one in ratios], unit: round(median, 3)}
    return Row(name, cells, data, None if goal is None else ratio <= goal)


def figure(name: str, title: str, goal: str = "none: to compare", took: str = "CPU per call") -> Figure:
    return Figure(name=name, title=title, columns=("ratio: median (range)", took), goal=goal)


def report(
    script: str, results: Sequence[Result], *, quick: bool, load: tuple[float, float, float], **more: object
) -> None:
    """Prints the tables; writes them with what one must know to judge them, into results/quick when `quick`."""
    around = circumstances(quick=quick, load_before=load, named=PEERS) | more
    folder = RESULTS / "quick" if quick else RESULTS
    write(folder / f"{Path(script).stem}.json", around, results)
    print("\n\n".join(table(result) for result in results))
    print(f"\nPython {around['python']}, {around['machine']}, load {around['load_before']} → {around['load_after']}.")
    for name, value in more.items():
        print(f"{name.replace('_', ' ').capitalize()}: {value}.")


def load_now() -> tuple[float, float, float]:
    return os.getloadavg()
