"""A sync into SQLite from an API that takes 50 ms (P8), beside dlt's declarative source and ours for dlt, into DuckDB.

    python benchmarks/sync.py [--quick]

The same listing, pages of 100, by page number with 16 in flight and by cursor. dlt asks for one page after the other,
which is all that its declarative source can; what is timed is a whole run each: read, made into rows, committed. Every
run is a process of its own, timed from after its imports. Writes `results/sync.json`.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from limiter_report import Result, Row
from measuring import OURS, figure, interleaved, load_now, ratio_rows, report, say

DLT: Final = "dlt, declarative rest_api source"
DLT_OURS: Final = "setsmart_async.integrations.dlt"
_LATENCY: Final = 0.05
_SERVER: Final = """
import asyncio, sys
from setsmart_async.sandbox.api import SandboxApi
from setsmart_async.sandbox.quota import QuotaRule, QuotaSimulator
from setsmart_async.sandbox.server import SandboxServer

async def main():
    quota = QuotaSimulator(QuotaRule(1_000_000_000, 3600.0))
    api = SandboxApi(int(sys.argv[1]), paging=sys.argv[2], page_size=100, quota=quota)
    async with SandboxServer(api, latency=float(sys.argv[3])) as server:
        print(server.url, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""
_OURS: Final = """
import asyncio, json, resource, sys, time
from setsmart_async import SetSmart
from setsmart_async.sandbox.api import SANDBOX_API_KEY
from setsmart_async.sync import Sync

async def main():
    loop, late = asyncio.get_running_loop(), []

    async def watch():
        while True:
            due = loop.time() + 0.005
            await asyncio.sleep(0.005)
            late.append(loop.time() - due)

    async with SetSmart(SANDBOX_API_KEY, base_url=sys.argv[1]) as client:
        watching = asyncio.create_task(watch())
        began = time.perf_counter()
        result = await Sync(client, f"sqlite:///{sys.argv[2]}/ours.db", resources=["properties"]).run()
        took = time.perf_counter() - began
        watching.cancel()
    late.sort()
    print(json.dumps({"seconds": took, "rows": result.records, "lag_p99": late[int(len(late) * 0.99)],
                      "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))

asyncio.run(main())
"""
_DLT: Final = """
import json, resource, sys, time
import dlt
from dlt.sources.rest_api import rest_api_source
from setsmart_async.sandbox.api import SANDBOX_API_KEY

paginators = {
    "page": {"type": "page_number", "base_page": 1, "page_param": "page", "total_path": "total_pages"},
    "cursor": {"type": "cursor", "cursor_path": "next_cursor", "cursor_param": "cursor"},
}
source = rest_api_source({
    "client": {"base_url": sys.argv[1] + "/", "headers": {"X-API-Key": SANDBOX_API_KEY},
               "paginator": paginators[sys.argv[3]]},
    "resource_defaults": {"primary_key": "id", "write_disposition": "merge"},
    "resources": [{"name": "properties", "endpoint": {"path": "properties", "params": {"limit": 100},
                                                      "data_selector": "data"}}],
})
pipeline = dlt.pipeline("bench", destination=dlt.destinations.duckdb(sys.argv[2] + "/dlt.duckdb"),
                        dataset_name="bench", pipelines_dir=sys.argv[2] + "/pipelines")
began = time.perf_counter()
pipeline.run(source)
took = time.perf_counter() - began
with pipeline.sql_client() as client:
    rows = client.execute_sql("select count(*) from properties")[0][0]
print(json.dumps({"seconds": took, "rows": rows, "lag_p99": 0.0,
                  "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""
_DLT_OURS: Final = """
import json, resource, sys, time
import dlt
from setsmart_async.integrations.dlt import setsmart_source
from setsmart_async.sandbox.api import SANDBOX_API_KEY

pipeline = dlt.pipeline("bench", destination=dlt.destinations.duckdb(sys.argv[2] + "/dlt.duckdb"),
                        dataset_name="bench", pipelines_dir=sys.argv[2] + "/pipelines")
began = time.perf_counter()
pipeline.run(setsmart_source(SANDBOX_API_KEY, base_url=sys.argv[1], resources=["properties"], look_ahead=16))
took = time.perf_counter() - began
with pipeline.sql_client() as client:
    rows = client.execute_sql("select count(*) from properties")[0][0]
print(json.dumps({"seconds": took, "rows": rows, "lag_p99": 0.0,
                  "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""
PROGRAMS: Final = {OURS: _OURS, DLT_OURS: _DLT_OURS, DLT: _DLT}
GOALS: Final = {"page": 8.0, "cursor": 1.1}


@contextlib.contextmanager
def server(rows: int, paging: str) -> Iterator[str]:
    """A sandbox that takes its time; its base URL."""
    command = [sys.executable, "-c", _SERVER, str(rows), paging, str(_LATENCY)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def run(program: str, base_url: str, paging: str, rows: int, measured: list[dict[str, float]]) -> float:
    """Seconds per row of one run into an empty database."""
    with tempfile.TemporaryDirectory(prefix="sync-bench-") as folder:
        command = [sys.executable, "-c", program, base_url, folder, paging]
        quiet = {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL", "DLT_DATA_DIR": folder}
        output = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **quiet})
    found: dict[str, float] = json.loads(output.stdout.splitlines()[-1])
    if found["rows"] != rows:
        raise SystemExit(f"{found['rows']} rows instead of {rows}: the run says nothing.")
    measured.append(found)
    return found["seconds"] / rows


def by(paging: str, rows: int, rounds: int) -> tuple[Result, list[dict[str, float]]]:
    """One way of paging: the table of ratios, and what our runs said beside."""
    ours: list[dict[str, float]] = []
    with server(rows, paging) as base_url:
        measures: dict[str, Callable[[], float]] = {
            name: partial(run, program, base_url, paging, rows, ours if name == OURS else [])
            for name, program in PROGRAMS.items()
        }
        found = interleaved(measures, rounds)
    faster = {name: [1 / seconds for seconds in times] for name, times in found.items()}
    table = ratio_rows(faster, DLT, unit="rows/s", scale=1.0)
    goal = GOALS[paging]
    best = [
        Row(row.name, row.cells, row.data, float(str(row.data["ratio"])) >= goal) if row.name == OURS else row
        for row in table
    ]
    way = "by page number, 16 in flight" if paging == "page" else "by cursor, one page after the other"
    title = f"{rows:,} rows {way}, against dlt's declarative source"
    return Result(figure(f"P8 {paging}", title, f"at least {goal:g} times", "rows per second"), best), ours


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rows and rounds, into results/quick")
    quick = parser.parse_args().quick
    load = load_now()
    rows, rounds = (2_000, 1) if quick else (10_000, 5)
    results: list[Result] = []
    watched: list[dict[str, float]] = []
    for paging in GOALS:
        say(f"by {paging}")
        result, ours = by(paging, rows, rounds)
        results.append(result)
        watched += ours
    lags = sorted(1000 * each["lag_p99"] for each in watched)
    small = max(each["peak_mib"] for each in watched)
    with server(10 * rows, "page") as base_url:
        large: list[dict[str, float]] = []
        run(_OURS, base_url, "page", 10 * rows, large)
    report(
        __file__,
        results,
        quick=quick,
        load=load,
        event_loop_lag_p99_ms=[round(lag, 2) for lag in lags],
        peak_mib={f"{rows:,} rows": round(small, 1), f"{10 * rows:,} rows": round(large[0]["peak_mib"], 1)},
    )


if __name__ == "__main__":
    main()
