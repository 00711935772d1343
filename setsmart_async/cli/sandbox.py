"""`setsmart sandbox`: SetSmart in miniature, until Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Generator
from contextlib import aclosing, contextmanager, nullcontext
from pathlib import Path
from types import FrameType

import attrs

from setsmart_async.cli.durations import in_words
from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi
from setsmart_async.sandbox.database import SandboxDatabase
from setsmart_async.sandbox.listing import PagingStyle
from setsmart_async.sandbox.quota import QuotaRule, QuotaSimulator
from setsmart_async.sandbox.seed import LISTINGS
from setsmart_async.sandbox.sender import WebhookSender
from setsmart_async.sandbox.server import SandboxServer
from setsmart_async.transports.aiohttp import AiohttpTransport


@attrs.frozen(kw_only=True)
class SandboxOptions:
    """What the command was called with."""

    port: int
    rule: QuotaRule
    skew: float
    """Seconds that its clock is ahead."""
    page_size: int
    api_key: str | None
    """None: the sandbox's own, which is no secret."""
    properties: int | None
    """None: the real listings."""
    paging: PagingStyle
    reservations: int | None = None
    """None: one for every three properties."""
    database: Path | None = None
    """Where it keeps what it holds; None: in memory."""


async def serve_sandbox(options: SandboxOptions) -> None:
    """Serve until SIGINT or SIGTERM. Raises `ConfigurationError` for settings that can not work, a taken port too."""
    api_key = SANDBOX_API_KEY if options.api_key is None else options.api_key
    properties = LISTINGS if options.properties is None else options.properties
    with (
        nullcontext() if options.database is None else SandboxDatabase(options.database) as database,
        _stopped_by_signal() as stopped,
    ):
        api = SandboxApi(
            properties,
            reservations=properties // 3 if options.reservations is None else options.reservations,
            api_keys=[api_key],
            quota=QuotaSimulator(options.rule, skew=options.skew),
            paging=options.paging,
            page_size=options.page_size,
            database=database,
        )
        transport = AiohttpTransport()
        sender = WebhookSender(api, transport)
        async with aclosing(transport), sender, SandboxServer(api, port=options.port, sender=sender) as server:
            requests = f"{options.rule.limit} requests in {in_words(options.rule.window)}"
            print(
                f"The sandbox holds {len(api.properties):,} properties and {len(api.reservations.store):,} stays, and "
                f"answers {requests}. Ctrl-C ends it. Watch it, and let it fail, at {server.page_url}\n"
                "To use it, in another terminal:",
                file=sys.stderr,
            )
            print(f"export SETSMART_BASE_URL={server.url} SETSMART_API_KEY={api_key}", flush=True)
            await stopped.wait()


@contextmanager
def _stopped_by_signal() -> Generator[asyncio.Event, None, None]:
    """An event that SIGINT and SIGTERM set, where they would have ended the process: an ignored one stays ignored."""
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    signals = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) is not signal.SIG_IGN]

    def stop(_: int, __: FrameType | None) -> None:
        loop.call_soon_threadsafe(stopped.set)

    # Not the loop's own add_signal_handler, which Windows lacks.
    before = [signal.signal(number, stop) for number in signals]
    try:
        yield stopped
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
