"""Pages straight from an answer's text: items as records, and as JSON values only for those who look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar, cast, overload

from setsmart_async.policy.paging import PageNames, RawPage, item_keys, read_page
from setsmart_async.records.codec import decode_body
from setsmart_async.wire import HttpResponse, Json, JsonArray, Query, decode_json

R = TypeVar("R")


class LaterItems(Sequence[Json]):
    """A page's items as they came, read from the body when first looked at."""

    __slots__ = ("_body", "_count", "_found", "_key")

    def __init__(self, body: bytes, key: str | None, count: int) -> None:
        self._body: bytes | None = body
        self._key = key
        self._count = count
        self._found: JsonArray = []

    @overload
    def __getitem__(self, index: int) -> Json: ...
    @overload
    def __getitem__(self, index: slice) -> JsonArray: ...
    def __getitem__(self, index: int | slice) -> Json:
        if self._body is not None:
            whole: Any = decode_json(self._body)
            self._found = whole if self._key is None else whole[self._key]
            self._body = None
        return self._found[index]

    def __len__(self) -> int:
        return self._count

    def __eq__(self, other: object) -> bool:
        return self[:] == other

    def __repr__(self) -> str:
        return repr(self[:])

    __hash__: ClassVar[None]  # type: ignore[assignment]  # as a list's


def read_directly(
    kind: type[R], response: HttpResponse, query: Query, names: PageNames
) -> tuple[RawPage, list[R]] | None:
    """The page and its records; None where the body is not in the usual form, or wrong: `read_page` tells.

    Raises `InvalidResponseError` for a page that says what can not be followed.
    """
    body = response.body
    read = decode_body(kind, body, item_keys(names))
    if read is None:
        return None
    items = LaterItems(body, read.key, len(read.records))
    path = "$" if read.key is None else f"$.{read.key}"
    page = read_page(read.around, response.headers, query, names, taken=(items, path))
    return page, cast("list[R]", read.records)
