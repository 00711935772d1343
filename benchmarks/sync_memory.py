"""How much memory a sync takes, by the number of properties: `python benchmarks/sync_memory.py [100000 1000000]`.

The sandbox and the sync are processes of their own: the sync's memory is what the system counts for it alone.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHILD = """
import asyncio, json, resource, sys
from setsmart_async import SetSmart
from setsmart_async.sandbox.api import SANDBOX_API_KEY
from setsmart_async.sync import Sync, Tally

async def main():
    tally = Tally()
    async with SetSmart(SANDBOX_API_KEY, base_url=sys.argv[1], observer=tally) as client:
        result = await Sync(client, sys.argv[2], resources=["properties"], page_size=200, tally=tally).run()
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({
        "properties": result.records, "new": result.new, "seconds": round(result.seconds, 1),
        "requests": result.requests, "refused_429": result.rate_limited,
        "peak_mib": round(used.ru_maxrss / 1024, 1), "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
    }))

asyncio.run(main())
"""


def measured(properties: int, folder: Path) -> list[dict[str, float]]:
    """A first run into an empty database, and a second one that finds nothing new."""
    arguments = ("sandbox", "--port", "0", "--properties", str(properties), "--reservations", "0")
    code = "import sys; from setsmart_async.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, *arguments, "--limit", "1000000", "--window", "1h", "--paging", "page"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as sandbox:
        try:
            assert sandbox.stdout is not None
            found = re.search(r"SETSMART_BASE_URL=(\S+)", sandbox.stdout.readline())
            assert found is not None, "the sandbox did not start"
            run = [sys.executable, "-c", CHILD, found[1], f"sqlite:///{folder}/{properties}.db"]
            return [json.loads(subprocess.check_output(run, text=True)) for _ in range(2)]
        finally:
            sandbox.kill()


def main() -> None:
    counts = [int(argument) for argument in sys.argv[1:]] or [100_000, 1_000_000]
    with tempfile.TemporaryDirectory() as folder:
        for count in counts:
            began = time.monotonic()
            for run in measured(count, Path(folder)):
                print(json.dumps(run), flush=True)
            print(f"# {count:,} in {time.monotonic() - began:.0f} s, sandbox included", file=sys.stderr)
    print(f"# on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
