"""A server that is never the bottleneck: canned answers, hardly any parsing, in a process of its own.

    python benchmarks/fast_server.py            # prints its port and serves
    python benchmarks/fast_server.py --prove    # how much it can serve, and plain aiohttp beside that

It answers each request's blank line with a property, or, where ``cursor=`` or ``limit=`` is in the request, with a page
of 100 and the cursor of the next one, which never ends. Its rate headers never run out.
"""

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Final

import attrs

VILLA: Final = {
    "id": "prop_123",
    "name": "Beachfront Villa",
    "address": "123 Ocean Drive",
    "bedrooms": 3,
    "bathrooms": 2,
    "max_guests": 6,
    "status": "active",
}
PAGE_SIZE: Final = 100
_DISTINCT_PAGES: Final = 256
"""More than a walk remembers records of, so that none looks like one that came before."""
_CONNECTIONS: Final = 32


def villa(number: int) -> dict[str, object]:
    times = {"created_at": "2024-05-01T12:30:00Z", "updated_at": f"2026-05-01T12:{number % 60:02}:00Z"}
    own = {"id": f"prop_{number:06}", "name": f"Beachfront Villa {number}", "address": f"{number} Ocean Drive"}
    return {**VILLA, **own, "timezone": "Europe/Oslo", "currency": "NOK", **times}


def _head(length: int) -> bytes:
    fields = [
        "HTTP/1.1 200 OK",
        f"Date: {formatdate(usegmt=True)}",
        "Content-Type: application/json",
        f"Content-Length: {length}",
        "X-RateLimit-Limit: 1000000000",
        "X-RateLimit-Remaining: 999999999",
        f"X-RateLimit-Reset: {int(time.time()) + 3600}",
    ]
    return "\r\n".join(fields).encode() + b"\r\n\r\n"


class _Canned(asyncio.Protocol):
    def __init__(self, answer: bytes, pages: list[bytes]) -> None:
        self._answer, self._pages = answer, pages
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        line, _, _ = data.partition(b"\r\n")
        if b"limit=" in line or b"cursor=" in line:
            self._transport.write(self._page(line))
            return
        for _ in range(data.count(b"\r\n\r\n")):
            self._transport.write(self._answer)

    def _page(self, line: bytes) -> bytes:
        _, _, rest = line.partition(b"cursor=")
        number = int(rest.split(b" ")[0].split(b"&")[0] or 0) if rest else 0
        records = self._pages[number % len(self._pages)]
        body = b'{"data":[%b],"next_cursor":"%d"}' % (records, number + 1)
        return _head(len(body)) + body


async def _serve() -> None:
    body = json.dumps(VILLA).encode()
    answer = _head(len(body)) + body
    pages = [
        json.dumps([villa(page * PAGE_SIZE + number) for number in range(PAGE_SIZE)], separators=(",", ":")).encode()
        for page in range(_DISTINCT_PAGES)
    ]
    inner = [page[1:-1] for page in pages]
    server = await asyncio.get_running_loop().create_server(lambda: _Canned(answer, inner), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@attrs.frozen
class FastServer:
    """One that runs."""

    port: int
    process: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def cpu(self) -> float:
        """Processor seconds that it has used."""
        user, system = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    @contextlib.contextmanager
    def watched(self) -> Iterator[dict[str, float]]:
        """Fills in the share of one core that it used: far from 1, or it was the bottleneck."""
        found: dict[str, float] = {}
        cpu, began = self.cpu(), time.perf_counter()
        yield found
        found["server_share_of_a_core"] = round((self.cpu() - cpu) / (time.perf_counter() - began), 2)


@contextlib.contextmanager
def fast_server() -> Iterator[FastServer]:
    """Runs in another process meanwhile."""
    process = subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield FastServer(int(process.stdout.readline()), process.pid)
    finally:
        process.terminate()
        process.wait()


class _Asking(asyncio.Protocol):
    """Asks again as soon as it has an answer, and looks at nothing but its end."""

    REQUEST: Final = b"GET /v1/properties/prop_123 HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: raw\r\n\r\n"

    def __init__(self) -> None:
        self.answers = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self.REQUEST)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        if data.endswith(b"}"):
            self.answers += 1
            self._transport.write(self.REQUEST)


async def capacity(server: FastServer, seconds: float) -> float:
    """Requests per second that 32 connections get which do nothing with the answers."""
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(_Asking, "127.0.0.1", server.port) for _ in range(_CONNECTIONS)]
    began = loop.time()
    await asyncio.sleep(seconds)
    answers = sum(asking.answers for _, asking in made)
    took = loop.time() - began
    for transport, _ in made:
        transport.abort()
    await asyncio.sleep(0)
    return answers / took


def _prove() -> None:
    import aiohttp

    async def plainly(url: str, seconds: float) -> float:
        loop, answers = asyncio.get_running_loop(), 0
        async with aiohttp.ClientSession() as session:

            async def ask(until: float) -> None:
                nonlocal answers
                while loop.time() < until:
                    async with session.get(f"{url}/properties/prop_123") as response:
                        await response.read()
                    answers += 1

            began = loop.time()
            await asyncio.gather(*(ask(began + seconds) for _ in range(_CONNECTIONS)))
            return answers / (loop.time() - began)

    with fast_server() as server:
        for number in range(3):
            raw, plain = asyncio.run(capacity(server, 1.0)), asyncio.run(plainly(server.url, 1.0))
            print(f"{number + 1}: {raw:,.0f} requests/s asked raw, {plain:,.0f} by plain aiohttp: {raw / plain:.1f} x")


if __name__ == "__main__":
    _parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    _parser.add_argument("--prove", action="store_true", help="measure it beside plain aiohttp")
    if _parser.parse_args().prove:
        _prove()
    else:
        asyncio.run(_serve())
