"""Every page of a list, in order and ahead of the writer.

Numbered pages are asked for several at once. Behind a cursor there is only one next page, which is asked for as soon
as the one before has come; behind an offset, with one row of it again (see `offsets`). Either way pages come out in
the list's order, so that one checkpoint says it all.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl

import attrs

from setsmart_async.errors import BadRequestError, NotFoundError, UnprocessableError
from setsmart_async.resources.pages import Listing, Page
from setsmart_async.sync.offsets import by_offset, offset_in, resumed_at
from setsmart_async.sync.read_ahead import LOOK_AHEAD
from setsmart_async.sync.read_pages import Fetched, ListChangedError, fetch
from setsmart_async.sync.rows import Listed, rows_of
from setsmart_async.sync.steps import Step
from setsmart_async.sync.tables import SyncedResource

_ROUND: Final = 5
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
    by_number = _names_a_page(listing, cursor)
    async with aclosing(_pages(listing, cursor, page_size, in_flight, now)) as pages:
        async for got in pages:
            rows = rows_of(resource, got.page.items, got.page.raw)
            ids = [row.id for row in rows]
            if ids and ids == before:
                raise ListChangedError(
                    "a page came twice: the server ignores which page is asked for (another page size may help)"
                )
            before = ids
            # A page that is asked for by its number shifts also where the server's answers name none.
            by_number = by_number or got.page.numbers is not None or _names_a_page(listing, got.checkpoint)
            yield Step(
                rows=rows,
                checkpoint=got.checkpoint,
                asked_at=got.asked_at,
                total=got.page.total,
                shifting=by_number,
            )
            await asyncio.sleep(0)  # where many pages have come, the loop has its turn after each of them


def _names_a_page(listing: Listing[Listed], cursor: str | None) -> bool:
    [(name, _)] = parse_qsl(listing.cursor_at(1))
    return name in dict(parse_qsl(cursor or "", keep_blank_values=True))


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
        if cursor is None:
            await _check_that_it_is_no_cap(listing, first.page, page_size)
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


async def _check_that_it_is_no_cap(listing: Listing[Listed], page: Page[Listed], page_size: int) -> None:
    """A short first page from a server that says nothing of pages is the end, or as much as it ever gives.

    Caps are round numbers: for those alone the second page is asked for. Raises `ListChangedError` when there is one.
    """
    count = len(page.items)
    is_silent = page.next_cursor is None and page.total is None and page.numbers is None
    if not is_silent or not 0 < count < page_size or count % _ROUND:
        return
    with suppress(BadRequestError, NotFoundError, UnprocessableError):
        second = await listing.page(listing.cursor_at(2))
        if second.items and [record.id for record in second.items] != [record.id for record in page.items]:
            raise ListChangedError(
                f"the server gives {count} at a time where {page_size} were asked for (--page-size {count} may help)"
            )


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
        if not got.page.items and got.page.next_cursor is None and (await fetch(listing, following, now)).page.items:
            raise ListChangedError("a page was empty, and is not when it is asked for again")


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
            last = _last_page(got.page, last)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _last_page(page: Page[Listed], before: int) -> int:
    if page.numbers is None:
        return before
    if page.total is None and page.numbers.last < before:
        raise ListChangedError(f"there were {before} pages first, and {page.numbers.last} later")
    return page.numbers.last


async def _numbered(task: asyncio.Task[Fetched], number: int) -> Fetched:
    try:
        got = await task
    except NotFoundError:
        raise ListChangedError(f"page {number} is no longer there") from None
    numbers = got.page.numbers
    if numbers is None and not got.page.items:
        raise ListChangedError(f"page {number} is empty, and says nothing of pages")
    if numbers is not None and numbers.current != number:
        raise ListChangedError(f"page {numbers.current} came where page {number} was asked for")
    if numbers is not None and not got.page.items and number < numbers.last:
        raise ListChangedError(f"page {number} of {numbers.last} is empty")
    return got
