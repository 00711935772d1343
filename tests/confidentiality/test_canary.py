"""No key and no guest in anything that a failing call leaves behind: errors, logs, warnings, tracebacks, pickles."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress

import pytest
from confidentiality.canary import GUEST, KEY, gives_away, listening, reachable, said_by, shown_by

from setsmart_async import CallError, RetryPolicy, SetSmart, SetSmartError

JSON = b'{"error": {"code": "planned", "message": "%s used %s"}}' % (GUEST.encode(), KEY.encode())
ECHO = b'{"id": 7, "name": "%s", "address": "%s"}' % (GUEST.encode(), KEY.encode())


def answer(status: int, body: bytes = JSON, *fields: bytes) -> bytes:
    head = [b"HTTP/1.1 %d Planned" % status, b"Content-Length: %d" % len(body), b"X-Echo: " + KEY.encode(), *fields]
    return b"\r\n".join([*head, b"", body])


ANSWERS: dict[str, bytes] = {
    **{str(status): answer(status) for status in (301, 400, 401, 403, 404, 409, 418, 422, 429, 500, 503, 999)},
    "redirect": answer(307, b"", b"Location: https://evil.example/?key=" + KEY.encode()),
    "a record of another shape": answer(200, ECHO),
    "no JSON": answer(200, b"<html>" + KEY.encode() + GUEST.encode()),
    "cut JSON": answer(200, ECHO[:-9]),
    "not HTTP": b"SSH-2.0 " + KEY.encode() + b"\r\n\r\n",
    "a bad header": b"HTTP/1.1 200 OK\r\nX-Echo\0: " + KEY.encode() + b"\r\n\r\n",
    "two lengths": answer(200, ECHO, b"Content-Length: 7"),
    "cut body": answer(200, ECHO)[:-9],
    "no length": b"HTTP/1.1 200 OK\r\n\r\n" + ECHO,
    "broken gzip": answer(200, ECHO, b"Content-Encoding: gzip"),
    "another encoding": answer(200, ECHO, b"Content-Encoding: br"),
    "nothing": b"",
    "silence": b"...",
}
CALLS: dict[str, Callable[[SetSmart], Coroutine[object, object, object]]] = {
    "get": lambda client: client.properties.get("prop_1"),
    "list": lambda client: client.properties.list().all(),
    "create": lambda client: client.properties.create(name=GUEST, address=GUEST, bedrooms=1, bathrooms=1, max_guests=2),
    "update": lambda client: client.properties.update("prop_1", name=GUEST),
    "delete": lambda client: client.properties.delete("prop_1"),
}


@asynccontextmanager
async def server_of(canned: bytes) -> AsyncIterator[int]:
    """Sends these bytes to whoever asks, and hangs up; ``...`` stands for never a word."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            if canned == b"...":
                await reader.read()
            writer.write(canned)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def failure_of(main: Coroutine[object, object, object]) -> SetSmartError:
    with pytest.raises(SetSmartError) as caught:
        asyncio.run(main, debug=True)
    return caught.value


def assert_silent(error: SetSmartError, heard: str, *, about_guests: bool = False) -> None:
    assert not gives_away(said_by(error), KEY)
    assert not gives_away(said_by(error), GUEST)
    assert "canary" not in said_by(error).lower()
    for name in ("message", "errors", "problems"):  # the server's own words, which it may have echoed
        vars(error).pop(name, None)
    assert not gives_away(shown_by(error), KEY)
    assert about_guests or not gives_away(shown_by(error), GUEST)
    assert not gives_away(heard, KEY)
    assert "canarysen" not in heard.lower()
    for part in reachable(error):
        module = type(part).__module__.partition(".")[0]
        assert module not in {"aiohttp", "httpx", "httpx2", "httpcore", "yarl", "multidict"}, part


SAMPLE = ("400", "500", "cut body", "a record of another shape")


@pytest.mark.parametrize(
    ("answered", "name"),
    [(answered, name) for answered in ANSWERS for name in CALLS if name in {"get", "create"} or answered in SAMPLE],
)
def test_r42_r43_a_failing_call_gives_nothing_away(answered: str, name: str) -> None:
    canned, calling = ANSWERS[answered], CALLS[name]

    async def main() -> None:
        async with server_of(canned) as port:
            client = SetSmart(
                KEY,
                base_url=f"http://127.0.0.1:{port}/v1",
                attempt_timeout=0.3,
                retry=RetryPolicy(max_attempts=2, transient_base=0.001, longest_wait=0.001),
            )
            async with client:
                if await calling(client) is None:  # a delete asks only for the status
                    raise CallError("as planned")

    with listening() as ears:
        error = failure_of(main())
    assert len(ears.records) > 2
    # What the caller passes in stands in the frames of the methods that take it: whose traceback shows those, asked.
    assert_silent(error, ears.heard, about_guests=name in {"create", "update"})


async def refused_connection() -> None:
    async with server_of(b"") as port:
        pass
    async with SetSmart(KEY, base_url=f"http://127.0.0.1:{port}/v1", retry=RetryPolicy(max_attempts=1)) as client:
        await client.properties.get("prop_1")


async def no_tls() -> None:
    once = RetryPolicy(max_attempts=1)
    async with (
        server_of(answer(200)) as port,
        SetSmart(KEY, base_url=f"https://127.0.0.1:{port}", retry=once, attempt_timeout=0.3) as client,
    ):
        await client.properties.get("prop_1")


async def closed() -> None:
    client = SetSmart(KEY, base_url="http://127.0.0.1:1/v1")
    await client.aclose()
    await client.properties.get("prop_1")


async def closed_on_the_way() -> None:
    async with server_of(b"...") as port:
        client = SetSmart(KEY, base_url=f"http://127.0.0.1:{port}/v1")
        calling = asyncio.create_task(CALLS["create"](client))
        await asyncio.sleep(0.1)
        await client.aclose()
        await calling


async def deadline() -> None:
    async with server_of(b"...") as port, SetSmart(KEY, base_url=f"http://127.0.0.1:{port}/v1", deadline=0.1) as client:
        await CALLS["create"](client)


async def no_key() -> None:
    def provider() -> str:
        raise OSError(f"no {KEY} in the vault")

    async with SetSmart(provider, base_url="http://127.0.0.1:1/v1") as client:
        await client.properties.get("prop_1")


async def refused_settings() -> None:
    SetSmart(KEY, fallback_key=f"{KEY} {GUEST}", base_url="http://127.0.0.1:1/v1")


FAILURES = [refused_connection, no_tls, closed, closed_on_the_way, deadline, no_key, refused_settings]


@pytest.mark.parametrize("failing", FAILURES, ids=lambda failing: failing.__name__)
def test_r42_r43_failures_without_an_answer_give_nothing_away(
    failing: Callable[[], Coroutine[object, object, None]],
) -> None:
    with listening() as ears:
        error = failure_of(failing())
    assert_silent(error, ears.heard, about_guests=failing in {closed_on_the_way, deadline, refused_settings})


def test_r42_a_working_call_logs_no_secret() -> None:
    async def main() -> None:
        body = b'{"id": "prop_1", "name": "%s"}' % GUEST.encode()
        async with (
            server_of(answer(200, body)) as port,
            SetSmart(KEY, base_url=f"http://127.0.0.1:{port}/v1") as client,
        ):
            villa = await client.properties.get("prop_1")
            assert villa.name == GUEST

    with listening() as ears:
        asyncio.run(main(), debug=True)
    assert len(ears.records) > 2
    assert "canarysen" not in ears.heard.lower()
    assert not gives_away(ears.heard, KEY)


def test_the_ears_hear_and_the_search_finds() -> None:
    import base64
    import logging

    with listening() as ears:
        logging.getLogger("aiohttp.client").debug("header %s", base64.b64encode(b"key: " + KEY.encode()).decode())
    assert gives_away(ears.heard, KEY)
    assert gives_away(shown_by(ValueError(KEY)), KEY)
    inner = ValueError("outer")
    inner.__context__ = KeyError({"X-API-Key": KEY})
    assert gives_away(shown_by(inner), KEY)
