"""Pages that are asked for before they are needed."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from typing import Protocol, TypeVar

from setsmart_async.policy.paging import PageNumbers


class Onward(Protocol):
    """What must be known of a page to go on behind it."""

    @property
    def next_cursor(self) -> str | None:
        """Where the next page is; None: nowhere."""
        ...

    @property
    def numbers(self) -> PageNumbers | None:
        """Its place among numbered pages."""
        ...


P = TypeVar("P", bound=Onward)
T = TypeVar("T")


async def pages_ahead(
    page_at: Callable[[str | None], Awaitable[P]],
    cursor_by_number: Callable[[P], Callable[[int], str] | None],
    cursor: str | None,
    depth: int,
) -> AsyncGenerator[P, None]:
    """The pages from `cursor` on, in order, with up to `depth` of them under way or waiting for their turn.

    Numbered pages are asked for at once. Behind a cursor only one page is known, which is asked for as soon as the one
    before has come. What is under way when the generator is closed is cancelled and awaited.
    """
    page = await page_at(cursor)
    cursor_at = cursor_by_number(page)
    pages = _by_cursor(page_at, page, depth) if cursor_at is None else _by_number(page_at, cursor_at, page, depth)
    try:
        async for each in pages:
            yield each
    finally:
        await pages.aclose()


async def _by_number(
    page_at: Callable[[str | None], Awaitable[P]], cursor_at: Callable[[int], str], page: P, depth: int
) -> AsyncGenerator[P, None]:
    under_way: deque[asyncio.Task[P]] = deque()
    asked = last = 0
    try:
        while True:
            if page.numbers is not None:
                # The newest page knows best how many there are now.
                last, asked = page.numbers.last, max(asked, page.numbers.current)
            while page.next_cursor is not None and asked < last and len(under_way) < depth:
                asked += 1
                under_way.append(asyncio.create_task(_asked(page_at, cursor_at(asked))))
            yield page
            if page.next_cursor is None:
                return
            if not under_way:  # the last one says that more has come since
                under_way.append(asyncio.create_task(_asked(page_at, page.next_cursor)))
            page = await under_way[0]
            under_way.popleft()
    finally:
        await _ended(under_way)


async def _by_cursor(page_at: Callable[[str | None], Awaitable[P]], page: P, depth: int) -> AsyncGenerator[P, None]:
    arrived: asyncio.Queue[P | None] = asyncio.Queue()
    room = asyncio.Semaphore(depth)

    async def follow(cursor: str | None) -> None:
        while cursor is not None:
            await room.acquire()
            following = await page_at(cursor)
            arrived.put_nowait(following)
            cursor = following.next_cursor

    follower = asyncio.create_task(follow(page.next_cursor))
    follower.add_done_callback(lambda _: arrived.put_nowait(None))
    try:
        yield page
        while (following := await arrived.get()) is not None:
            room.release()
            yield following
        await follower  # raises what ended it
    finally:
        await _ended([follower])


async def _asked(page_at: Callable[[str | None], Awaitable[P]], cursor: str) -> P:
    return await page_at(cursor)


async def _ended(tasks: Collection[asyncio.Task[T]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
