"""Runs syncs for test_kills.py, each in a process of its own that is killed when its time is up.

Started as `python forked_syncs.py BASE_URL DATABASE_URL`. Each line on stdin is a number of seconds, or empty for a
sync that may run to its end; what comes back is the exit status, negative for a signal. A fork costs milliseconds where
a new interpreter costs a second, and whoever forks may kill: the child can not be gone before it is waited for.
"""

import asyncio
import os
import signal
import sys
import time

from setsmart_async import SetSmart
from setsmart_async.sandbox.api import SANDBOX_API_KEY
from setsmart_async.sync import Sync


async def sync(base_url: str, database: str) -> None:
    async with SetSmart(SANDBOX_API_KEY, base_url=base_url) as client:
        await Sync(client, database, source="sandbox", page_size=20).run()


def main() -> None:
    base_url, database = sys.argv[1:]
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            asyncio.run(sync(base_url, database))
            os._exit(0)
        if line.strip():
            time.sleep(float(line))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
