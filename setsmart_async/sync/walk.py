"""Every page of a list, in order and ahead of the writer.

Numbered pages are asked for several at once. Behind a cursor there is only one next page, which is asked for as soon
as the one before has come; behind an offset, with one row of it again (see `offsets`). Either way pages come out in
the list's order, so that one checkpoint says it all.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import datetime
from typing import Final

import attrs

from setsmart_async.errors import NotFoundError
from setsmart_async.resources.pages import Listing, Page
from setsmart_async.sync.offsets import by_offset, offset_in, resumed_at
from setsmart_async.sync.read_ahead import LOOK_AHEAD
from setsmart_async.sync.read_pages import Fetched, ListChangedError, fetch
from setsmart_async.sync.rows import Listed, rows_of
from setsmart_async.sync.steps import Step
from setsmart_async.sync.tables import SyncedResource

_REMEMBERED: Final = 100_000
"""Cursors, to notice when they go round in a circle."""


async def walk(
    resource: SyncedResource,
    listing: Listing[Listed],
    cursor: str | None,
    *,
    page_size: int,
    in_flight: int,
    now: Callable[[], datetime],
) -> AsyncGenerator[Step, None]:
    """Every page from `cursor` on (None: the first), asking for at most `in_flight` at once.

    Raises `ListChangedError` when pages contradict each other, and the errors of a call; every page before the
    failed one has been given by then.
    """
    before: list[str] = []
    async with aclosing(_pages(listing, cursor, page_size, in_flight, now)) as pages:
        async for got in pages:
            rows = rows_of(resource, got.page.items, got.page.raw)
            ids = [row.id for row in rows]
            if ids and ids == before:
                raise ListChangedError(
                    "a page came twice: the server ignores which page is asked for (another page size may help)"
                )
            before = ids
            yield Step(
                rows=rows,
                checkpoint=got.checkpoint,
                asked_at=got.asked_at,
                total=got.page.total,
                shifting=got.page.numbers is not None,
            )
            await asyncio.sleep(0)  # where many pages have come, the loop has its turn after each of them


async def _pages(
    listing: Listing[Listed], cursor: str | None, page_size: int, in_flight: int, now: Callable[[], datetime]
) -> AsyncGenerator[Fetched, None]:
    resumed = resumed_at(cursor)
    if resumed is not None:
        pages = by_offset(listing, resumed, now)
    else:
        first = await fetch(listing, cursor, now)
        if cursor is None and await _is_everything(listing, first.page, page_size):
            first = attrs.evolve(first, page=attrs.evolve(first.page, next_cursor=None))
        cursor_of = listing.cursors_behind(first.page)
        if cursor_of is not None:
            pages = _by_number(listing, first, cursor_of, in_flight, now)
        elif offset_in(first.page.next_cursor) is not None:
            pages = by_offset(listing, first, now)
        else:
            pages = _by_cursor(listing, first, cursor, now)
    async with aclosing(pages):
        async for got in pages:
            yield got


async def _is_everything(listing: Listing[Listed], page: Page[Listed], page_size: int) -> bool:
    """Whether the first page is the whole list, from a server that knows no pages at all.

    It sent more than was asked for and said nothing of pages, and sends the same again for the second page: so
    neither the size nor the number means anything to it.
    """
    if page.next_cursor is None or len(page.items) <= page_size or page.total is not None or page.numbers is not None:
        return False
    again = await listing.page(page.next_cursor)
    return [record.id for record in again.items] == [record.id for record in page.items]


async def _by_cursor(
    listing: Listing[Listed], got: Fetched, cursor: str | None, now: Callable[[], datetime]
) -> AsyncGenerator[Fetched, None]:
    asked = {cursor}
    while True:
        following = got.page.next_cursor
        yield attrs.evolve(got, checkpoint=following)
        if following is None:
            return
        if following in asked:
            raise ListChangedError("the server's cursors go round in a circle")
        asked.add(following)
        if len(asked) > _REMEMBERED:
            asked.pop()
        got = await fetch(listing, following, now)


async def _by_number(
    listing: Listing[Listed],
    got: Fetched,
    cursor_of: Callable[[int], str],
    in_flight: int,
    now: Callable[[], datetime],
) -> AsyncGenerator[Fetched, None]:
    assert got.page.numbers is not None  # noqa: S101 - cursor_of was made from it
    slots = asyncio.Semaphore(in_flight)

    async def numbered(number: int) -> Fetched:
        async with slots:
            return await fetch(listing, cursor_of(number), now)

    number, last = got.page.numbers.current, got.page.numbers.last
    tasks: deque[asyncio.Task[Fetched]] = deque()
    try:
        while True:
            while len(tasks) < min(LOOK_AHEAD, last - number):
                tasks.append(asyncio.create_task(numbered(number + len(tasks) + 1)))
            yield attrs.evolve(got, checkpoint=cursor_of(number + 1) if number < last else None)
            if number >= last:
                return
            number += 1
            got = await _numbered(tasks[0], number)
            tasks.popleft()
            last = last if got.page.numbers is None else got.page.numbers.last
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _numbered(task: asyncio.Task[Fetched], number: int) -> Fetched:
    try:
        got = await task
    except NotFoundError:
        raise ListChangedError(f"page {number} is no longer there") from None
    numbers = got.page.numbers
    if numbers is not None and numbers.current != number:
        raise ListChangedError(f"page {numbers.current} came where page {number} was asked for")
    if numbers is not None and not got.page.items and number < numbers.last:
        raise ListChangedError(f"page {number} of {numbers.last} is empty")
    return got
