"""A process that calls the API as fast as it may, its quota shared through SETSMART_REDIS_URL. Ends on SIGTERM."""

import asyncio
import json
import signal
import sys

from setsmart_async import CoordinatorLost, Event, SetSmart, SetSmartError


async def press() -> None:
    done = failed = lost = 0
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)

    def observe(event: Event) -> None:
        nonlocal lost
        lost += isinstance(event, CoordinatorLost)

    async with SetSmart(deadline=None, observer=observe) as setsmart:

        async def worker() -> None:
            nonlocal done, failed
            while True:
                try:
                    await setsmart.properties.list(page_size=1).page()
                    done += 1
                    if done == 1:
                        print("under way", flush=True)
                except SetSmartError:
                    failed += 1

        workers = [asyncio.create_task(worker()) for _ in range(12)]
        await stop.wait()
        for task in workers:
            task.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    print(json.dumps({"done": done, "failed": failed, "lost": lost}), flush=True)


if __name__ == "__main__":
    sys.exit(asyncio.run(press()))
