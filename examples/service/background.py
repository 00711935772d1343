"""A task beside the requests, for as long as the service runs."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager

from setsmart_async import SetSmart, SetSmartError
from setsmart_async.sync import Sync

LOGGER = logging.getLogger("service")


@asynccontextmanager
async def running(work: Coroutine[None, None, None]) -> AsyncGenerator[asyncio.Task[None], None]:
    """The work as a task: cancelled and awaited at the end of the block. Whether it is `done` says if it has failed."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        for outcome in await asyncio.gather(task, return_exceptions=True):
            if isinstance(outcome, Exception):
                LOGGER.error("The background task had ended: %r", outcome)


async def keep_synced(setsmart: SetSmart, database: str, *, every: float) -> None:
    """Sync now and every so many seconds. Cancelled at any instant it loses nothing: the next sync goes on from there.

    A `Sync` uses `Priority.BULK`: visitors go first. Nothing to do where `every` is 0.
    """
    while every:
        try:
            result = await Sync(setsmart, database, resources=["properties"]).run()
            LOGGER.info("Synced %d records, %d of them changed", result.records, result.new + result.changed)
        except SetSmartError as error:  # a night without SetSmart is no reason to stop
            LOGGER.warning("Not synced, and tried again in %g s: %s", every, error)
        await asyncio.sleep(every)
    await asyncio.Event().wait()
