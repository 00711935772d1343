"""The library's transports side by side: one small GET through the whole client, 32 at a time.

    python benchmarks/transports.py [--quick]

What the choice of an HTTP library costs, everything else being the same. Against plain aiohttp, as in `overhead.py`.
"""

import argparse
import importlib
import importlib.util
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, Final

from fast_server import VILLA, fast_server
from limiter_report import Result
from measuring import OURS, Get, Open, cost_of_calls, figure, interleaved, load_now, ratio_rows, report
from overhead import CLIENTS, PLAIN

from setsmart_async import AiohttpTransport, HttpResponse, HttpxTransport, MemoryTransport, SetSmart, Transport
from setsmart_async.wire import encode_json

SLOW: Final = ("HttpxTransport (httpx2)", "HttpxTransport, a legacy httpx client")


def _through(make: Callable[[], Transport]) -> Open:
    async def opened(stack: AsyncExitStack, base_url: str) -> Get:
        transport = make()
        stack.push_async_callback(transport.aclose)
        client = SetSmart(f"key-of-{id(transport)}", base_url=base_url, transport=transport)
        properties = (await stack.enter_async_context(client)).properties
        return lambda: properties.get("prop_123")

    return opened


async def _legacy(stack: AsyncExitStack, base_url: str) -> Get:
    httpx: Any = importlib.import_module("httpx")
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=None, limits=limits))
    return await _through(lambda: HttpxTransport(client))(stack, base_url)


def contestants() -> dict[str, Open]:
    response = HttpResponse(status=200, body=encode_json(VILLA))
    found: dict[str, Open] = {
        OURS: _through(AiohttpTransport),
        "AiohttpTransport, by aiohttp's session": CLIENTS["setsmart_async, by aiohttp's session"],
        "MemoryTransport": _through(lambda: MemoryTransport(lambda _: response)),
        PLAIN: CLIENTS[PLAIN],
    }
    if importlib.util.find_spec("httpx2"):
        found[SLOW[0]] = _through(HttpxTransport)
    if importlib.util.find_spec("httpx"):
        found[SLOW[1]] = _legacy
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer calls and rounds; written to results/quick")
    quick: bool = parser.parse_args().quick
    rounds, calls = (5, 480) if quick else (11, 3_200)
    load = load_now()

    def measured(name: str, open_: Open, url: str) -> Callable[[], float]:
        few = calls // 5 if name in SLOW else calls
        return lambda: cost_of_calls(open_, url, few)

    with fast_server() as server, server.watched() as share:
        contesting = {name: open_ for name, open_ in contestants().items() if not (quick and name == SLOW[1])}
        measures = {name: measured(name, open_, server.url) for name, open_ in contesting.items()}
        found = interleaved(measures, rounds)
    title = "CPU per small GET through the whole client, 32 at a time, by transport, against plain aiohttp"
    results = [Result(figure("transports", title), ratio_rows(found, PLAIN))]
    report(__file__, results, quick=quick, load=load, **share)


if __name__ == "__main__":
    main()
