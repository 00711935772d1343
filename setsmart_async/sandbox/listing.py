"""Pages of lists, in the styles that the field's APIs have.

SetSmart documents that ``GET /properties`` lists all, and no paging: filters and styles are provisional.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Hashable, Mapping
from typing import Final, Literal
from urllib.parse import urlencode

import attrs

from setsmart_async.sandbox.answers import FieldProblem
from setsmart_async.sandbox.checks import refuse
from setsmart_async.sandbox.filters import Filter
from setsmart_async.sandbox.question import Question, Success
from setsmart_async.sandbox.store import Matches, RecordStore, Selection
from setsmart_async.wire import Json

PagingStyle = Literal["cursor", "page", "offset", "link", "array"]
"""``cursor``: ``{"data", "next_cursor", "has_more", "total"}``; ``page``: ``{"data", "page", "page_size", "total",
"total_pages"}``; ``offset``: ``{"data", "offset", "limit", "total"}``; ``link``: a bare array, ``Link: <…>;
rel="next"`` and ``X-Total-Count``; ``array``: one bare array of everything, or of one page where ``limit`` is asked
for."""

LARGEST_PAGE: Final = 200
"""The largest ``limit``, in records."""

_DIGITS: Final = re.compile(r"[0-9]{1,9}")
_TOKEN: Final = re.compile(rb"after:([0-9]{1,15})")
_BEFORE_ALL: Final = -1


@attrs.frozen(kw_only=True)
class ListQuery:
    """What a list was asked for with."""

    key: Hashable
    """Names the filters."""
    matches: Matches | None
    """What they let through; None: everything."""
    limit: int | None
    """Records per page; None: the server's choice."""
    after: int
    """The cursor: the position of the last record that was seen."""
    page: int
    """1 for the first."""
    offset: int


@attrs.frozen
class Pager:
    """Gives pages of any store."""

    style: PagingStyle
    page_size: int
    """Records per page where no ``limit`` is asked."""

    def answer(self, question: Question, store: RecordStore, filters: Mapping[str, Filter]) -> Success:
        """The page that was asked for. Raises `RefusedError` (400), which names every parameter that is wrong."""
        query = read_list_query(question.parameters, filters)
        selection = store.select(query.key, query.matches)
        total = len(selection.positions)
        size = query.limit or self.page_size
        if self.style == "array" and query.limit is None:
            return _records([*selection.records])
        if self.style in ("page", "offset", "array"):
            start = query.offset if self.style == "offset" else (query.page - 1) * size
            records: list[Json] = list(selection.records[start : start + size])
            if self.style == "array":
                return _records(records)
            if self.style == "offset":
                return _records({"data": records, "offset": start, "limit": size, "total": total})
            numbers = {"page": query.page, "page_size": size, "total": total, "total_pages": -(-total // size)}
            return _records({"data": records, **numbers})
        page = selection.after(query.after, size)
        cursor = _token(page.positions[-1]) if _has_more(page, selection) else None
        if self.style == "cursor":
            body: Json = {
                "data": list(page.records), "next_cursor": cursor, "has_more": cursor is not None, "total": total,
            }  # fmt: skip
            return _records(body)
        headers = [("X-Total-Count", str(total))]
        if cursor is not None:
            onward = urlencode({**question.sent_parameters, question.cursor_parameter: cursor})
            headers.append(("Link", f'<{question.url}?{onward}>; rel="next"'))
        return Success(body=list(page.records), holds="records", headers=headers)


def read_list_query(parameters: Mapping[str, str], filters: Mapping[str, Filter]) -> ListQuery:
    """Read a query; unknown parameters are ignored.

    Raises `RefusedError` (400), which names every parameter that is wrong.
    """
    problems: list[FieldProblem] = []
    applied: list[Matches] = []
    names = [name for name in filters if name in parameters]
    for name in names:
        found = filters[name](name, parameters[name])
        if isinstance(found, FieldProblem):
            problems.append(found)
        else:
            applied.append(found)
    limit = _whole("limit", parameters.get("limit"), problems, least=1, most=LARGEST_PAGE)
    page = _whole("page", parameters.get("page"), problems, least=1)
    offset = _whole("offset", parameters.get("offset"), problems, least=0)
    after = _position(parameters.get("cursor"), problems)
    refuse(problems)
    return ListQuery(
        key=tuple((name, parameters[name]) for name in names),
        matches=_all_of(applied),
        limit=limit,
        after=after,
        page=page or 1,
        offset=offset or 0,
    )


def _all_of(applied: list[Matches]) -> Matches | None:
    if len(applied) <= 1:
        return applied[0] if applied else None
    return lambda record: all(matches(record) for matches in applied)


def _records(body: Json) -> Success:
    return Success(body=body, holds="records")


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


def _whole(
    name: str, text: str | None, problems: list[FieldProblem], *, least: int, most: int | None = None
) -> int | None:
    if text is None:
        return None
    number = int(text) if _DIGITS.fullmatch(text) else -1
    if number < least or (most is not None and number > most):
        span = f"{least} or more" if most is None else f"from {least} to {most}"
        problems.append(FieldProblem(name, f"must be a whole number, {span}", "invalid_value"))
    return number
