"""`setsmart sync`: an account into a database."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Final

import attrs

from setsmart_async.cli.durations import in_words
from setsmart_async.cli.exit_codes import CommandError, code_for
from setsmart_async.cli.progress import shown
from setsmart_async.cli.session import new_client
from setsmart_async.client import SetSmart
from setsmart_async.errors import CallError, ConfigurationError, TransportError
from setsmart_async.sync import Change, Mode, ResourceName, ResourceResult, Sync, SyncResult, Tally
from setsmart_async.wire import encode_json

_NOWHERE: Final = "-"
_STAYS_IN_THE_SANDBOX: Final = 1_000


@attrs.frozen(kw_only=True)
class SyncOptions:
    """What the command was called with."""

    resources: Sequence[ResourceName]
    """None of them: those that the account offers."""
    sandbox: bool
    base_url: str | None
    to: str
    """The database's URL, or ``-``."""
    mode: Mode
    dry_run: bool
    full_refresh: bool
    reset: bool
    page_size: int
    days_ahead: int
    overlap: float
    min_seen: float
    account: str | None
    new_key: bool
    changes: bool
    """Each change as a JSON line on stdout; always so without a database."""
    json: bool
    """The summary as JSON on stdout."""


async def sync_into_database(options: SyncOptions) -> None:
    """Sync, show how it goes, and say what was done.

    Raises `CommandError` for a failed call, and the other errors of `Sync` as they are.
    """
    writes_lines = options.changes or options.to == _NOWHERE
    if options.sandbox and options.base_url is not None:
        raise ConfigurationError("--sandbox brings a server of its own: leave out --base-url.")
    if writes_lines and options.json:
        raise ConfigurationError("--json and the changes would both go to stdout: leave one out.")
    tally = Tally()
    async with _opened(options, tally) as client:
        source = "sandbox" if options.sandbox else str(client.origin)
        with shown(client) as progress:
            sync = Sync(
                client,
                options.to,
                resources=options.resources or None,
                mode=options.mode,
                full_refresh=options.full_refresh,
                reset=options.reset,
                dry_run=options.dry_run,
                page_size=options.page_size,
                overlap=options.overlap,
                min_seen=options.min_seen,
                days_ahead=options.days_ahead,
                source=source,
                account=options.account,
                new_key=options.new_key,
                tally=tally,
                progress=progress.tell,
            )
            try:
                result = await (_writing_lines(sync) if writes_lines else sync.run())
            except CallError as error:
                place = f"{source}: " if isinstance(error, TransportError) else ""
                noun, done = sync.failed or "", progress.done_of(sync.failed)
                kept = f" The {done:,} {noun} read so far are kept; the same command goes on from there."
                said = kept if done and options.to != _NOWHERE and not options.dry_run else ""
                raise CommandError(f"{place}{error}{said}", code_for(error)) from None
    print(_summary(result, source, options, sync.database), file=sys.stderr)
    if options.json:
        resources = {name: attrs.asdict(each) for name, each in result.resources.items()}
        summary = {**attrs.asdict(result, recurse=False), "resources": resources}
        print(encode_json({"source": source, "database": sync.database, **summary}).decode())


async def _writing_lines(sync: Sync) -> SyncResult:
    async with aclosing(sync.changes()) as changes:
        async for change in changes:
            sys.stdout.write(f"{encode_json(_line(change)).decode()}\n")
    sys.stdout.flush()
    assert sync.result is not None  # noqa: S101 - it has ended well
    return sync.result


def _line(change: Change) -> dict[str, object]:
    return {"resource": change.resource, "id": change.id, "change": change.change, "record": change.raw}


@asynccontextmanager
async def _opened(options: SyncOptions, tally: Tally) -> AsyncGenerator[SetSmart, None]:
    """A client for the server, which is started first where it is the sandbox."""
    if not options.sandbox:
        async with new_client(options.base_url, observer=tally) as client:
            yield client
        return
    from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi
    from setsmart_async.sandbox.seed import LISTINGS
    from setsmart_async.sandbox.server import SandboxServer

    async with (
        SandboxServer(SandboxApi(LISTINGS, reservations=_STAYS_IN_THE_SANDBOX)) as server,
        SetSmart(SANDBOX_API_KEY, base_url=server.url, observer=tally) as client,
    ):
        yield client


def _summary(result: SyncResult, source: str, options: SyncOptions, database: str) -> str:
    lines: list[str] = []
    if options.to != _NOWHERE:
        done, would = f"Synced {source} into {database}.", f"Nothing was written; a sync of {source} into {database}:"
        lines.append(would if options.dry_run else done)
    for name, each in result.resources.items():
        lines += _lines(name, each)
    for name, status in result.skipped.items():
        lines.append(f"  {name}: skipped, the account does not offer them (the server answered {status}).")
    lines.append(
        f"{result.requests:,} requests in {in_words(result.seconds)}; waited {in_words(result.waited_for_quota)} "
        f"for quota; {result.rate_limited:,} refused for the rate limit (429)."
    )
    return "\n".join(lines)


def _lines(name: str, result: ResourceResult) -> list[str]:
    noun = "days" if name == "calendar" else name
    listed = f"{result.records:,} {noun}" if result.mode != "incremental" else f"{result.records:,} recent {noun}"
    if result.new or result.changed or result.deleted:
        deleted = f", {result.deleted:,} deleted" if result.deleted else ""
        done = f"{result.new:,} new, {result.changed:,} changed, {result.unchanged:,} unchanged{deleted}"
    else:
        done = "nothing has changed"
    lines = [f"  {listed}: {done}."]
    if result.resumed_from:
        lines.append(f"    Went on where an earlier run had stopped: {result.resumed_from:,} were there.")
    if result.passes > 1:
        lines.append(f"    The list shifted while it was read, and was read {result.passes} times.")
    if result.healed:
        lines.append(f"    {result.healed:,} were not listed, and are there when asked for by their ids: kept.")
    if result.note is not None:
        lines.append(f"    Not incremental: {result.note}.")
    return lines
