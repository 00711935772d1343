"""`setsmart sync`: every property into a database."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import attrs

from setsmart_async.cli.durations import in_words
from setsmart_async.cli.exit_codes import CommandError, code_for
from setsmart_async.cli.progress import shown
from setsmart_async.client import SetSmart
from setsmart_async.errors import CallError, ConfigurationError, TransportError
from setsmart_async.sync import Sync, SyncResult, Tally
from setsmart_async.wire import encode_json


@attrs.frozen(kw_only=True)
class SyncOptions:
    """What the command was called with."""

    sandbox: bool
    base_url: str | None
    to: str
    """The database's URL."""
    page_size: int
    account: str | None
    new_key: bool
    json: bool


async def sync_into_database(options: SyncOptions) -> None:
    """Sync, show how it goes, and say what was done.

    Raises `CommandError` for a failed call, and the other errors of `Sync` as they are.
    """
    if options.sandbox and options.base_url is not None:
        raise ConfigurationError("--sandbox brings a server of its own: leave out --base-url.")
    tally = Tally()
    async with _opened(options, tally) as client:
        source = "sandbox" if options.sandbox else str(client.origin)
        with shown(client) as progress:
            sync = Sync(
                client,
                options.to,
                page_size=options.page_size,
                source=source,
                account=options.account,
                new_key=options.new_key,
                tally=tally,
                progress=progress.tell,
            )
            try:
                result = await sync.run()
            except CallError as error:
                place = f"{source}: " if isinstance(error, TransportError) else ""
                done = progress.latest.done
                kept = f" The {done:,} properties read so far are kept; the same command goes on from there."
                raise CommandError(f"{place}{error}{kept if done else ''}", code_for(error)) from None
    print(_summary(result, source, sync.database), file=sys.stderr)
    if options.json:
        summary = {"source": source, "database": sync.database, **attrs.asdict(result)}
        print(encode_json(summary).decode())


@asynccontextmanager
async def _opened(options: SyncOptions, tally: Tally) -> AsyncGenerator[SetSmart, None]:
    """A client for the server, which is started first where it is the sandbox."""
    if not options.sandbox:
        async with SetSmart(base_url=options.base_url, observer=tally) as client:
            yield client
        return
    from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi
    from setsmart_async.sandbox.seed import LISTINGS, seed_properties
    from setsmart_async.sandbox.server import SandboxServer

    async with (
        SandboxServer(SandboxApi(seed_properties(LISTINGS))) as server,
        SetSmart(SANDBOX_API_KEY, base_url=server.url, observer=tally) as client,
    ):
        yield client


def _summary(result: SyncResult, source: str, database: str) -> str:
    if result.new or result.changed:
        done = f"{result.new:,} new, {result.changed:,} changed, {result.unchanged:,} unchanged"
    else:
        done = "nothing has changed"
    lines = [f"Synced {result.properties:,} properties from {source} into {database}: {done}."]
    if result.resumed_from:
        lines.append(f"Went on where an earlier run had stopped: {result.resumed_from:,} were there.")
    if result.unlisted:
        lines.append(f"{result.unlisted:,} more are in the database and listed no longer; they are kept.")
    lines.append(
        f"{result.requests:,} requests in {in_words(result.seconds)}; waited {in_words(result.waited_for_quota)} "
        f"for quota; {result.rate_limited:,} refused for the rate limit (429)."
    )
    return "\n".join(lines)
