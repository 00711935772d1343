"""Pages in order, and ahead of whoever takes them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest
from sync.scene import ORIGIN, Handler, answer, homes, query_of

from setsmart_async import HttpRequest, HttpResponse, MemoryTransport, SetSmart
from setsmart_async.sync.listings import listing_of
from setsmart_async.sync.read_ahead import LOOK_AHEAD, read_ahead
from setsmart_async.sync.steps import Step
from setsmart_async.sync.tables import PROPERTIES
from setsmart_async.sync.walk import walk

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def walked(handler: Handler, cursor: str | None = None, *, page_size: int = 2) -> list[Step]:
    async def run() -> list[Step]:
        async with SetSmart("a-key-for-the-tests", base_url=ORIGIN, transport=MemoryTransport(handler)) as client:
            listing = listing_of(client, PROPERTIES, page_size=page_size, since=None)
            steps = walk(PROPERTIES, listing, cursor, page_size=page_size, in_flight=4, now=lambda: NOON)
            return [step async for step in steps]

    return asyncio.run(run())


def ids(step: Step) -> list[str]:
    return [row.id for row in step.rows]


def linked(request: HttpRequest) -> HttpResponse:
    """Numbered pages, and a link to the next one that holds a snapshot's name besides."""
    query = query_of(request)
    number = int(query.get("page", "1"))
    assert number == 1 or query.get("snapshot") == "s1"
    following = f"https://elsewhere/?limit=2&snapshot=s1&page={number + 1}" if number < 5 else None
    return answer({"data": homes([number]), "page": number, "total_pages": 5, "next": following})


def test_numbered_pages_keep_what_the_way_on_holds_besides() -> None:
    found = walked(linked)
    assert [ids(step) for step in found] == [[f"prop_{number}"] for number in range(1, 6)]
    assert all(step.shifting for step in found)
    assert dict(parse_qsl(str(found[2].checkpoint))) == {"limit": "2", "snapshot": "s1", "page": "4"}
    assert found[4].checkpoint is None


def test_a_checkpoint_leads_to_the_rest() -> None:
    found = walked(linked)
    assert walked(linked, found[1].checkpoint) == found[2:]
    assert walked(linked, found[3].checkpoint) == found[4:]


def test_a_token_beside_page_numbers_is_what_counts() -> None:
    def handle(request: HttpRequest) -> HttpResponse:
        assert "page" not in query_of(request)
        number = int(query_of(request).get("cursor", "1"))
        following = str(number + 1) if number < 3 else None
        return answer({"data": homes([number]), "page": number, "total_pages": 3, "next_cursor": following})

    assert [ids(step) for step in walked(handle)] == [["prop_1"], ["prop_2"], ["prop_3"]]


async def numbers(upto: int, fail_at: int | None = None) -> AsyncGenerator[int, None]:
    for number in range(upto):
        if number == fail_at:
            raise ZeroDivisionError
        yield number


def test_what_has_come_meanwhile_comes_together_and_in_order() -> None:
    async def run() -> list[list[int]]:
        found: list[list[int]] = []
        async with aclosing(read_ahead(numbers(20), 8)) as lists:
            async for some in lists:
                found.append(some)
                await asyncio.sleep(0.001)
        return found

    found = asyncio.run(run())
    assert [number for some in found for number in some] == list(range(20))
    assert max(len(some) for some in found) == 8


@pytest.mark.parametrize("fail_at", [0, 1, 7, 8, 19])
def test_an_error_comes_after_everything_before_it(fail_at: int) -> None:
    async def run() -> None:
        async for some in read_ahead(numbers(20, fail_at), 8):
            found.extend(some)

    found: list[int] = []
    with pytest.raises(ZeroDivisionError):
        asyncio.run(run())
    assert found == list(range(fail_at))


def test_the_source_is_closed_when_nobody_wants_more() -> None:
    given, closed = list[int](), list[int]()

    async def source() -> AsyncGenerator[int, None]:
        try:
            for number in range(1000):
                given.append(number)
                yield number
        finally:
            closed.append(len(given))

    async def run() -> None:
        async with aclosing(read_ahead(source(), 8)) as lists:
            async for _ in lists:
                await asyncio.sleep(0.01)
                break

    asyncio.run(run())
    taken = 8
    assert LOOK_AHEAD <= closed[0] <= taken + LOOK_AHEAD + 1
