"""200 tasks against a sandbox process whose limit, window and clock the client is not told: real HTTP, real time.

    python benchmarks/limiter_over_http.py [--windows 12] [--limit 60] [--window 5] [--skew 7]

For each algorithm: 429s and the use of each full window, by the server's own count. Writes
`benchmarks/results/limiter_over_http.json`.
"""

import argparse
import asyncio
import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TypedDict

from setsmart_async import SetSmart, __version__

RESULTS = Path(__file__).parent / "results" / "limiter_over_http.json"
TASKS = 200


class Row(TypedDict):
    """One run. Windows are the server's: multiples of the window in its own clock, but for the first and the last."""

    algorithm: str
    requests: int
    refused: int
    full_windows: list[int]
    utilisation: float


def start_sandbox(options: argparse.Namespace, algorithm: str) -> tuple[subprocess.Popen[str], str, str]:
    """A sandbox in a process of its own; its base URL and key are what it prints."""
    command = [sys.executable, "-c", "from setsmart_async.cli import main; main()", "sandbox", "--port", "0"]
    command += ["--limit", str(options.limit), "--window", f"{options.window}s", "--algorithm", algorithm]
    command += ["--skew", str(options.skew), "--properties", "100"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    settings = dict(part.split("=", 1) for part in process.stdout.readline().split()[1:])
    return process, settings["SETSMART_BASE_URL"], settings["SETSMART_API_KEY"]


async def saturate(base_url: str, key: str, seconds: float) -> None:
    """As many calls as the limiter lets go."""
    async with SetSmart(key, base_url=base_url, deadline=None) as setsmart:

        async def worker() -> None:
            while True:
                await setsmart.properties.list(page_size=1).page()

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                for _ in range(TASKS):
                    group.create_task(worker())


def measure(options: argparse.Namespace, algorithm: str) -> Row:
    """One algorithm, one process, one run."""
    process, base_url, key = start_sandbox(options, algorithm)
    try:
        asyncio.run(saturate(base_url, key, options.window * (options.windows + 1)))
        stats_url = base_url.removesuffix("/v1") + "/_sandbox/stats"
        with urllib.request.urlopen(stats_url, timeout=5) as answer:
            stats = json.load(answer)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
    windows = [window["accepted"] for window in stats["windows"]]
    full = windows[1:-1]
    if algorithm != "fixed" and len(full) % 2:
        full = full[1:]  # bursts alternate between these windows, which are not the algorithm's own: count in pairs
    return {
        "algorithm": algorithm,
        "requests": sum(windows),
        "refused": sum(window["refused"] for window in stats["windows"]),
        "full_windows": full,
        "utilisation": round(sum(full) / (len(full) * options.limit), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--windows", type=int, default=12)
    parser.add_argument("--limit", type=int, default=60)
    parser.add_argument("--window", type=float, default=5.0, help="seconds")
    parser.add_argument("--skew", type=float, default=7.0, help="seconds that the server's clock is ahead")
    options = parser.parse_args()
    rows = [measure(options, algorithm) for algorithm in ("fixed", "bucket", "sliding")]
    print(f"{'algorithm':<10} {'requests':>8} {'429s':>5} {'used':>8}  each full window")
    for row in rows:
        each = f"{min(row['full_windows'])} to {max(row['full_windows'])} of {options.limit}"
        print(
            f"{row['algorithm']:<10} {row['requests']:>8} {row['refused']:>5} {row['utilisation']:>8.2%}  "
            f"{len(row['full_windows'])} windows, {each}"
        )
    RESULTS.parent.mkdir(exist_ok=True)
    document = {
        "command": "python benchmarks/limiter_over_http.py",
        "limit": options.limit,
        "window_seconds": options.window,
        "skew_seconds": options.skew,
        "tasks": TASKS,
        "setsmart_async": __version__,
        "python": platform.python_version(),
        "load_average": os.getloadavg()[0],
        "rows": rows,
    }
    RESULTS.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
