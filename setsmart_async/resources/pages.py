"""Walking a list page by page."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from copy import copy
from typing import Final, Generic, TypeVar
from urllib.parse import parse_qsl, urlencode

import attrs

from setsmart_async.errors import InvalidResponseError
from setsmart_async.policy.paging import PageNumbers, RawPage, overlay
from setsmart_async.resources.ahead import pages_ahead
from setsmart_async.wire import Json, Query, query_text

R = TypeVar("R")

_REMEMBERED: Final = 10_000
"""Records at least that a walk knows again; at most twice as many, and a page."""


@attrs.frozen(kw_only=True)
class Page(Generic[R]):
    """One page of a list."""

    items: list[R]
    next_cursor: str | None
    """Pass it to ``list(cursor=...)`` to go on behind this page, in another process too; None: the last page."""
    total: int | None = None
    """How many items all pages hold, when the server says."""
    numbers: PageNumbers | None = None
    """This page's number and the last one's, when pages are numbered."""
    raw: Sequence[Json] = attrs.field(default=(), repr=False)
    """The items as they came; read when first looked at."""


class Listing(Generic[R]):
    """A list on the server. Nothing is asked for until it is walked; each walk starts anew.

    ``async for record in listing`` gives every record of every page once: records that the server repeats because
    others were inserted meanwhile are left out.
    """

    def __init__(
        self,
        fetch: Callable[[Query], Awaitable[tuple[RawPage, list[R]]]],
        query: Query,
        *,
        page_parameter: str,
        cursor: str | None = None,
    ) -> None:
        self._fetch = fetch
        self._query = query
        self._page_parameter = page_parameter
        self._cursor = cursor
        self._depth = 0
        self._onward: tuple[str | None, Query | None] = None, None  # the last page's way on, which is asked for next

    async def page(self, cursor: str | None = None) -> Page[R]:
        """One page: the first, or the one that a `Page.next_cursor` or `cursor_at` leads to."""
        raw, items = await self._fetch(overlay(self._query, self._following(cursor)))
        next_cursor = query_text(raw.following) if raw.following else None
        self._onward = next_cursor, raw.following
        return Page(
            items=items,
            next_cursor=next_cursor,
            total=raw.total,
            numbers=raw.numbers,
            raw=raw.items,
        )

    def _following(self, cursor: str | None) -> Query:
        known, following = self._onward
        if following and cursor == known:
            return following
        try:
            return dict(parse_qsl(cursor, keep_blank_values=True, strict_parsing=True)) if cursor else {}
        except ValueError:
            raise ValueError("cursor must be a Page.next_cursor of the same list.") from None

    def cursor_at(self, number: int) -> str:
        """The cursor of a page by its number, for lists whose pages have `Page.numbers`."""
        return urlencode({self._page_parameter: number})

    def cursors_behind(self, page: Page[R]) -> Callable[[int], str] | None:
        """How to ask for the pages behind this one by their numbers, or None when the server's way on is another.

        Whatever else the way on holds (a size, a snapshot's name) is kept.
        """
        if page.numbers is None or page.next_cursor is None:
            return None
        onward = dict(parse_qsl(page.next_cursor, keep_blank_values=True))
        if onward.get(self._page_parameter) != str(page.numbers.current + 1):
            return None
        return lambda number: urlencode({**onward, self._page_parameter: number})

    def prefetch(self, depth: int) -> Listing[R]:
        """The same list, with up to `depth` pages asked for before they are needed.

        Where the server numbers its pages they are asked for at once, otherwise one as soon as the one before has
        come. Leaving the walk early cancels them; `contextlib.aclosing` around `pages` does that at once. Raises
        `ValueError` for a depth below 1.
        """
        if depth < 1:
            raise ValueError("depth must be 1 or more.")
        other = copy(self)
        other.__dict__.update(_depth=depth)
        return other

    async def pages(self) -> AsyncGenerator[Page[R], None]:
        """Every page, in order.

        Raises `InvalidResponseError` when the server sends the same page twice in a row, or leads back to where it
        was.
        """
        before: list[object] = []
        asked: dict[str | None, None] = {self._cursor: None}
        async with aclosing(self._walk()) as walk:
            async for page in walk:
                if page.next_cursor is not None and page.next_cursor in asked:
                    raise InvalidResponseError("$", "leads back to an earlier page: the server goes round in a circle")
                identities = [getattr(record, "id", record) for record in page.items]
                if identities and identities == before:
                    raise InvalidResponseError(
                        "$", "this page is the last one again: the server ignores the page asked for"
                    )
                yield page
                asked[page.next_cursor], before = None, identities
                if len(asked) > _REMEMBERED:
                    del asked[next(iter(asked))]

    async def _walk(self) -> AsyncGenerator[Page[R], None]:
        if self._depth:
            async with aclosing(pages_ahead(self.page, self.cursors_behind, self._cursor, self._depth)) as ahead:
                async for page in ahead:
                    yield page
            return
        cursor = self._cursor
        while True:
            page = await self.page(cursor)
            yield page
            cursor = page.next_cursor
            if cursor is None:
                return

    async def __aiter__(self) -> AsyncGenerator[R, None]:
        seen, seen_before = set[object](), set[object]()
        async with aclosing(self.pages()) as pages:
            async for page in pages:
                for record in page.items:
                    identity: object = getattr(record, "id", record)
                    if identity in seen or identity in seen_before:
                        continue
                    seen.add(identity)
                    yield record
                if len(seen) >= _REMEMBERED:  # forgotten by the thousand: the oldest of a dict takes 2 µs to find
                    seen, seen_before = set[object](), seen

    async def all(self, *, max_items: int | None = None) -> list[R]:
        """Every record in one list, or the first `max_items`."""
        records: list[R] = []
        if max_items is not None and max_items <= 0:
            return records
        async with aclosing(self.__aiter__()) as walk:
            async for record in walk:
                records.append(record)
                if len(records) == max_items:
                    break
        return records

    async def first(self) -> R | None:
        """The first record, or None when there is none. Asks for one page."""
        async with aclosing(self.__aiter__()) as walk:
            async for record in walk:
                return record
        return None
