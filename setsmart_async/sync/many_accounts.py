"""Many accounts at once: each with its own key, quota, database and checkpoint, over shared connections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from typing import TypedDict, Unpack

import attrs

from setsmart_async.errors import ConfigurationError, SetSmartError
from setsmart_async.sync.accounts import Account
from setsmart_async.sync.progress import Mode, SyncProgress
from setsmart_async.sync.result import SyncResult
from setsmart_async.sync.sync import Sync
from setsmart_async.sync.tally import Tally
from setsmart_async.transports.aiohttp import AiohttpTransport
from setsmart_async.transports.base import Transport


class SyncSettings(TypedDict, total=False):
    """What is the same for all accounts of a sync: settings of `Sync`."""

    mode: Mode
    full_refresh: bool
    reset: bool
    dry_run: bool
    page_size: int
    in_flight: int
    overlap: float
    min_seen: float
    days_ahead: int
    days_per_request: int
    new_key: bool


@attrs.frozen(kw_only=True)
class AccountsResult:
    """What became of each account, by name."""

    results: Mapping[str, SyncResult]
    """The accounts that were completely synced."""
    errors: Mapping[str, SetSmartError]
    """The others, with what `Sync.run` raised. What was written of them is kept; the next run goes on from there."""


class AccountsSync:
    """Syncs many accounts into their databases, at most `at_once` of them at a time, in the order given.

    Every account waits for its own quota only, so that a slow one holds no other up; accounts that fail are reported
    when all others have been synced.
    """

    def __init__(
        self,
        accounts: Iterable[Account],
        *,
        at_once: int = 8,
        transport: Transport | None = None,
        progress: Callable[[str, SyncProgress], None] | None = None,
        **settings: Unpack[SyncSettings],
    ) -> None:
        """Nothing is opened yet. `progress` is told the account's name too. A `transport` stays yours to close.

        Raises `ConfigurationError` for two accounts of one name, and when `at_once` is below 1.
        """
        self._accounts = list(accounts)
        if len({account.name for account in self._accounts}) != len(self._accounts):
            raise ConfigurationError("Two accounts have the same name.")
        if at_once < 1:
            raise ConfigurationError("at_once must be 1 or more.")
        self._at_once = at_once
        self._transport = transport
        self._progress = progress
        self._settings = settings

    async def run(self) -> AccountsResult:
        """Sync all of them. Raises no account's error; when cancelled, every account keeps what was written."""
        if self._transport is not None:
            return await self._run_over(self._transport)
        transport = AiohttpTransport()
        async with aclosing(transport):
            return await self._run_over(transport)

    async def _run_over(self, transport: Transport) -> AccountsResult:
        slots = asyncio.Semaphore(self._at_once)
        results: dict[str, SyncResult] = {}
        errors: dict[str, SetSmartError] = {}

        async def one(account: Account) -> None:
            async with slots:
                try:
                    results[account.name] = await self._synced(account, transport)
                except SetSmartError as error:
                    errors[account.name] = error

        async with asyncio.TaskGroup() as group:
            for account in self._accounts:
                group.create_task(one(account))
        names = [account.name for account in self._accounts]
        return AccountsResult(
            results={name: results[name] for name in names if name in results},
            errors={name: errors[name] for name in names if name in errors},
        )

    async def _synced(self, account: Account, transport: Transport) -> SyncResult:
        tally = Tally()

        def tell(progress: SyncProgress) -> None:
            if self._progress is not None:
                self._progress(account.name, progress)

        async with account.client(transport=transport, observer=tally) as client:
            sync = Sync(
                client,
                account.database,
                resources=account.resources,
                account=account.name,
                tally=tally,
                progress=tell,
                **self._settings,
            )
            return await sync.run()
