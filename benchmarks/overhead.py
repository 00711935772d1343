"""What a call costs: P1 beside plain aiohttp and other clients, P4 through the fake, and what uvloop gains.

    python benchmarks/overhead.py [--quick]

Processor time of this process per small GET, 32 at a time, against the same server process (see `fast_server.py`), in
turn, round after round; each of ours with an API key of its own, for clients with the same one share a limiter.
"""

import argparse
import asyncio
import importlib
import importlib.util
import json
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, Final

import aiohttp
from fast_server import VILLA, FastServer, capacity, fast_server
from limiter_report import Result
from measuring import OURS, Get, LoopFactory, Open, cost_of_calls, figure, interleaved, load_now, ratio_rows, report

from setsmart_async import AiohttpTransport, Event, HttpRequest, HttpResponse, MemoryTransport, SetSmart
from setsmart_async.config import origin_from
from setsmart_async.testing import FakeSetSmart, fake_property
from setsmart_async.transports.aiohttp_requests import Outgoing
from setsmart_async.wire import encode_json

PLAIN: Final = "aiohttp, plain"
RESPX: Final = "respx + httpx"
HEADERS: Final = {"X-API-Key": "key-of-the-benchmark"}
PATH: Final = "/properties/prop_123"


async def _plain(stack: AsyncExitStack, base_url: str) -> Get:
    session = await stack.enter_async_context(aiohttp.ClientSession())
    url = f"{base_url}{PATH}"

    async def get() -> object:
        async with session.get(url, headers=HEADERS) as response:
            return json.loads(await response.read())

    return get


async def _ours(stack: AsyncExitStack, base_url: str) -> Get:
    properties = (await stack.enter_async_context(SetSmart("key-of-the-benchmark", base_url=base_url))).properties
    return lambda: properties.get("prop_123")


async def _ours_observed(stack: AsyncExitStack, base_url: str) -> Get:
    told: list[Event] = []

    def observe(event: Event) -> None:
        told.append(event)
        if len(told) > 1000:
            told.clear()

    client = SetSmart("key-of-the-observed", base_url=base_url, observer=observe)
    properties = (await stack.enter_async_context(client)).properties
    return lambda: properties.get("prop_123")


class _BySession(AiohttpTransport):
    def _outgoing(self, *, force_close: bool) -> Outgoing:
        outgoing = super()._outgoing(force_close=force_close)
        outgoing.is_direct = False
        return outgoing


async def _ours_by_session(stack: AsyncExitStack, base_url: str) -> Get:
    """As it is with a release of aiohttp that the direct way is not known to work with."""
    transport = _BySession()
    stack.push_async_callback(transport.aclose)
    client = SetSmart("key-by-session", base_url=base_url, transport=transport)
    properties = (await stack.enter_async_context(client)).properties
    return lambda: properties.get("prop_123")


async def _our_transport(stack: AsyncExitStack, base_url: str) -> Get:
    """Without limiter, deadline, retries and records."""
    transport = AiohttpTransport()
    stack.push_async_callback(transport.aclose)
    origin = origin_from(base_url, {})

    async def get() -> object:
        request = HttpRequest(method="GET", origin=origin, target=PATH, headers={**HEADERS, "User-Agent": "benchmark"})
        return json.loads((await transport.send(request, timeout=30.0)).body)

    return get


async def _ours_in_memory(stack: AsyncExitStack, base_url: str) -> Get:
    response = HttpResponse(status=200, body=encode_json(VILLA))
    client = SetSmart("key-in-memory", base_url=base_url, transport=MemoryTransport(lambda _: response))
    properties = (await stack.enter_async_context(client)).properties
    return lambda: properties.get("prop_123")


async def _gidgethub(stack: AsyncExitStack, base_url: str) -> Get:
    """The nearest of other SDKs: on aiohttp, dicts, no models, no retries, headers read for the rate limit."""
    found: Any = importlib.import_module("gidgethub.aiohttp")
    session = await stack.enter_async_context(aiohttp.ClientSession())
    client = found.GitHubAPI(session, "benchmark", base_url=base_url)
    return lambda: client.getitem(PATH)


def _httpx(library: str) -> Open:
    async def opened(stack: AsyncExitStack, base_url: str) -> Get:
        found: Any = importlib.import_module(library)
        limits = found.Limits(max_connections=None, max_keepalive_connections=None)  # its default closes some of 32
        client = await stack.enter_async_context(found.AsyncClient(trust_env=False, headers=HEADERS, limits=limits))
        url = f"{base_url}{PATH}"

        async def get() -> object:
            return json.loads((await client.get(url)).content)

        return get

    return opened


CLIENTS: Final[dict[str, Open]] = {
    OURS: _ours,
    "setsmart_async, with an observer": _ours_observed,
    "setsmart_async, by aiohttp's session": _ours_by_session,
    "its transport alone": _our_transport,
    PLAIN: _plain,
}
PEERS: Final[dict[str, tuple[str, Open]]] = {
    "gidgethub on aiohttp": ("gidgethub", _gidgethub),
    "httpx2": ("httpx2", _httpx("httpx2")),
    "httpx": ("httpx", _httpx("httpx")),
}


async def _fake(stack: AsyncExitStack, base_url: str) -> Get:
    """What users test with: the whole sandbox behind the client."""
    fake = await stack.enter_async_context(FakeSetSmart(fake_property(id="prop_123"), limit=10**9))
    properties = fake.properties
    return lambda: properties.get("prop_123")


async def _respx(stack: AsyncExitStack, base_url: str) -> Get:
    respx: Any = importlib.import_module("respx")
    httpx: Any = importlib.import_module("httpx")
    router = stack.enter_context(respx.mock(assert_all_called=False))
    url = f"{base_url}{PATH}"
    router.get(url).mock(return_value=httpx.Response(200, json=VILLA))
    client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, headers=HEADERS))

    async def get() -> object:
        router.calls.reset()  # it keeps every call
        return (await client.get(url)).json()

    return get


def _installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def against_plain(server: FastServer, rounds: int, calls: int) -> tuple[Result, float]:
    contestants = CLIENTS | {name: open_ for name, (library, open_) in PEERS.items() if _installed(library)}

    def measured(name: str, open_: Open) -> Callable[[], float]:
        few = calls // 5 if name in PEERS else calls
        return lambda: cost_of_calls(open_, server.url, few)

    with server.watched() as share:
        found = interleaved({name: measured(name, open_) for name, open_ in contestants.items()}, rounds)
    title = "CPU per small GET, 32 at a time, against plain aiohttp and json.loads"
    rows = ratio_rows(found, PLAIN, goal=1.10)
    return Result(figure("P1", title, "≤ 1.10"), rows), share["server_share_of_a_core"]


def through_the_fake(rounds: int, calls: int) -> Result:
    contestants: dict[str, Open] = {"setsmart_async, canned answer": _ours_in_memory, "FakeSetSmart": _fake}
    base = RESPX if _installed("respx") else "FakeSetSmart"
    if base == RESPX:
        contestants[RESPX] = _respx

    def measured(name: str, open_: Open) -> Callable[[], float]:
        return lambda: cost_of_calls(open_, "http://127.0.0.1:1/v1", calls // 8 if name == RESPX else calls)

    found = interleaved({name: measured(name, open_) for name, open_ in contestants.items()}, rounds)
    found = {OURS: found.pop("setsmart_async, canned answer")} | found
    title = (
        "CPU per call in memory, a canned answer each, against respx + httpx (FakeSetSmart has the sandbox behind it)"
    )
    return Result(figure("P4", title, "≤ 0.06"), ratio_rows(found, base, goal=0.06))


def with_uvloop(server: FastServer, rounds: int, calls: int) -> Result | None:
    if not _installed("uvloop"):
        return None
    uvloop: LoopFactory = importlib.import_module("uvloop").new_event_loop
    asyncio_: LoopFactory = asyncio.SelectorEventLoop
    loops = {"asyncio": asyncio_, "uvloop": uvloop}

    def measured(open_: Open, loop: LoopFactory) -> Callable[[], float]:
        return lambda: cost_of_calls(open_, server.url, calls, loop=loop)

    measures = {
        f"{name}, {which}": measured(open_, loop)
        for name, open_ in ((OURS, _ours), (PLAIN, _plain))
        for which, loop in loops.items()
    }
    found = interleaved(measures, rounds)
    title = "CPU per small GET, 32 at a time, by event loop"
    return Result(figure("uvloop", title), ratio_rows(found, f"{OURS}, asyncio"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer calls and rounds; written to results/quick")
    quick: bool = parser.parse_args().quick
    rounds, calls = (5, 800) if quick else (11, 6_400)
    load, began = load_now(), time.perf_counter()
    with fast_server() as server:
        raw = asyncio.run(capacity(server, 0.5))
        plain, share = against_plain(server, rounds, calls)
        loops = with_uvloop(server, rounds, calls)
        raw = max(raw, asyncio.run(capacity(server, 0.5)))
    results = [plain, through_the_fake(rounds, calls), *([loops] if loops else [])]
    report(
        __file__,
        results,
        quick=quick,
        load=load,
        server_share_of_a_core=share,
        server_answers_per_second_when_asked_raw=round(raw, -2),
        seconds=round(time.perf_counter() - began),
    )


if __name__ == "__main__":
    main()
