"""Pages of the list endpoint, in the styles that the field's APIs have.

SetSmart documents that ``GET /properties`` lists all, and no paging: filters and styles are provisional.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal
from urllib.parse import parse_qsl, urlencode

import attrs

from setsmart_async.sandbox.answers import FieldProblem, HeaderFields, invalid
from setsmart_async.sandbox.store import PropertyStore, Selection
from setsmart_async.sandbox.validation import status_problem
from setsmart_async.wire import Json

PagingStyle = Literal["cursor", "page", "link", "array"]
"""``cursor``: ``{"data", "next_cursor", "has_more", "total"}``; ``page``: ``{"data", "page", "page_size", "total",
"total_pages"}``; ``link``: a bare array, ``Link: <…>; rel="next"`` and ``X-Total-Count``; ``array``: one bare array of
everything, or of one page where ``limit`` is asked for."""

LARGEST_PAGE: Final = 200
"""The largest ``limit``, in records."""

_DIGITS: Final = re.compile(r"[0-9]{1,9}")
_TOKEN: Final = re.compile(rb"after:([0-9]{1,15})")
_BEFORE_ALL: Final = -1


@attrs.frozen(kw_only=True)
class ListQuery:
    """What a list was asked for with."""

    parameters: Mapping[str, str]
    """As sent."""
    status: str | None
    updated_since: datetime | None
    """Records changed at this moment or later."""
    limit: int | None
    """Records per page; None: the server's choice."""
    after: int
    """The cursor: the position of the last record that was seen."""
    page: int
    """1 for the first."""


@attrs.frozen
class ListAnswer:
    """One page as it goes out."""

    body: Json
    headers: HeaderFields = ()


def read_list_query(text: str) -> ListQuery:
    """Read a query string; unknown parameters are ignored.

    Raises `RefusedError` (400), which names every parameter that is wrong.
    """
    parameters = dict(parse_qsl(text, keep_blank_values=True))
    problems: list[FieldProblem] = []
    status = parameters.get("status")
    if status is not None and (problem := status_problem("status", status)):
        problems.append(problem)
    updated_since = _moment(parameters.get("updated_since"), problems)
    limit = _whole("limit", parameters.get("limit"), LARGEST_PAGE, problems)
    page = _whole("page", parameters.get("page"), None, problems)
    after = _position(parameters.get("cursor"), problems)
    if problems:
        raise invalid(problems)
    return ListQuery(
        parameters=parameters, status=status, updated_since=updated_since, limit=limit, after=after, page=page or 1
    )


def list_answer(query: ListQuery, store: PropertyStore, style: PagingStyle, page_size: int, url: str) -> ListAnswer:
    """The page that was asked for. `page_size` holds where no ``limit`` is asked; `url` is the list's own."""
    selection = store.select(status=query.status, updated_since=query.updated_since)
    total = len(selection.positions)
    size = query.limit or page_size
    if style == "array" and query.limit is None:
        return ListAnswer([*selection.records])
    if style in ("page", "array"):
        start = (query.page - 1) * size
        records: list[Json] = list(selection.records[start : start + size])
        if style == "array":
            return ListAnswer(records)
        numbers = {"page": query.page, "page_size": size, "total": total, "total_pages": -(-total // size)}
        return ListAnswer({"data": records, **numbers})
    page = selection.after(query.after, size)
    records = list(page.records)
    cursor = _token(page.positions[-1]) if _has_more(page, selection) else None
    if style == "cursor":
        return ListAnswer({"data": records, "next_cursor": cursor, "has_more": cursor is not None, "total": total})
    headers = [("X-Total-Count", str(total))]
    if cursor is not None:
        headers.append(("Link", f'<{url}?{urlencode({**query.parameters, "cursor": cursor})}>; rel="next"'))
    return ListAnswer(records, headers)


def _has_more(page: Selection, selection: Selection) -> bool:
    return bool(page.positions) and page.positions[-1] != selection.positions[-1]


def _token(position: int) -> str:
    return urlsafe_b64encode(b"after:%d" % position).decode().rstrip("=")


def _position(token: str | None, problems: list[FieldProblem]) -> int:
    if token is None:
        return _BEFORE_ALL
    try:
        match = _TOKEN.fullmatch(urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except ValueError:
        match = None
    # Base 64 leaves room for several spellings of one text; a cursor is opaque, and only the one given out is good.
    if match is None or _token(int(match[1])) != token:
        problems.append(FieldProblem("cursor", "must be the next_cursor of an earlier page", "invalid_value"))
        return _BEFORE_ALL
    return int(match[1])


def _whole(name: str, text: str | None, most: int | None, problems: list[FieldProblem]) -> int | None:
    if text is None:
        return None
    number = int(text) if _DIGITS.fullmatch(text) else 0
    if number < 1 or (most is not None and number > most):
        span = "1 or more" if most is None else f"from 1 to {most}"
        problems.append(FieldProblem(name, f"must be a whole number, {span}", "invalid_value"))
    return number


def _moment(text: str | None, problems: list[FieldProblem]) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        message = "must be an RFC 3339 time with its offset (a + in it must be percent-encoded)"
        problems.append(FieldProblem("updated_since", message, "invalid_value"))
        return None
    return moment
