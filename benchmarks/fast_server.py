"""A server that is never the bottleneck: one canned answer, no parsing, in a process of its own.

    python benchmarks/fast_server.py [--body-bytes 0]

Prints its port. It answers each request's blank line with a property and rate headers that never run out.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from email.utils import formatdate
from typing import Final

VILLA: Final = {
    "id": "prop_123",
    "name": "Beachfront Villa",
    "address": "123 Ocean Drive",
    "bedrooms": 3,
    "bathrooms": 2,
    "max_guests": 6,
    "status": "active",
}


def _answer(body: bytes) -> bytes:
    fields = [
        "HTTP/1.1 200 OK",
        f"Date: {formatdate(usegmt=True)}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "X-RateLimit-Limit: 1000000000",
        "X-RateLimit-Remaining: 999999999",
        f"X-RateLimit-Reset: {int(time.time()) + 3600}",
    ]
    return "\r\n".join(fields).encode() + b"\r\n\r\n" + body


class _Canned(asyncio.Protocol):
    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        for _ in range(data.count(b"\r\n\r\n")):
            self._transport.write(self._answer)


async def _serve(body: bytes) -> None:
    answer = _answer(body)
    server = await asyncio.get_running_loop().create_server(lambda: _Canned(answer), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextlib.contextmanager
def fast_server() -> Iterator[str]:
    """Its base URL, while it runs in another process."""
    process = subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    asyncio.run(_serve(json.dumps(VILLA).encode()))
