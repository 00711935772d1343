"""Pages ahead: the same records in the same order, sooner, and nothing left behind."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from typing import TypeAlias, TypeVar

import attrs
import msgspec
import pytest
import virtual_time
from hypothesis import given
from hypothesis import strategies as st

from setsmart_async import InvalidResponseError, Listing, NotFoundError
from setsmart_async.policy.paging import PageNumbers, RawPage
from setsmart_async.wire import Query

T = TypeVar("T")

ROUND_TRIP = 1.0


@attrs.frozen
class Home:
    id: str


Fetched: TypeAlias = "tuple[RawPage, list[Home]]"


@attrs.define
class Server:
    """Pages of homes by number or by cursor; each answer takes a second of virtual time."""

    pages: list[list[str]]
    numbered: bool
    fails_at: int | None = None
    asked: list[int] = attrs.field(factory=list[int])
    under_way: int = 0
    most_under_way: int = 0

    async def fetch(self, query: Query) -> Fetched:
        number = int(query.get("page", query.get("cursor", "1")))
        self.asked.append(number)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await asyncio.sleep(ROUND_TRIP)
        finally:
            self.under_way -= 1
        if number == self.fails_at:
            raise NotFoundError(404)
        last = len(self.pages)
        following = None
        if number < last:
            following = {"page": str(number + 1), "snapshot": "s1"} if self.numbered else {"cursor": str(number + 1)}
        numbers = PageNumbers(current=number, last=last) if self.numbered else None
        items = self.pages[number - 1]
        page = RawPage(items=[*items], path="$", following=following, numbers=numbers)
        return page, [Home(item) for item in items]

    def listing(self) -> Listing[Home]:
        return Listing(self.fetch, {"limit": "2"}, page_parameter="page")


def homes(pages: int) -> list[list[str]]:
    return [[f"a{number}", f"b{number}"] for number in range(pages)]


def run(main: Callable[[], Coroutine[object, object, T]]) -> tuple[T, float]:
    """The result, and how many seconds it took."""

    async def timed() -> tuple[T, float]:
        start = asyncio.get_running_loop().time()
        result = await main()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result, asyncio.get_running_loop().time() - start

    return virtual_time.run(timed())


@given(st.integers(1, 9), st.integers(1, 5), st.booleans())
def test_the_same_records_in_the_same_order_whatever_the_depth(pages: int, depth: int, numbered: bool) -> None:
    server = Server(homes(pages), numbered)

    async def main() -> list[Home]:
        return await server.listing().prefetch(depth).all()

    found, _ = run(main)
    assert [home.id for home in found] == [one for page in homes(pages) for one in page]
    assert sorted(server.asked) == list(range(1, pages + 1))
    assert server.most_under_way <= (depth if numbered else 1)


def test_numbered_pages_are_asked_for_at_once() -> None:
    server = Server(homes(9), numbered=True)
    _, seconds = run(server.listing().prefetch(4).all)
    assert server.most_under_way == 4
    assert seconds == pytest.approx(3 * ROUND_TRIP)


def test_what_the_way_on_holds_beside_the_number_is_kept() -> None:
    queries: list[Query] = []

    class Watched(Server):
        async def fetch(self, query: Query) -> Fetched:
            queries.append(query)
            return await super().fetch(query)

    run(Watched(homes(3), numbered=True).listing().prefetch(3).all)
    assert queries[0] == {"limit": "2"}
    assert all(query["snapshot"] == "s1" for query in queries[1:])


def test_behind_a_cursor_the_next_page_comes_while_this_one_is_worked_on() -> None:
    server = Server(homes(5), numbered=False)

    async def main() -> None:
        async for _ in server.listing().prefetch(2).pages():
            await asyncio.sleep(ROUND_TRIP)  # the work

    _, seconds = run(main)
    assert seconds == pytest.approx((5 + 1) * ROUND_TRIP)  # without looking ahead it is 10


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_no_more_than_the_depth_waits_for_its_turn(depth: int) -> None:
    server = Server(homes(50), numbered=False)

    async def main() -> int:
        async with aclosing(server.listing().prefetch(depth).pages()) as pages:
            async for _ in pages:
                await asyncio.sleep(100 * ROUND_TRIP)
                return len(server.asked)
        return 0

    asked, _ = run(main)
    assert asked == 1 + depth


@pytest.mark.parametrize("numbered", [True, False])
def test_leaving_early_cancels_what_is_under_way(numbered: bool) -> None:
    server = Server(homes(50), numbered)

    async def main() -> Home | None:
        return await server.listing().prefetch(3).first()

    first, seconds = run(main)
    assert first == Home("a0")
    assert seconds == pytest.approx(ROUND_TRIP)
    assert server.under_way == 0


@pytest.mark.parametrize("numbered", [True, False])
@pytest.mark.parametrize("fails_at", [1, 2, 4])
def test_an_error_comes_behind_every_page_before_it(numbered: bool, fails_at: int) -> None:
    server = Server(homes(6), numbered, fails_at=fails_at)

    async def main() -> list[str]:
        found = []
        with pytest.raises(NotFoundError):
            async for home in server.listing().prefetch(3):
                found.append(home.id)  # noqa: PERF401 - what came before the error counts
        return found

    found, _ = run(main)
    assert found == [one for page in homes(fails_at - 1) for one in page]
    assert server.under_way == 0


@pytest.mark.parametrize("numbered", [True, False])
def test_a_cancelled_walk_leaves_nothing(numbered: bool) -> None:
    server = Server(homes(20), numbered)

    async def main() -> None:
        walking = asyncio.create_task(server.listing().prefetch(4).all())
        await asyncio.sleep(2.5 * ROUND_TRIP)
        walking.cancel()
        await asyncio.gather(walking, return_exceptions=True)

    run(main)
    assert server.under_way == 0


def test_a_list_that_grows_and_one_that_shrinks_are_walked_to_their_end() -> None:
    for change in (["c0", "c1"], None):
        server = Server(homes(4), numbered=True)

        async def main(server: Server = server, change: list[str] | None = change) -> list[str]:
            found = []
            async for page in server.listing().prefetch(1).pages():
                found += [home.id for home in page.items]
                if len(found) == 4 and change is None:
                    server.pages.pop()
                elif len(found) == 4 and change is not None:
                    server.pages.append(change)
            return found

        found, _ = run(main)
        expected = [one for page in homes(4) for one in page]
        assert found == (expected + change if change else expected[:6])


def test_a_circle_of_cursors_is_an_error_ahead_too() -> None:
    class Circling(Server):
        async def fetch(self, query: Query) -> Fetched:
            page, items = await super().fetch(query)
            onward = {"cursor": "2" if page.following is None else page.following["cursor"]}
            return msgspec.structs.replace(page, following=onward), items

    for listing in (
        Circling(homes(4), numbered=False).listing(),
        Circling(homes(4), numbered=False).listing().prefetch(2),
    ):

        async def main(listing: Listing[Home] = listing) -> None:
            with pytest.raises(InvalidResponseError, match="circle"):
                await listing.all()

        run(main)


@pytest.mark.parametrize("depth", [0, -1])
def test_a_depth_below_one_is_refused(depth: int) -> None:
    with pytest.raises(ValueError, match="depth must be 1 or more"):
        Server([], numbered=True).listing().prefetch(depth)
