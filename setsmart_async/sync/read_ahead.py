"""Reading ahead of whoever takes what is read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final, TypeVar

T = TypeVar("T")

LOOK_AHEAD: Final = 64
"""Pages that may be under way or wait for their turn."""


async def read_ahead(source: AsyncGenerator[T, None], most: int) -> AsyncGenerator[list[T], None]:
    """Whatever has come meanwhile, at most so much at a time: the source goes on while a list is worked on.

    It stops when `LOOK_AHEAD` items wait. An error of the source is raised after every item before it was given.
    """
    arrived: asyncio.Queue[T | None] = asyncio.Queue()
    room = asyncio.Semaphore(LOOK_AHEAD)

    async def pump() -> None:
        async with aclosing(source):
            async for item in source:
                await room.acquire()
                arrived.put_nowait(item)

    pumping = asyncio.create_task(pump())
    pumping.add_done_callback(lambda _: arrived.put_nowait(None))
    try:
        while (item := await arrived.get()) is not None:
            items = [item]
            while len(items) < most and not arrived.empty() and (item := arrived.get_nowait()) is not None:
                items.append(item)
            for _ in items:
                room.release()
            yield items
            if item is None:
                break
        await pumping
    finally:
        pumping.cancel()
        await asyncio.gather(pumping, return_exceptions=True)
