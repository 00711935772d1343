"""`setsmart sync accounts`: every account of a file into a database of its own."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Final

import attrs

from setsmart_async.cli.durations import in_words
from setsmart_async.cli.exit_codes import CommandError, ExitCode, code_for
from setsmart_async.sync import AccountsResult, AccountsSync, SyncProgress, SyncResult, SyncSettings, read_accounts
from setsmart_async.wire import encode_json

_SECONDS_BETWEEN_LINES: Final = 5.0


async def sync_accounts(file: Path, *, at_once: int, settings: SyncSettings, json: bool) -> None:
    """Sync them, show how it goes, and say what became of each.

    Raises `CommandError`, when all others are done, if an account failed: with its exit code, or with INCOMPLETE when
    several failed in different ways.
    """
    accounts = read_accounts(file)
    result = await AccountsSync(accounts, at_once=at_once, progress=_Watch().tell, **settings).run()
    for name, synced in result.results.items():
        print(f"{name}: {_done(synced)}", file=sys.stderr)
    if json:
        print(encode_json(_summary(result)).decode())
    if result.errors:
        codes = {code_for(error) for error in result.errors.values()}
        lines = [f"{name}: {error}" for name, error in result.errors.items()]
        lines.append(f"{len(result.errors)} of {len(accounts)} accounts failed; what they had written is kept.")
        raise CommandError("\n".join(lines), codes.pop() if len(codes) == 1 else ExitCode.INCOMPLETE)


def _done(result: SyncResult) -> str:
    changes = f"{result.new:,} new, {result.changed:,} changed, {result.deleted:,} deleted"
    return f"{result.records:,} records, {changes}; {result.requests:,} requests in {in_words(result.seconds)}"


def _summary(result: AccountsResult) -> dict[str, object]:
    done = {
        name: {
            **attrs.asdict(each, recurse=False),
            "resources": {resource: attrs.asdict(found) for resource, found in each.resources.items()},
        }
        for name, each in result.results.items()
    }
    return {"accounts": done, "errors": {name: str(error) for name, error in result.errors.items()}}


class _Watch:
    """A line from time to time, about the account that was heard of last."""

    def __init__(self) -> None:
        self._next = time.monotonic() + _SECONDS_BETWEEN_LINES

    def tell(self, account: str, progress: SyncProgress) -> None:
        """What `AccountsSync` calls with each step."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _SECONDS_BETWEEN_LINES
        of = "" if progress.total is None else f" of {progress.total:,}"
        print(f"{account}: {progress.done:,}{of} {progress.resource}", file=sys.stderr, flush=True)
