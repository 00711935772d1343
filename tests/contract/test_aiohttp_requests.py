"""What aiohttp is handed, and what it must not add: header fields, by both ways."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

import pytest
from contract.aiohttp_by_session import BySession

from setsmart_async import AiohttpTransport, HttpRequest, Origin

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def fields_sent(
    transport: AiohttpTransport, requests: Iterable[tuple[str, Mapping[str, str], bytes | None]]
) -> list[set[str]]:
    """The header lines of each request as a server gets them; each is asked for when the one before is done."""

    async def main() -> list[set[str]]:
        seen: list[set[str]] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().strip()
            seen.append(set(head.splitlines()[1:]))
            writer.write(ANSWER)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        origin = Origin("http", "127.0.0.1", server.sockets[0].getsockname()[1], "/v1")
        for method, headers, body in requests:
            request = HttpRequest(method=method, origin=origin, target="/x", headers=headers, body=body)
            await transport.send(request, timeout=5.0)
        await transport.aclose()
        server.close()
        return seen

    return asyncio.run(main())


@pytest.fixture(params=[AiohttpTransport, BySession])
def transport(request: pytest.FixtureRequest) -> AiohttpTransport:
    made: AiohttpTransport = request.param()
    return made


@pytest.mark.parametrize(("method", "body"), [("GET", None), ("POST", None), ("PUT", b"{}"), ("DELETE", None)])
def test_nothing_is_said_of_program_or_type_that_was_not_asked_for(
    transport: AiohttpTransport, method: str, body: bytes | None
) -> None:
    (sent,) = fields_sent(transport, [(method, {"X-API-Key": "key-of-the-tests"}, body)])
    assert "X-API-Key: key-of-the-tests" in sent
    assert not {line for line in sent if line.startswith(("User-Agent:", "Content-Type:"))}


def test_each_request_has_its_own_fields(transport: AiohttpTransport) -> None:
    """Those of one mapping are made once: no other mapping may get them, and one that changed neither."""
    fixed = [MappingProxyType({"X-API-Key": key}) for key in ("first", "second")]
    changing: dict[str, str] = {}

    def requests() -> Iterator[tuple[str, Mapping[str, str], None]]:
        for headers in (*fixed, *fixed):
            yield "GET", headers, None
        for key in ("third", "fourth"):
            changing["X-API-Key"] = key
            yield "GET", changing, None

    keys = [
        next(line for line in lines if line.startswith("X-API-Key")) for lines in fields_sent(transport, requests())
    ]
    assert keys == [f"X-API-Key: {key}" for key in ("first", "second", "first", "second", "third", "fourth")]
