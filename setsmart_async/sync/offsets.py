"""Pages by offset, each with the last row of the one before: what comes and goes meanwhile can hide nothing.

Where a row is deleted before the offset, all behind it move up by one, and a walk that goes on at the next offset
skips a row without a sign. So each page is asked for one row early, and has to begin with a row that the walk has
seen: then every row before it has been passed, and nothing lies between. Where it does not, the walk goes back a page
at a time until it meets a row that it knows. That holds for rows that keep their order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Callable
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl, urlencode

import attrs

from setsmart_async.resources.pages import Listing
from setsmart_async.sync.read_pages import Fetched, ListChangedError, fetch
from setsmart_async.sync.rows import Listed

_OFFSETS: Final = ("offset", "skip")
_BEHIND: Final = "setsmart-behind"
"""In a checkpoint: the id of the row that the page before ended with."""
_PAGES_KNOWN: Final = 20
_STEPS_BACK: Final = 1_000


@attrs.frozen(kw_only=True)
class Resumed:
    """Where an interrupted walk goes on."""

    cursor: str
    behind: str


def offset_in(cursor: str | None) -> tuple[str, int] | None:
    """The name and number of the offset that a cursor is; None: it is another kind of cursor."""
    query = dict(parse_qsl(cursor or "", keep_blank_values=True))
    name = next((name for name in _OFFSETS if query.get(name, "").isdecimal()), None)
    return None if name is None else (name, int(query[name]))


def resumed_at(checkpoint: str | None) -> Resumed | None:
    """The walk that a checkpoint of `by_offset` leads on with; None: it is another walk's."""
    query = parse_qsl(checkpoint or "", keep_blank_values=True)
    behind = dict(query).get(_BEHIND)
    if behind is None:
        return None
    return Resumed(cursor=urlencode([pair for pair in query if pair[0] != _BEHIND]), behind=behind)


async def by_offset(
    listing: Listing[Listed], start: Fetched | Resumed, now: Callable[[], datetime]
) -> AsyncGenerator[Fetched, None]:
    """The pages from `start` on, without the rows that two of them share.

    Raises `ListChangedError` when no page begins with a row that the walk has seen.
    """
    known: deque[frozenset[str]] = deque(maxlen=_PAGES_KNOWN)
    if isinstance(start, Resumed):
        known.append(frozenset({start.behind}))
        got = await _continued(listing, start.cursor, known, 0, now)
    else:
        got = start
    before: str | None = None
    while True:
        page = got.page
        ids = [record.id for record in page.items]
        fresh = [place for place, id_ in enumerate(ids) if not any(id_ in some for some in known)]
        items, raw = [page.items[place] for place in fresh], [page.raw[place] for place in fresh]
        known.append(frozenset(ids))
        last = ids[-1] if ids else ""
        following = page.next_cursor if ids else None
        if following is not None and following == before and not fresh:
            hint = (
                " (pages of one record have no room for that of the page before: --page-size 2)"
                if ids[1:] == []
                else ""
            )
            raise ListChangedError(f"a page came twice: the server ignores which page is asked for{hint}")
        before = following
        checkpoint = None if following is None else f"{following}&{urlencode({_BEHIND: last})}"
        yield attrs.evolve(got, page=attrs.evolve(page, items=items, raw=raw), checkpoint=checkpoint)
        if following is None:
            return
        got = await _continued(listing, following, known, len(ids), now)


async def _continued(
    listing: Listing[Listed], cursor: str, known: deque[frozenset[str]], size: int, now: Callable[[], datetime]
) -> Fetched:
    """The page at the cursor's offset, or as far before it as the rows have moved up."""
    found = offset_in(cursor)
    if found is None:
        raise ListChangedError("the server's way on is an offset on one page, and none on another")
    name, offset = found
    others = [pair for pair in parse_qsl(cursor, keep_blank_values=True) if pair[0] != name]
    for _ in range(_STEPS_BACK):
        offset = max(0, offset - 1)
        got = await fetch(listing, urlencode([*others, (name, str(offset))]), now)
        ids = [record.id for record in got.page.items]
        if offset == 0 or (ids and any(ids[0] in some for some in known)):
            return got
        offset -= max(1, size, len(ids)) - 1
    raise ListChangedError("the rows that were read last are no longer there")
