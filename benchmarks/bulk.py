"""Pulling 1,000 pages of 100 properties (P3): processor time against aiohttp with orjson's dicts, and peak memory.

    python benchmarks/bulk.py [--quick]

One page after the other over one connection, from a server process that hardly works (see `fast_server.py`); each
record is looked at once and let go. Memory: the peak of a process of its own, for so many pages and ten times as many.
"""

import argparse
import asyncio
import functools
import importlib
import importlib.util
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeAlias

import aiohttp
from fast_server import PAGE_SIZE, FastServer, fast_server
from limiter_report import Figure, Result, Row
from measuring import OURS, figure, interleaved, load_now, ratio_rows, report, say

from setsmart_async import SetSmart

Walk: TypeAlias = Callable[[str, int], AsyncIterator[object]]
"""From a base URL and a number of pages to the records, one by one."""
BASE: Final = "aiohttp + orjson, dicts"


async def _aiohttp(base_url: str, pages: int) -> AsyncIterator[object]:
    orjson: Any = importlib.import_module("orjson")
    async with aiohttp.ClientSession() as session:
        cursor = "0"
        for _ in range(pages):
            params = {"limit": str(PAGE_SIZE), "cursor": cursor}
            async with session.get(f"{base_url}/properties", params=params) as response:
                page = orjson.loads(await response.read())
            for record in page["data"]:
                yield record
            cursor = page["next_cursor"]


async def _ours_by_page(base_url: str, pages: int) -> AsyncIterator[object]:
    async with SetSmart("key-in-bulk", base_url=base_url) as setsmart:
        left = pages
        async with aclosing(setsmart.properties.list(page_size=PAGE_SIZE).pages()) as walk:
            async for page in walk:
                for record in page.items:
                    yield record
                left -= 1
                if not left:
                    return


async def _ours_by_record(base_url: str, pages: int) -> AsyncIterator[object]:
    async with SetSmart("key-in-bulk-2", base_url=base_url) as setsmart:
        left = pages * PAGE_SIZE
        async with aclosing(setsmart.properties.list(page_size=PAGE_SIZE).__aiter__()) as walk:
            async for record in walk:
                yield record
                left -= 1
                if not left:
                    return


async def _httpx2(base_url: str, pages: int) -> AsyncIterator[object]:
    httpx2, pydantic = importlib.import_module("httpx2"), importlib.import_module("pydantic")
    page_model = _page_model(pydantic)
    async with httpx2.AsyncClient(trust_env=False) as client:
        cursor = "0"
        for _ in range(pages):
            params = {"limit": str(PAGE_SIZE), "cursor": cursor}
            answer = await client.get(f"{base_url}/properties", params=params)
            page = page_model.model_validate_json(answer.content)
            for record in page.data:
                yield record
            cursor = page.next_cursor


@functools.cache
def _page_model(pydantic: Any) -> Any:
    text, number, moment = (str | None, None), (int | None, None), (datetime | None, None)
    fields: dict[str, Any] = {
        "id": (str, ...),
        "name": (str, ...),
        "address": text,
        "bedrooms": number,
        "max_guests": number,
        "bathrooms": (float | None, None),
        "status": text,
        "timezone": text,
        "currency": text,
        "created_at": moment,
        "updated_at": moment,
    }
    model = pydantic.create_model("Home", __config__=pydantic.ConfigDict(extra="allow", frozen=True), **fields)
    return pydantic.create_model("Homes", data=(list.__class_getitem__(model), ...), next_cursor=(str, ...))


WALKS: Final[Mapping[str, Walk]] = {
    OURS: _ours_by_page,
    "setsmart_async, async for each record": _ours_by_record,
    BASE: _aiohttp,
    "httpx2 + pydantic": _httpx2,
}
NEEDS: Final = {BASE: ("orjson",), "httpx2 + pydantic": ("httpx2", "pydantic")}


def pulled(walk: Walk, base_url: str, pages: int) -> float:
    """Processor seconds per record."""

    async def pull() -> float:
        async def look_at(number: int) -> int:
            seen = 0
            async with aclosing(walk(base_url, number)) as records:  # type: ignore[type-var]  # they are generators
                async for _ in records:
                    seen += 1
            return seen

        await look_at(2)
        began = time.process_time()
        seen = await look_at(pages)
        assert seen == pages * PAGE_SIZE
        return (time.process_time() - began) / seen

    return asyncio.run(pull())


def in_time(server: FastServer, walks: Mapping[str, Walk], rounds: int, pages: int) -> tuple[Result, float]:
    def measured(name: str, walk: Walk) -> Callable[[], float]:
        few = max(10, pages // 5) if name.startswith("httpx2") else pages
        return lambda: pulled(walk, server.url, few)

    with server.watched() as share:
        found = interleaved({name: measured(name, walk) for name, walk in walks.items()}, rounds)
    title = f"CPU per property, {pages:,} pages of {PAGE_SIZE}, streamed, against aiohttp and orjson's dicts"
    rows = ratio_rows(found, BASE, goal=1.3)
    return Result(figure("P3", title, "≤ 1.3", "CPU per property"), rows), share["server_share_of_a_core"]


def peak_of(name: str, base_url: str, pages: int) -> float:
    """Megabytes at most that a process takes which does nothing else."""
    command = [sys.executable, __file__, "--walk", name, "--url", base_url, "--pages", str(pages)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) / 1024


def in_memory(server: FastServer, walks: Mapping[str, Walk], rounds: int, pages: int) -> Result:
    rows = []
    for name in (name for name in walks if name in (OURS, BASE, "httpx2 + pydantic")):
        many = pages * 10 if name in (OURS, BASE) else 0
        few = [peak_of(name, server.url, pages) for _ in range(rounds)]
        lots = [peak_of(name, server.url, many) for _ in range(rounds)] if many else []
        say(f"memory of {name}")
        growth = statistics.median(lots) / statistics.median(few) if lots else None
        cells = (
            "-" if growth is None else f"{growth:.2f}",
            f"{statistics.median(few):.0f} MB",
            f"{statistics.median(lots):.0f} MB" if lots else "-",
        )
        data: dict[str, object] = {"growth": growth, "megabytes": few, "megabytes_of_ten_times": lots}
        rows.append(Row(name, cells, data, growth is not None and growth <= 1.2 if name == OURS else None))
    title = f"peak memory of {pages:,} pages and of {pages * 10:,}, streamed"
    columns = ("growth", f"{pages:,} pages", f"{pages * 10:,} pages")
    return Result(Figure(name="P3, memory", title=title, columns=columns, goal="≤ 1.2 times"), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the pages; written to results/quick")
    for name in ("--walk", "--url", "--pages"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.walk:
        pulled(WALKS[options.walk], options.url, int(options.pages))
        (peak,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
        print(peak.split()[1])
        return
    quick: bool = options.quick
    walks = {
        name: walk for name, walk in WALKS.items() if all(map(importlib.util.find_spec, NEEDS.get(name, ("attrs",))))
    }
    rounds, pages = (5, 100) if quick else (7, 1_000)
    load = load_now()
    with fast_server() as server:
        timed, share = in_time(server, walks, rounds, pages)
        memory = in_memory(server, walks, 1 if quick else 3, pages)
    report(__file__, [timed, memory], quick=quick, load=load, server_share_of_a_core=share)


if __name__ == "__main__":
    main()
