"""A body's items, and where the next page is.

SetSmart documents that ``GET /properties`` lists all, and no paging: what the field's APIs do is read, in a fixed
order, and what fits nothing is an error, never an empty page. All of it is provisional.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl

import attrs
import msgspec

from setsmart_async.errors import InvalidResponseError
from setsmart_async.wire import Headers, Json, JsonObject, Query

_ITEM_KEYS: Final = ("data", "items", "results", "result")
_NO_ITEM_KEYS: Final = frozenset({"errors", "warnings", "messages", "links"})
_CURSOR_KEYS: Final = ("next_cursor", "nextCursor", "next_page_token", "_nextCursor")
_META_KEYS: Final = ("pagination", "meta", "_paging", "paging")
_MORE_KEYS: Final = ("has_more", "hasMore", "nextPageExists")
_NEXT_URL_KEYS: Final = ("next", "nextPageUrl", "next_page_url", "nextPageLink")
_PAGE_KEYS: Final = ("current_page", "currentPage", "page", "page_number")
_LAST_PAGE_KEYS: Final = ("last_page", "lastPage", "total_pages", "totalPages", "page_count")
_SIZE_KEYS: Final = ("per_page", "perPage", "page_size", "pageSize", "limit")
_TOTAL_KEYS: Final = ("total", "total_count", "totalCount", "total_items", "totalItems")
_OFFSET_KEYS: Final = ("offset", "skip")
_LINK_NEXT: Final = re.compile(r"<([^<>]*)>\s*;[^,]*?\brel=\"?next(?=[\s\",;]|$)", re.IGNORECASE)
_DIGITS: Final = re.compile(r"[0-9]{1,15}")


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


class RawPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page as JSON."""

    items: Sequence[Json]
    path: str
    """Where the items stand in the body: ``$`` or ``$.data``."""
    following: Query | None
    """Query parameters of the next page, to be laid over the first page's; None: this is the last."""
    total: int | None = None
    """How many items there are on all pages, when the server says."""
    numbers: PageNumbers | None = None
    """Set when pages are numbered."""


def read_page(
    body: Json,
    headers: Headers,
    query: Query,
    names: PageNames,
    *,
    taken: tuple[Sequence[Json], str] | None = None,
) -> RawPage:
    """Read one page; `query` is what it was asked for with.

    `taken` are the items and their path, when they are not in the body any more.
    Raises `InvalidResponseError` when there is no list, or more than one that could be meant.
    """
    if isinstance(body, dict) and body.get("success") is False:
        raise InvalidResponseError("$", "reports a failure under a status of success")
    found, path = taken or _items(body, names)
    objects = _metadata(body)
    total = _first_int(objects, _TOTAL_KEYS)
    if total is None:
        total = _whole(headers.get("x-total-count"))
    size = _size(objects, query, names, len(found), total)
    numbers = _numbers(objects, query, names, total, size)
    return RawPage(
        items=found,
        path=path,
        following=_following(_Seen(objects, headers, query, len(found), total, size, numbers), names),
        total=total,
        numbers=numbers,
    )


def _items(body: Json, names: PageNames) -> tuple[list[Json], str]:
    if isinstance(body, list):
        return body, "$"
    if not isinstance(body, dict):
        raise InvalidResponseError("$", "expected a list of records")
    for key in item_keys(names):
        value = body.get(key)
        if isinstance(value, list):
            return value, f"$.{key}"
        if isinstance(value, dict) and isinstance(inner := value.get("items"), list):
            return inner, f"$.{key}.items"
    if names.items_key:
        raise InvalidResponseError("$", "holds no list under the dialect's items_key")
    lists = [(value, f"$.{key}") for key, value in body.items() if isinstance(value, list) and key not in _NO_ITEM_KEYS]
    if len(lists) == 1:
        return lists[0]
    reason = "holds no list of records" if not lists else "holds several lists: name the right one with items_key"
    raise InvalidResponseError("$", reason)


def item_keys(names: PageNames) -> tuple[str, ...]:
    """Where the items can stand in a body; the first that fits counts."""
    return (names.items_key,) if names.items_key else (*_ITEM_KEYS, names.plural)


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


class _Seen(msgspec.Struct, frozen=True):
    """What one page shows of where it stands."""

    objects: list[JsonObject]
    headers: Headers
    query: Query
    count: int
    total: int | None
    size: int | None
    numbers: PageNumbers | None


def _following(seen: _Seen, names: PageNames) -> Query | None:
    objects, query, numbers = seen.objects, seen.query, seen.numbers
    if (cursor := _cursor(objects)) is not None:
        return {names.cursor: cursor}
    if _says_the_end(objects):
        return None
    address = _next_address(objects, seen.headers)
    if address and (onward := parse_qsl(address.partition("#")[0].partition("?")[2], keep_blank_values=True)):
        return dict(onward)
    if numbers is not None:
        return _page_after(numbers.current, seen, names) if numbers.current < numbers.last else None
    says_more = any(holder.get(key) is True for holder in objects for key in _MORE_KEYS)
    if (offset := _next_offset(objects, query, seen.count, seen.total, says_more=says_more)) is not None:
        return offset
    if says_more and seen.count and names.cursor not in query:
        return _page_after(_page(seen, names), seen, names)
    if says_more or address:
        raise InvalidResponseError("$", "says that more follows, and not how to ask for it")
    return _page_after(_page(seen, names), seen, names) if _is_full(seen, names) else None


def _page(seen: _Seen, names: PageNames) -> int:
    """The number of this page: the server's, else the one that was asked for, else 1."""
    said, asked = _first_int(seen.objects, _PAGE_KEYS), _whole(seen.query.get(names.page))
    return said if said is not None else 1 if asked is None else asked


def _page_after(page: int, seen: _Seen, names: PageNames) -> Query:
    following = {names.page: str(page + 1)}
    if seen.total is not None and seen.size is not None and names.size in seen.query:
        following[names.size] = str(seen.size)  # the same on every page, whatever the server cut the first one to
    return following


def _is_full(seen: _Seen, names: PageNames) -> bool:
    """Whether a page that names no next one looks as if there were one."""
    other_ways = {names.cursor, *_OFFSET_KEYS} & seen.query.keys()
    if not seen.count or not seen.size or other_ways or "link" in seen.headers:
        return False
    if _first_int(seen.objects, _OFFSET_KEYS) is not None:
        return False
    if seen.total is not None:
        return _page(seen, names) * seen.size < seen.total
    return names.size in seen.query and seen.count >= seen.size and not _describes_itself(seen.objects)


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
                if isinstance(value, str) and value:
                    return value
    link = _LINK_NEXT.search(", ".join(headers.get_all("link")))
    return link[1] if link else None


def _size(objects: list[JsonObject], query: Query, names: PageNames, count: int, total: int | None) -> int | None:
    """How many items a page holds. A server may cap the number that was asked for: the first page shows it."""
    said, asked = _first_int(objects, _SIZE_KEYS), _whole(query.get(names.size))
    size = said or asked
    page = _first_int(objects, _PAGE_KEYS) or _whole(query.get(names.page)) or 1
    if size and asked and total is not None and page == 1 and 0 < count < min(size, total):
        return count
    return size


def _numbers(
    objects: list[JsonObject], query: Query, names: PageNames, total: int | None, size: int | None
) -> PageNumbers | None:
    current, last = _first_int(objects, _PAGE_KEYS), _first_int(objects, _LAST_PAGE_KEYS)
    if current is None and last is not None:
        current = _whole(query.get(names.page))
        current = 1 if current is None else current
    if last is None and size and total is not None:
        last = -(-total // size)
    return None if current is None or last is None else PageNumbers(current=current, last=last)


def _next_offset(
    objects: list[JsonObject], query: Query, count: int, total: int | None, *, says_more: bool
) -> Query | None:
    for key in _OFFSET_KEYS:
        offset = _first_int(objects, (key,))
        if offset is None:
            offset = _whole(query.get(key))
        if offset is not None and count and (says_more if total is None else offset + count < total):
            return {key: str(offset + count)}
    return None


def _describes_itself(objects: list[JsonObject]) -> bool:
    """Whether the server said anything about pages, so that silence about a next one means the end."""
    keys = (*_CURSOR_KEYS, *_MORE_KEYS, *_NEXT_URL_KEYS, *_PAGE_KEYS, *_LAST_PAGE_KEYS)
    return any(key in holder for holder in objects for key in keys)


def _first_int(objects: list[JsonObject], keys: tuple[str, ...]) -> int | None:
    for holder in objects:
        for key in keys:
            if key in holder and (number := _whole(holder[key])) is not None:
                return number
    return None


def _whole(value: Json) -> int | None:
    if isinstance(value, str):
        return int(value) if _DIGITS.fullmatch(value) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**15 else None


def overlay(query: Query, following: Query) -> Mapping[str, str]:
    """The query of the next page: the first one's filters under the new page's parameters."""
    return {**query, **following}
