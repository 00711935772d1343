"""Whole calls over real sockets, against servers and proxies that close connections as they please."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import attrs
import pytest

from setsmart_async import CallError, ConnectionLostError, LocalLimiter, Outcome, RetryPolicy, SetSmart

VILLA = {"id": "prop_123", "name": "Beachfront Villa"}
BODY = json.dumps(VILLA).encode()
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: keep-alive\r\n\r\n" % len(BODY) + BODY
Behave = Callable[[asyncio.StreamWriter, int], Awaitable[bool]]
"""Answers the so-many-eth request of a connection; whether the connection goes on."""


@attrs.define
class Server:
    """Reads requests whole, counts them, and answers as it is told."""

    behave: Behave
    port: int = 0
    seen: Counter[str] = attrs.field(factory=Counter[str])
    open: int = 0
    most_open: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            for number in range(1_000_000):
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = next((int(line[15:]) for line in head.split("\r\n") if line.startswith("Content-Length:")), 0)
                await reader.readexactly(length)
                self.seen[head.split()[0]] += 1
                if not await self.behave(writer, number):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open -= 1
            writer.close()


@asynccontextmanager
async def running(behave: Behave) -> AsyncIterator[Server]:
    server = Server(behave)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, backlog=1000)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()


def client_of(server: Server, **settings: object) -> SetSmart:
    return SetSmart(
        "key-of-the-socket-tests",
        base_url=f"http://127.0.0.1:{server.port}/v1",
        limiter=LocalLimiter(max_concurrency=50),
        **settings,  # type: ignore[arg-type]  # settings of several types
    )


async def create(client: SetSmart) -> object:
    return await client.properties.create(name="A", address="B", bedrooms=1, bathrooms=1, max_guests=2)


async def answer_and_close(writer: asyncio.StreamWriter, number: int) -> bool:
    """Says keep-alive, and hangs up."""
    writer.write(ANSWER)
    return False


async def answer(writer: asyncio.StreamWriter, number: int) -> bool:
    writer.write(ANSWER)
    return True


def test_r05_connections_that_are_closed_behind_our_back_cost_no_call() -> None:
    """The server closes after every answer, and the loop is too busy to notice: 400 creates and 400 reads."""

    async def main() -> Counter[str]:
        async with running(answer_and_close) as server, client_of(server) as client:
            for number in range(400):
                await create(client)
                await client.properties.get("prop_123")
                if number % 20 == 0:
                    await asyncio.sleep(0.002)
                time.sleep(0.0005)  # noqa: ASYNC251 - the loop shall be blocked
            return server.seen

    assert asyncio.run(main())["POST"] == 400


@pytest.mark.parametrize("how", ["close", "reset"])
def test_r03_a_create_whose_connection_breaks_is_sent_once(how: str) -> None:
    async def broken(writer: asyncio.StreamWriter, number: int) -> bool:
        if how == "reset":
            writer.transport.abort()
        return False

    async def main() -> tuple[CallError, int]:
        async with running(broken) as server, client_of(server) as client:
            with pytest.raises(ConnectionLostError) as caught:
                await create(client)
            return caught.value, server.seen["POST"]

    error, sent = asyncio.run(main())
    assert sent == 1
    assert error.outcome is Outcome.UNKNOWN
    assert error.operation == "POST /properties"


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_r01_one_attempt_is_one_request_on_the_wire(method: str) -> None:
    async def broken(writer: asyncio.StreamWriter, number: int) -> bool:
        return False

    calls: dict[str, Callable[[SetSmart], Awaitable[object]]] = {
        "GET": lambda client: client.properties.get("prop_123"),
        "PUT": lambda client: client.properties.update("prop_123", name="A"),
        "POST": create,
        "DELETE": lambda client: client.properties.delete("prop_123"),
    }

    async def main() -> Counter[str]:
        async with running(broken) as server, client_of(server, retry=RetryPolicy(max_attempts=1)) as client:
            with pytest.raises(ConnectionLostError):
                await calls[method](client)
            return server.seen

    assert asyncio.run(main()) == {method: 1}


def test_r38_ten_thousand_tasks_share_fifty_slots() -> None:
    async def main() -> tuple[Server, list[float]]:
        done: list[float] = []

        async def one(client: SetSmart, number: int) -> None:
            await client.properties.get("prop_123")
            done.append(number)

        async with running(answer) as server, client_of(server, deadline=None) as client:
            async with asyncio.TaskGroup() as group:
                for number in range(10_000):
                    group.create_task(one(client, number))
            assert len(asyncio.all_tasks()) <= 1 + server.open
            return server, done

    server, done = asyncio.run(main())
    assert server.seen["GET"] == len(done) == 10_000
    assert server.most_open <= 50
    lateness = sorted(place - number for place, number in enumerate(done))
    assert lateness[-1] <= 200  # first come, first served, but for those that travel at once


def test_r41_leaving_an_iteration_leaves_nothing_behind() -> None:
    async def main() -> tuple[int, int]:
        page = json.dumps({"data": [{"id": f"p{n}", "name": "A"} for n in range(5)], "next_cursor": "more"}).encode()

        async def endless(writer: asyncio.StreamWriter, number: int) -> bool:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(page) + page)
            return True

        async with running(endless) as server, client_of(server) as client:
            for _ in range(20):
                async for _ in client.properties.list():
                    break
                async for _ in client.properties.get_many(["p0", "p1"], concurrency=2):
                    break
            await asyncio.sleep(0)
            await asyncio.sleep(0.05)
            busy, open_connections = client.quota.in_flight, server.most_open
        return busy, open_connections

    busy, open_connections = asyncio.run(main())
    assert busy == 0
    assert open_connections <= 5
