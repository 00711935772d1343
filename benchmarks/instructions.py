"""P1 counted instead of timed: machine instructions for a small GET, the same under any load. Needs valgrind, on Linux.

    python benchmarks/instructions.py [--quick]

Each client runs under valgrind's callgrind twice, with some calls and with more of them: the difference is what they
took. Instructions of the process alone, without the kernel's; caches play no part, so that a ratio of instructions is
lower than one of time where the code is spread out.
"""

import argparse
import asyncio
import gc
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from fast_server import fast_server
from limiter_report import Result
from measuring import CONCURRENCY, OURS, figure, load_now, ratio_rows, report, say
from overhead import CLIENTS, PLAIN

_COLLECTED: Final = re.compile(r"Collected\s*:\s*([\d,]+)")
_FEW: Final = 10
_MANY: Final = 30


async def _calls(name: str, base_url: str, each: int) -> None:
    async with AsyncExitStack() as stack:
        get = await CLIENTS[name](stack, base_url)

        async def worker(number: int) -> None:
            for _ in range(number):
                await get()

        await asyncio.gather(*(worker(5) for _ in range(CONCURRENCY)))
        gc.collect()
        await asyncio.gather(*(worker(each) for _ in range(CONCURRENCY)))


def counted(name: str, base_url: str, each: int) -> int:
    """Instructions of a process that makes so many calls in each of its tasks."""
    with tempfile.TemporaryDirectory() as folder:
        valgrind = ("valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out")
        command = (*valgrind, sys.executable, __file__, "--client", name, "--url", base_url, "--each", str(each))
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        told = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stderr
    found = _COLLECTED.search(told)
    assert found is not None, told
    return int(found[1].replace(",", ""))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two clients only; written to results/quick")
    for name in ("--client", "--url", "--each"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client:
        asyncio.run(_calls(options.client, options.url, int(options.each)))
        return
    names = [OURS, PLAIN] if options.quick else [OURS, "setsmart_async, by aiohttp's session", PLAIN]
    load = load_now()
    with fast_server() as server, ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = {(name, each): pool.submit(counted, name, server.url, each) for name in names for each in (_FEW, _MANY)}
        found: dict[str, list[float]] = {}
        for name in names:
            difference = runs[name, _MANY].result() - runs[name, _FEW].result()
            found[name] = [difference / ((_MANY - _FEW) * CONCURRENCY)]
            say(name)
    rows = ratio_rows(found, PLAIN, unit="thousand", scale=1e-3)
    title = "machine instructions per small GET, against plain aiohttp and json.loads"
    results = [Result(figure("P1, instructions", title, took="instructions"), rows)]
    report(str(Path(__file__)), results, quick=options.quick, load=load)


if __name__ == "__main__":
    main()
