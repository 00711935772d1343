"""What a call costs, counted instead of timed: Python functions entered, the same on every machine and under any load.

Seconds say nothing on a shared machine, and a ratio of seconds little. But each function that is entered costs about
the same, and what makes calls slower (another layer, an event built for nobody, a lookup per record) enters more of
them. The most allowed is a little above what it is; `benchmarks/README.md` has the processor time.
"""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from email.utils import formatdate
from pathlib import Path
from types import FrameType

import pytest

import setsmart_async
from setsmart_async import HttpRequest, HttpResponse, MemoryTransport, Observer, SetSmart
from setsmart_async.policy.paging import PageNames
from setsmart_async.records.codec import decode_record
from setsmart_async.records.property import Property
from setsmart_async.resources.page_text import read_directly
from setsmart_async.wire import Headers, Json, JsonObject, encode_json

HOME = str(Path(str(setsmart_async.__file__)).parent)
CALLS = 20
MOST_IN_MEMORY = 52
MOST_WITH_AN_OBSERVER = 100
MOST_FOR_A_PAGE = 120
MOST_OVER_AIOHTTP = 78
VILLA: JsonObject = {"id": "prop_123", "name": "Beachfront Villa", "bedrooms": 3, "bathrooms": 2, "status": "active"}
HEADERS = Headers(
    [
        ("X-RateLimit-Limit", "1000000"),
        ("X-RateLimit-Remaining", "999999"),
        ("X-RateLimit-Reset", str(int(time.time()) + 3600)),
        ("Date", formatdate(usegmt=True)),
    ]
)
ANSWER = HttpResponse(status=200, headers=HEADERS, body=encode_json(VILLA))


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """The package's functions that are entered meanwhile; a coroutine counts again when it goes on."""
    entered: Counter[str] = Counter()

    def profile(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(HOME):
            entered[frame.f_code.co_qualname] += 1

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        yield entered
    finally:
        sys.setprofile(before)


async def entered_per_call(client: SetSmart) -> float:
    """Functions that one call of a client enters, after the first few."""

    async def calls(number: int) -> None:
        for _ in range(number):
            await client.properties.get("prop_123")

    async with client:
        await calls(3)
        with counted() as entered:
            await calls(CALLS)
    return entered.total() / CALLS


def answered(_: HttpRequest) -> HttpResponse:
    return ANSWER


@asynccontextmanager
async def serving() -> AsyncIterator[str]:
    """A server's base URL; it answers everything with the same bytes."""
    head = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.pairs())
    answer = f"HTTP/1.1 200 OK\r\n{head}Content-Length: {len(ANSWER.body)}\r\n\r\n".encode() + ANSWER.body

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()


def client_in_memory(observer: Observer | None = None) -> SetSmart:
    transport = MemoryTransport(answered)
    return SetSmart("key-of-the-cost", base_url="http://127.0.0.1:1/v1", transport=transport, observer=observer)


def test_a_call_in_memory() -> None:
    assert asyncio.run(entered_per_call(client_in_memory())) <= MOST_IN_MEMORY


def test_a_call_that_an_observer_hears_of() -> None:
    assert asyncio.run(entered_per_call(client_in_memory(lambda _: None))) <= MOST_WITH_AN_OBSERVER


def test_a_call_over_aiohttp() -> None:
    async def main() -> float:
        async with serving() as url:
            return await entered_per_call(SetSmart("key-of-the-cost", base_url=url))

    assert asyncio.run(main()) <= MOST_OVER_AIOHTTP


@pytest.mark.parametrize("extra", [{}, {"pool": True, "tags": ["sea"]}], ids=["documented", "unknown fields"])
def test_a_record_of_a_page(extra: JsonObject) -> None:
    """None of the package's functions is entered for it, on the direct way: the made reader does it all."""

    def entered_for(number: int) -> Counter[str]:
        page: list[Json] = [{**VILLA, "id": f"prop_{index}", **extra} for index in range(number)]
        response = HttpResponse(status=200, body=encode_json({"data": page, "total": number}))
        read_directly(Property, response, {}, PageNames())
        with counted() as entered:
            assert read_directly(Property, response, {}, PageNames()) is not None
        return entered

    assert entered_for(1_000) == entered_for(100)


def test_a_page_of_a_walk() -> None:
    """Pages take the direct way, and nobody looks at their items as JSON."""
    body = encode_json({"data": [{**VILLA, "id": f"prop_{index}"} for index in range(100)]})
    transport = MemoryTransport(lambda _: HttpResponse(status=200, headers=HEADERS, body=body))

    async def main() -> Counter[str]:
        async with SetSmart("key-of-the-cost", base_url="http://127.0.0.1:1/v1", transport=transport) as client:
            await client.properties.list().page()
            with counted() as entered:
                assert len((await client.properties.list().page()).items) == 100
            return entered

    entered = asyncio.run(main())
    assert entered["read_directly"] == 1
    assert entered["decode_json"] == entered["LaterItems.__getitem__"] == 0
    assert entered.total() <= MOST_FOR_A_PAGE


def test_what_is_counted() -> None:
    """A count of nothing would pass everything."""
    with counted() as entered:
        decode_record(Property, VILLA)
    assert entered["decode_record"] == 1
    assert asyncio.run(entered_per_call(client_in_memory())) > MOST_IN_MEMORY / 2
