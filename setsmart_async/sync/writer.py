"""The one thread that touches the database, so that the event loop goes on fetching."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class Writer:
    """Runs work in a thread of its own, one piece after the other."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="setsmart-sync")

    async def do(self, work: Callable[[], T]) -> T:
        """Run this in the thread, after everything before it."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def end(self, work: Callable[[], None]) -> None:
        """Run this as the last thing, even when nobody can wait for it any more."""
        ending = asyncio.ensure_future(self.do(work))
        try:
            await asyncio.shield(ending)
        except asyncio.CancelledError:
            await asyncio.wait([ending])  # it takes no time, and who comes next finds nothing locked
            raise
        finally:
            self._thread.shutdown(wait=False)
