"""A body's items, and where the next page is.

SetSmart documents that ``GET /properties`` lists all, and no paging: what the field's APIs do is read, in a fixed
order, and what fits nothing is an error, never an empty page. All of it is provisional.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import attrs

from setsmart_async.errors import InvalidResponseError
from setsmart_async.wire import Headers, Json, JsonObject, Query

_ITEM_KEYS: Final = ("data", "items", "results", "result")
_CURSOR_KEYS: Final = ("next_cursor", "nextCursor", "next_page_token", "_nextCursor")
_META_KEYS: Final = ("pagination", "meta", "_paging", "paging")
_MORE_KEYS: Final = ("has_more", "hasMore", "nextPageExists")
_NEXT_URL_KEYS: Final = ("next", "nextPageUrl", "next_page_url", "nextPageLink")
_PAGE_KEYS: Final = ("current_page", "currentPage", "page", "page_number")
_LAST_PAGE_KEYS: Final = ("last_page", "lastPage", "total_pages", "totalPages", "page_count")
_SIZE_KEYS: Final = ("per_page", "perPage", "page_size", "pageSize", "limit")
_TOTAL_KEYS: Final = ("total", "total_count", "totalCount", "total_items", "totalItems")
_OFFSET_KEYS: Final = ("offset", "skip")
_LINK_NEXT: Final = re.compile(r"<([^<>]*)>\s*;[^,]*?\brel=\"?next\"?", re.IGNORECASE)


@attrs.frozen(kw_only=True)
class PageNames:
    """The names that a server uses; see `Dialect`."""

    plural: str = "items"
    """The resource's name, which may be the list's key."""
    items_key: str | None = None
    cursor: str = "cursor"
    page: str = "page"
    size: str = "limit"


@attrs.frozen(kw_only=True)
class PageNumbers:
    """Where a page stands among numbered pages: any of them can be asked for by its number."""

    current: int
    last: int


@attrs.frozen(kw_only=True)
class RawPage:
    """One page as JSON."""

    items: list[Json]
    path: str
    """Where the items stand in the body: ``$`` or ``$.data``."""
    following: Query | None
    """Query parameters of the next page, to be laid over the first page's; None: this is the last."""
    total: int | None = None
    """How many items there are on all pages, when the server says."""
    numbers: PageNumbers | None = None
    """Set when pages are numbered."""


def read_page(body: Json, headers: Headers, query: Query, names: PageNames) -> RawPage:
    """Read one page; `query` is what it was asked for with.

    Raises `InvalidResponseError` when there is no list, or more than one that could be meant.
    """
    items, path = _items(body, names)
    objects = _metadata(body)
    total = _first_int(objects, _TOTAL_KEYS)
    if total is None and (counted := headers.get("x-total-count", "")).isdigit():
        total = int(counted)
    numbers = _numbers(objects, query, names, total)
    return RawPage(
        items=items,
        path=path,
        following=_following(_Seen(objects, headers, query, len(items), total, numbers), names),
        total=total,
        numbers=numbers,
    )


def _items(body: Json, names: PageNames) -> tuple[list[Json], str]:
    if isinstance(body, list):
        return body, "$"
    if not isinstance(body, dict):
        raise InvalidResponseError("$", "expected a list of records")
    keys = (names.items_key,) if names.items_key else (*_ITEM_KEYS, names.plural)
    for key in keys:
        value = body.get(key)
        if isinstance(value, list):
            return value, f"$.{key}"
        if isinstance(value, dict) and isinstance(inner := value.get("items"), list):
            return inner, f"$.{key}.items"
    lists = [key for key, value in body.items() if isinstance(value, list)]
    if len(lists) == 1 and not names.items_key:
        found = body[lists[0]]
        if isinstance(found, list):
            return found, f"$.{lists[0]}"
    reason = "holds no list of records" if not lists else "holds several lists: name the right one with items_key"
    raise InvalidResponseError("$", reason)


def _metadata(body: Json) -> list[JsonObject]:
    """The body and the objects in it that describe the page."""
    if not isinstance(body, dict):
        return []
    found = [body]
    for key in ("data", *_META_KEYS):
        value = body.get(key)
        if isinstance(value, dict):
            found.append(value)
    return found


@attrs.frozen
class _Seen:
    """What one page shows of where it stands."""

    objects: list[JsonObject]
    headers: Headers
    query: Query
    count: int
    total: int | None
    numbers: PageNumbers | None


def _following(seen: _Seen, names: PageNames) -> Query | None:
    objects, query, count, numbers = seen.objects, seen.query, seen.count, seen.numbers
    if (cursor := _cursor(objects)) is not None:
        return {names.cursor: cursor}
    if _says_the_end(objects):
        return None
    if (address := _next_address(objects, seen.headers)) is not None:
        return dict(parse_qsl(urlsplit(address).query, keep_blank_values=True)) or None
    if numbers is not None:
        return {names.page: str(numbers.current + 1)} if numbers.current < numbers.last else None
    if (offset := _next_offset(objects, query, count, seen.total)) is not None:
        return offset
    page = int(query[names.page]) if query.get(names.page, "").isdigit() else 1
    if count and any(holder.get(key) is True for holder in objects for key in _MORE_KEYS):
        return {names.page: str(page + 1)}
    asked = query.get(names.size, "")
    if asked.isdigit() and count >= int(asked) > 0 and not _describes_itself(objects, seen.total, seen.headers):
        return {names.page: str(page + 1)}
    return None


def _cursor(objects: list[JsonObject]) -> str | None:
    for holder in objects:
        for key in _CURSOR_KEYS:
            if (token := _token(holder.get(key))) is not None:
                return token
        for key in ("cursor", "cursors"):
            nested = holder.get(key)
            if isinstance(nested, dict) and (token := _token(nested.get("next"))) is not None:
                return token
    return None


def _token(value: Json) -> str | None:
    if isinstance(value, str) and value:
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _says_the_end(objects: list[JsonObject]) -> bool:
    for holder in objects:
        if any(holder.get(key) is False for key in _MORE_KEYS):
            return True
        for key in (*_CURSOR_KEYS, *_NEXT_URL_KEYS):
            if key in holder and holder[key] in (None, ""):
                return True
        for key in ("links", "pages", "cursor", "cursors"):
            nested = holder.get(key)
            if isinstance(nested, dict) and any(name in nested and not nested[name] for name in _NEXT_URL_KEYS):
                return True
    return False


def _next_address(objects: list[JsonObject], headers: Headers) -> str | None:
    """A link to the next page. Only its query is used: real APIs return ``http://`` and internal hosts here."""
    for holder in objects:
        nested = [value for key in ("links", "pages") if isinstance(value := holder.get(key), dict)]
        for place in (*nested, holder):
            for key in _NEXT_URL_KEYS:
                value = place.get(key)
                if isinstance(value, dict):
                    value = value.get("href")
                if isinstance(value, str) and "?" in value:
                    return value
    link = _LINK_NEXT.search(", ".join(headers.get_all("link")))
    return link[1] if link else None


def _numbers(objects: list[JsonObject], query: Query, names: PageNames, total: int | None) -> PageNumbers | None:
    current = _first_int(objects, _PAGE_KEYS)
    last = _first_int(objects, _LAST_PAGE_KEYS)
    size = _first_int(objects, _SIZE_KEYS)
    if current is None and query.get(names.page, "").isdigit() and (last is not None or total is not None):
        current = int(query[names.page])
    if current is None and last is not None:
        current = 1
    if current is None:
        return None
    if last is None and size and total is not None:
        last = math.ceil(total / size)
    return None if last is None else PageNumbers(current=current, last=last)


def _next_offset(objects: list[JsonObject], query: Query, count: int, total: int | None) -> Query | None:
    for key in _OFFSET_KEYS:
        offset = _first_int(objects, (key,))
        if offset is None and query.get(key, "").isdigit():
            offset = int(query[key])
        if offset is not None and total is not None and count and offset + count < total:
            return {key: str(offset + count)}
    return None


def _describes_itself(objects: list[JsonObject], total: int | None, headers: Headers) -> bool:
    """Whether the server said anything about pages, so that silence about a next one means the end."""
    keys = (*_CURSOR_KEYS, *_MORE_KEYS, *_NEXT_URL_KEYS, *_PAGE_KEYS, *_LAST_PAGE_KEYS)
    return total is not None or "link" in headers or any(key in holder for holder in objects for key in keys)


def _first_int(objects: list[JsonObject], keys: tuple[str, ...]) -> int | None:
    for holder in objects:
        for key in keys:
            value = holder.get(key)
            if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
                return value
            if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
                return int(value)
    return None


def overlay(query: Query, following: Query) -> Mapping[str, str]:
    """The query of the next page: the first one's filters under the new page's parameters."""
    return {**query, **following}
