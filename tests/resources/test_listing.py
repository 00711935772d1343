"""Walking a list: every record once, in order, without a circle and without a page too many."""

import asyncio
import gc
import tracemalloc
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

import attrs
import pytest

from setsmart_async import InvalidResponseError, Listing, Page
from setsmart_async.policy.paging import PageNumbers, RawPage
from setsmart_async.wire import Json, Query

T = TypeVar("T")


@attrs.frozen
class Home:
    id: str
    note: str = attrs.field(default="", eq=False)


Pages = Mapping[str, RawPage]
"""A server: the page for each cursor; the first one's is empty."""


@attrs.define
class Server:
    answer: Callable[[Query], RawPage]
    asked: list[Query] = attrs.field(factory=list[Query])

    async def fetch(self, query: Query) -> tuple[RawPage, list[Home]]:
        self.asked.append(dict(query))
        page = self.answer(query)
        return page, [Home(str(item["id"]), str(item.get("note"))) for item in page.items if isinstance(item, dict)]

    def listing(self, *, cursor: str | None = None, query: Query | None = None) -> Listing[Home]:
        return Listing(
            self.fetch,
            query or {},
            page_parameter="page",
            cursor=cursor,
        )


def raw(
    ids: Sequence[str],
    following: Query | None = None,
    *,
    total: int | None = None,
    numbers: PageNumbers | None = None,
) -> RawPage:
    items: list[Json] = [{"id": one} for one in ids]
    return RawPage(items=items, path="$.data", following=following, total=total, numbers=numbers)


def by_cursor(*pages: Sequence[str]) -> Server:
    """Page after page by cursors c1, c2, …; the last leads nowhere."""

    def answer(query: Query) -> RawPage:
        number = int(query.get("cursor", "c0")[1:])
        last = number + 1 == len(pages)
        return raw(pages[number], None if last else {"cursor": f"c{number + 1}"}, total=7)

    return Server(answer)


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return asyncio.run(main())


def ids_of(listing: Listing[Home]) -> list[str]:
    async def main() -> list[str]:
        return [home.id async for home in listing]

    return run(main)


def until_an_error(listing: Listing[Home]) -> tuple[list[str], InvalidResponseError]:
    seen: list[str] = []

    async def main() -> InvalidResponseError:
        try:
            async for home in listing:
                seen.append(home.id)  # noqa: PERF401 - what came before the error counts
        except InvalidResponseError as error:
            return error
        raise AssertionError("no error came")

    return seen, run(main)


def pages_of(listing: Listing[Home]) -> list[Page[Home]]:
    async def main() -> list[Page[Home]]:
        return [page async for page in listing.pages()]

    return run(main)


def test_every_record_of_every_page_comes_in_order() -> None:
    server = by_cursor("ba", "dc", "e")
    assert ids_of(server.listing()) == ["b", "a", "d", "c", "e"]
    assert server.asked == [{}, {"cursor": "c1"}, {"cursor": "c2"}]


def test_nothing_is_asked_before_the_walk() -> None:
    server = by_cursor("a")
    server.listing()
    assert server.asked == []


def test_each_walk_starts_anew() -> None:
    server = by_cursor("ab", "c")
    listing = server.listing()
    assert ids_of(listing) == ids_of(listing) == ["a", "b", "c"]
    assert len(server.asked) == 4


def test_every_page_is_asked_with_the_filters_of_the_first() -> None:
    server = by_cursor("a", "b")
    ids_of(server.listing(query={"status": "active", "limit": "1"}))
    assert server.asked == [{"status": "active", "limit": "1"}, {"status": "active", "limit": "1", "cursor": "c1"}]


def test_pages_tell_what_the_server_said() -> None:
    first, last = pages_of(by_cursor("ab", "c").listing())
    assert (first.items, first.next_cursor, first.total) == ([Home("a"), Home("b")], "cursor=c1", 7)
    assert (last.items, last.next_cursor, last.numbers) == ([Home("c")], None, None)
    assert first.raw == [{"id": "a"}, {"id": "b"}]
    assert "raw" not in repr(first)


def test_an_empty_list_is_one_empty_page() -> None:
    server = by_cursor("")
    assert ids_of(server.listing()) == []
    assert [page.items for page in pages_of(server.listing())] == [[]]


def test_an_empty_page_in_the_middle_does_not_end_the_walk() -> None:
    assert ids_of(by_cursor("a", "", "", "b").listing()) == ["a", "b"]


def test_a_record_that_came_before_is_left_out() -> None:
    server = by_cursor("abc", "cd", "dea")
    assert ids_of(server.listing()) == ["a", "b", "c", "d", "e"]
    assert [len(page.items) for page in pages_of(server.listing())] == [3, 2, 3]


def test_records_without_ids_are_compared_whole() -> None:
    async def fetch(query: Query) -> tuple[RawPage, list[str]]:
        return raw(["a", "b"]), ["x", "y", "x"]

    listing: Listing[str] = Listing(fetch, {}, page_parameter="page")

    async def main() -> list[str]:
        return [record async for record in listing]

    assert run(main) == ["x", "y"]


def test_only_a_window_of_ids_is_remembered() -> None:
    size = 6_000
    pages = [[f"{page}.{number}" for number in range(size)] for page in range(4)]
    assert len(ids_of(by_cursor(*pages, pages[2][:10]).listing())) == 4 * size
    assert len(ids_of(by_cursor(*pages, pages[0][:10]).listing())) == 4 * size + 10


def test_a_next_page_that_is_this_page_is_an_error() -> None:
    server = Server(lambda query: raw([str(len(server.asked))], {"cursor": "same"}))
    with pytest.raises(InvalidResponseError, match="circle"):
        ids_of(server.listing())
    assert len(server.asked) == 2


def test_a_page_that_repeats_the_last_ones_ids_is_an_error() -> None:
    def answer(query: Query) -> RawPage:
        return RawPage(
            items=[{"id": "a", "note": str(len(server.asked))}, {"id": "b"}],
            path="$",
            following={"page": str(len(server.asked) + 1)},
        )

    server = Server(answer)
    with pytest.raises(InvalidResponseError, match="ignores the page"):
        ids_of(server.listing())
    assert len(server.asked) == 2


def test_a_last_page_that_repeats_the_one_before_is_an_error_too() -> None:
    with pytest.raises(InvalidResponseError, match="ignores the page"):
        ids_of(by_cursor("ab", "ab").listing())


def test_what_came_before_the_circle_has_been_given() -> None:
    server = by_cursor("ab", "ab")
    seen, error = until_an_error(server.listing())
    assert seen == ["a", "b"]
    assert "ignores the page" in str(error)


def test_first_asks_for_one_page() -> None:
    server = by_cursor("ab", "c")
    assert run(server.listing().first) == Home("a")
    assert len(server.asked) == 1


def test_first_of_nothing_is_none() -> None:
    assert run(by_cursor("").listing().first) is None


def test_first_looks_past_an_empty_page() -> None:
    assert run(by_cursor("", "a").listing().first) == Home("a")


ALL: list[tuple[int | None, str, int]] = [
    (None, "abcde", 3),
    (100, "abcde", 3),
    (5, "abcde", 3),
    (4, "abcd", 2),
    (3, "abc", 2),
    (2, "ab", 1),
    (1, "a", 1),
    (0, "", 0),
    (-1, "", 0),
]


@pytest.mark.parametrize(("max_items", "ids", "requests"), ALL)
def test_all_gives_so_many_and_asks_for_no_page_too_many(max_items: int | None, ids: str, requests: int) -> None:
    server = by_cursor("ab", "cd", "e")
    listing = server.listing()

    async def main() -> list[Home]:
        return await listing.all(max_items=max_items)

    assert [home.id for home in run(main)] == list(ids)
    assert len(server.asked) == requests


def test_a_second_listing_goes_on_where_a_page_ended() -> None:
    server = by_cursor("ab", "cd", "e")
    first = pages_of(server.listing())[0]
    assert ids_of(server.listing(cursor=first.next_cursor)) == ["c", "d", "e"]


def test_a_cursor_carries_odd_characters_and_several_parameters() -> None:
    odd = {"page": "2", "token": "a&b=c+d e/ø%=", "empty": ""}
    server = Server(lambda query: raw(["b"]) if "token" in query else raw(["a"], odd))
    cursor = pages_of(server.listing(query={"limit": "5"}))[0].next_cursor
    assert cursor is not None
    server.asked.clear()
    ids_of(server.listing(cursor=cursor, query={"limit": "5"}))
    assert server.asked == [{"limit": "5", **odd}]


@pytest.mark.parametrize("cursor", ["c1", "&", "a&b", "page", "opaque-token", "page=2&"])
def test_a_text_that_is_no_cursor_of_ours_is_refused_before_anything_is_asked(cursor: str) -> None:
    server = by_cursor("a")
    with pytest.raises(ValueError, match=r"Page\.next_cursor"):
        ids_of(server.listing(cursor=cursor))
    assert server.asked == []


def numbered(pages: int) -> Server:
    def answer(query: Query) -> RawPage:
        number = int(query.get("page", "1"))
        following = {"page": str(number + 1)} if number < pages else None
        return raw([f"p{number}"], following, numbers=PageNumbers(current=number, last=pages))

    return Server(answer)


def test_a_numbered_page_can_be_asked_for_by_its_number() -> None:
    server = numbered(5)
    listing = server.listing(query={"limit": "1"})

    async def main() -> Page[Home]:
        return await listing.page(listing.cursor_at(3))

    page = run(main)
    assert page.items == [Home("p3")]
    assert page.numbers == PageNumbers(current=3, last=5)
    assert page.next_cursor == listing.cursor_at(4)
    assert server.asked == [{"limit": "1", "page": "3"}]


def test_a_walk_from_a_numbered_page_goes_to_the_end() -> None:
    server = numbered(5)
    assert ids_of(server.listing(cursor=server.listing().cursor_at(4))) == ["p4", "p5"]


def test_an_error_of_a_page_comes_out_after_the_pages_before() -> None:
    def answer(query: Query) -> RawPage:
        if query:
            raise InvalidResponseError("$.data[0].id", "missing")
        return raw(["a"], {"cursor": "c1"})

    seen, error = until_an_error(Server(answer).listing())
    assert seen == ["a"]
    assert error.path == "$.data[0].id"


def test_a_walk_over_many_records_keeps_nothing_of_the_pages_behind() -> None:
    count, size = 120_000, 1_000

    def answer(query: Query) -> RawPage:
        start = int(query.get("cursor", "0"))
        following = {"cursor": str(start + size)} if start + size < count else None
        return raw([f"home-{start + number}" for number in range(size)], following)

    async def main() -> tuple[int, int, int]:
        walked, early, late = 0, 0, 0
        async for _ in Server(answer).listing():
            walked += 1
            if walked == 30_000:  # the window of remembered ids is full by now
                gc.collect()
                early = tracemalloc.get_traced_memory()[0]
        gc.collect()
        late = tracemalloc.get_traced_memory()[0]
        return walked, early, late

    tracemalloc.start()
    try:
        walked, early, late = run(main)
    finally:
        tracemalloc.stop()
    assert walked == count
    assert late - early < 200_000  # a record weighs 100 bytes and more: 90,000 of them would be 9 MB
