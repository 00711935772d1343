"""What importing costs (P6): each in a fresh interpreter, against attrs and cattrs in the same round.

    python benchmarks/imports.py [--quick]

Processor time from before the import to after it, and which HTTP libraries it has loaded: none, for the package.
"""

import argparse
import importlib.util
import subprocess
import sys
from collections.abc import Callable
from typing import Final

import attrs
from limiter_report import Result
from measuring import OURS, figure, interleaved, load_now, ratio_rows, report

BASE: Final = "attrs + cattrs"
STATEMENTS: Final = {
    OURS: "import setsmart_async",
    "setsmart_async, a client made": "import setsmart_async; setsmart_async.SetSmart('key-of-the-benchmark')",
    BASE: "import attrs, cattrs",
    "attrs + cattrs + asyncio": "import attrs, cattrs, asyncio",
    "attrs + cattrs + asyncio + msgspec + backoff": "import attrs, cattrs, asyncio, cattrs.preconf.msgspec, backoff",
    "aiohttp": "import aiohttp",
    "httpx2": "import httpx2",
    "httpx": "import httpx",
    "pydantic": "import pydantic",
}
_HTTP: Final = ("aiohttp", "anyio", "h11", "httpcore", "httpx", "httpx2", "requests", "urllib3", "yarl")
_CHILD: Final = """
import time
began = time.process_time_ns()
{statement}
took = time.process_time_ns() - began
import sys
print(took, *(name for name in {http} if name in sys.modules))
"""


@attrs.define
class Import:
    """One statement, run in an interpreter of its own each time."""

    statement: str
    loaded: set[str] = attrs.field(factory=set[str])

    def cost(self) -> float:
        """Processor seconds."""
        child = _CHILD.format(statement=self.statement, http=_HTTP)
        answer = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True, check=True).stdout
        took, *loaded = answer.split()
        self.loaded.update(loaded)
        return int(took) / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds; written to results/quick")
    quick: bool = parser.parse_args().quick
    load = load_now()
    imports = {
        name: Import(statement)
        for name, statement in STATEMENTS.items()
        if "+" in name or "setsmart" in name or (not quick and importlib.util.find_spec(name))
    }
    measures: dict[str, Callable[[], float]] = {name: one.cost for name, one in imports.items()}
    for measure in [] if quick else measures.values():
        measure()  # bytecode written, files in the page cache
    found = interleaved(measures, 5 if quick else 25)
    title = "CPU of an import in a fresh interpreter, against attrs and cattrs"
    rows = ratio_rows(found, BASE, goal=1.2, unit="ms", scale=1e3)
    loaded = ", ".join(sorted(imports[OURS].loaded)) or "none"
    result = Result(figure("P6", title, "≤ 1.2, and no HTTP library loaded", "CPU"), rows)
    report(__file__, [result], quick=quick, load=load, HTTP_libraries_loaded_by_setsmart_async=loaded)


if __name__ == "__main__":
    main()
