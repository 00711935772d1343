"""``--dry-run``: what would be sent, and nothing is."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from typing import Annotated, TypeVar

from cyclopts import Parameter

from setsmart_async.cli.output import Format, format_for, pretty
from setsmart_async.cli.plain_text import plain
from setsmart_async.cli.session import Work
from setsmart_async.cli.settings import current
from setsmart_async.client import SetSmart
from setsmart_async.clock import SystemClock
from setsmart_async.errors import ConfigurationError, InvalidResponseError, SetSmartError
from setsmart_async.keys import ApiKey
from setsmart_async.limits.local import LocalLimiter
from setsmart_async.transports.memory import MemoryTransport
from setsmart_async.wire import HttpRequest, HttpResponse, Json, decode_json, encode_json

T = TypeVar("T")

DryRunOption = Annotated[
    bool,
    Parameter(name="--dry-run", negative=(), show_default=False, help="Print the request, and send nothing."),
]


def print_requests(work: Work[T], base_url: str | None, output: Format | None) -> None:
    """Print the requests that the work would send: for a person on a terminal, else one JSON object a line.

    They are made by the client that would send them, with every setting of the dialect. No key is needed. Raises
    `ConfigurationError` for arguments that the library refuses.
    """
    as_json = format_for(output) != "table"
    for request in asyncio.run(_planned(work, base_url)):
        path = f"{request.origin.path}{request.target}"
        body: Json = None if request.body is None else decode_json(request.body)
        if as_json:
            print(encode_json({"method": request.method, "path": path, "body": body}).decode())
        else:
            print(request.method, plain(path))
            if body is not None:
                print(pretty(body))
    print("setsmart: nothing was sent (--dry-run).", file=sys.stderr)


async def _planned(work: Work[T], base_url: str | None) -> list[HttpRequest]:
    requests: list[HttpRequest] = []

    def answer(request: HttpRequest) -> HttpResponse:
        requests.append(request)
        # Where PUT replaces, the record is read first: here it has nothing but its id.
        return HttpResponse(status=200, body=encode_json({"id": request.target.rpartition("/")[2]}))

    client = SetSmart(
        ApiKey("dry-run"),  # never shown, never sent
        base_url=base_url,
        dialect=current().dialect,
        transport=MemoryTransport(answer),
        limiter=LocalLimiter(max_concurrency=1, clock=SystemClock()),
    )
    async with client:
        try:
            with suppress(InvalidResponseError):  # the answer is no record, and need not be one
                await work(client)
        except ValueError as problem:
            if isinstance(problem, SetSmartError):
                raise
            raise ConfigurationError(str(problem)) from None
    return requests
