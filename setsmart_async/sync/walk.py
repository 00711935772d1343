"""Every page of a list, in order and ahead of the writer.

Numbered pages are asked for several at once. Behind a cursor there is only one next page, which is asked for as soon
as the one before has come. Either way pages come out in the list's order, so that one checkpoint says it all.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final, TypeVar

import attrs

from setsmart_async.errors import NotFoundError
from setsmart_async.records.property import Property
from setsmart_async.resources.pages import Listing, Page
from setsmart_async.sync.rows import Row, rows_of

T = TypeVar("T")

LOOK_AHEAD: Final = 64
"""Pages that may be under way or wait for their turn."""


class ListChangedError(Exception):
    """The pages no longer fit together: what was walked can not be gone on with. Its text says how."""


@attrs.frozen(kw_only=True)
class Step:
    """One page of a walk."""

    rows: list[Row]
    checkpoint: str | None
    """The cursor of the page behind this one; None: this is the last."""
    total: int | None
    """How many items all pages hold, when the server says."""
    numbered: bool
    """Whether pages have numbers, so that rows move between them when others come and go."""


async def walk(
    listing: Listing[Property], cursor: str | None, *, page_size: int, in_flight: int
) -> AsyncGenerator[Step, None]:
    """Every page from `cursor` on (None: the first), asking for at most `in_flight` at once.

    Raises `ListChangedError` when pages contradict each other, and the errors of a call; every page before the
    failed one has been given by then.
    """
    page = await listing.page(cursor)
    if cursor is None and await _is_everything(listing, page, page_size):
        page = attrs.evolve(page, next_cursor=None)
    cursor_of = listing.cursors_behind(page)
    pages = _by_number(listing, page, cursor_of, in_flight) if cursor_of else _by_cursor(listing, page, cursor)
    before: list[str] = []
    async with aclosing(pages):
        async for page, checkpoint in pages:
            rows = rows_of(page.items, page.raw)
            ids = [row.id for row in rows]
            if ids and ids == before:
                raise ListChangedError(
                    "a page came twice: the server ignores which page is asked for (another page size may help)"
                )
            before = ids
            yield Step(rows=rows, checkpoint=checkpoint, total=page.total, numbered=page.numbers is not None)


async def _is_everything(listing: Listing[Property], page: Page[Property], page_size: int) -> bool:
    """Whether the first page is the whole list, from a server that knows no pages at all.

    It sent more than was asked for and said nothing of pages, and sends the same again for the second page: so
    neither the size nor the number means anything to it.
    """
    if page.next_cursor is None or len(page.items) <= page_size or page.total is not None or page.numbers is not None:
        return False
    again = await listing.page(page.next_cursor)
    return [record.id for record in again.items] == [record.id for record in page.items]


async def _by_cursor(
    listing: Listing[Property], page: Page[Property], cursor: str | None
) -> AsyncGenerator[tuple[Page[Property], str | None], None]:
    asked = {cursor}
    while True:
        yield page, page.next_cursor
        if page.next_cursor is None:
            return
        if page.next_cursor in asked:
            raise ListChangedError("the server's cursors go round in a circle")
        asked.add(page.next_cursor)
        page = await listing.page(page.next_cursor)


async def _by_number(
    listing: Listing[Property], page: Page[Property], cursor_of: Callable[[int], str], in_flight: int
) -> AsyncGenerator[tuple[Page[Property], str | None], None]:
    assert page.numbers is not None  # noqa: S101 - cursor_of was made from it
    slots = asyncio.Semaphore(in_flight)

    async def fetch(number: int) -> Page[Property]:
        async with slots:
            return await listing.page(cursor_of(number))

    number, last = page.numbers.current, page.numbers.last
    tasks: deque[asyncio.Task[Page[Property]]] = deque()
    try:
        while True:
            while len(tasks) < min(LOOK_AHEAD, last - number):
                tasks.append(asyncio.create_task(fetch(number + len(tasks) + 1)))
            yield page, cursor_of(number + 1) if number < last else None
            if number >= last:
                return
            number += 1
            page = await _numbered(tasks[0], number)
            tasks.popleft()
            last = last if page.numbers is None else page.numbers.last
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _numbered(task: asyncio.Task[Page[Property]], number: int) -> Page[Property]:
    try:
        page = await task
    except NotFoundError:
        raise ListChangedError(f"page {number} is no longer there") from None
    if page.numbers is not None and page.numbers.current != number:
        raise ListChangedError(f"page {page.numbers.current} came where page {number} was asked for")
    if page.numbers is not None and not page.items and number < page.numbers.last:
        raise ListChangedError(f"page {number} of {page.numbers.last} is empty")
    return page


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
