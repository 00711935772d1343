"""The sync itself: pages from the server, rows into the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial
from typing import Final, TypeVar

from setsmart_async.client import SetSmart
from setsmart_async.clock import Clock, SystemClock
from setsmart_async.errors import (
    BadRequestError,
    ConfigurationError,
    InvalidResponseError,
    NotFoundError,
    SyncIncompleteError,
    UnprocessableError,
)
from setsmart_async.policy.retry import RetryPolicy
from setsmart_async.priority import Priority
from setsmart_async.sync.database import Database
from setsmart_async.sync.identity import Identity
from setsmart_async.sync.progress import Pass, SyncProgress, SyncResult
from setsmart_async.sync.store import Store
from setsmart_async.sync.tally import Tally
from setsmart_async.sync.walk import ListChangedError, read_ahead, walk

T = TypeVar("T")

_PAGES_PER_TRANSACTION: Final = 8
_STALE_CHECKPOINT: Final = (BadRequestError, NotFoundError, UnprocessableError)


class Sync:
    """Every property of an account into a database, where it stays when the API lists it no more.

    At-least-once delivery, exactly-once effect: a page's rows and the checkpoint behind them are one transaction,
    so a run that ends at any instant is gone on with by the next one. Nothing is ever deleted: a row whose
    ``generation`` is less than the last completed pass's (``setsmart_sync.generation``) was not listed by it.

    .. code-block:: python

        tally = Tally()
        async with SetSmart(observer=tally) as setsmart:
            result = await Sync(setsmart, "sqlite:///setsmart.db", tally=tally).run()
    """

    def __init__(
        self,
        client: SetSmart,
        to: str = "sqlite:///setsmart.db",
        *,
        page_size: int = 100,
        in_flight: int = 16,
        source: str | None = None,
        account: str | None = None,
        new_key: bool = False,
        tally: Tally | None = None,
        progress: Callable[[SyncProgress], None] | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Nothing is opened yet. Raises `ConfigurationError` for a database that can not be written to.

        `to` is an SQLAlchemy URL; this version takes SQLite files. `page_size` is in records. `in_flight` is the
        most pages asked for at once, where pages have numbers. A database is only ever filled from one source and
        one account: `source` names it where the base URL can not, as for a sandbox whose port changes; `account`
        is a name of your choice for the account, without which it is known by its API key; `new_key` says that the
        account is the same though its key is another. `tally` must be the client's observer too; without one, the
        result's counts of requests and waits stay 0. `progress` is called on the event loop after each write.
        """
        if page_size < 1 or in_flight < 1:
            raise ConfigurationError("page_size and in_flight must be 1 or more.")
        if account == "" or source == "":
            raise ConfigurationError("account and source must not be empty: leave them out, or name them.")
        self._client = client.with_options(
            deadline=None, queueing_counts=False, priority=Priority.BULK, retry=RetryPolicy(max_attempts=5)
        )
        self._database = Database(to)
        self._store = Store(self._database)
        self._page_size = page_size
        self._in_flight = in_flight
        self._source = str(client.origin) if source is None else source
        self._account = account
        self._new_key = new_key
        self._tally = Tally() if tally is None else tally
        self._progress = progress
        self._clock: Clock = SystemClock() if clock is None else clock

    @property
    def database(self) -> str:
        """The database's path."""
        return self._database.place

    async def run(self) -> SyncResult:
        """Read every page and write it, from where an interrupted run stopped.

        Raises `SyncIncompleteError` when it can not be said that every property was seen, or one was unusable;
        `StoreError` for what the database refuses; `ConfigurationError` when the database is another account's;
        and the errors of a call (see `errors`). Whatever it raises, also when cancelled: what was written is kept,
        and the next run goes on from there. One that raised for a list that had changed starts a new pass.
        """
        began, before = self._clock.monotonic(), self._tally.counts
        writer = _Writer()
        try:
            await writer.do(self._database.open)
            fingerprint = await self._client.key_fingerprint()
            identity = Identity(source=self._source, account=self._account, key_fingerprint=fingerprint)
            start = await writer.do(partial(self._begin, identity))
            start, ended = await self._walk(writer, start)
            doubt, unlisted = await writer.do(partial(self._store.finish, ended, now=self._now()))
        finally:
            await writer.end(self._database.close)
        if doubt is not None:
            raise _incomplete(doubt, ended)
        used = self._tally.counts
        return SyncResult(
            properties=ended.counts.rows,
            new=ended.counts.new - start.counts.new,
            changed=ended.counts.changed - start.counts.changed,
            unchanged=ended.counts.unchanged - start.counts.unchanged,
            unlisted=unlisted,
            pages=ended.pages - start.pages,
            resumed_from=start.counts.rows,
            seconds=self._clock.monotonic() - began,
            requests=used.requests - before.requests,
            rate_limited=used.rate_limited - before.rate_limited,
            retries=used.retries - before.retries,
            waited_for_quota=used.waited_for_quota - before.waited_for_quota,
        )

    async def _walk(self, writer: _Writer, start: Pass) -> tuple[Pass, Pass]:
        """Write every page behind `start`'s checkpoint; the pass as it began and as it ended."""
        reached = start
        self._tell(start, reached)
        if start.is_at_the_end:
            return start, reached
        listing = self._client.properties.list(page_size=self._page_size)
        pages = walk(listing, start.checkpoint, page_size=self._page_size, in_flight=self._in_flight)
        try:
            async with aclosing(read_ahead(pages, _PAGES_PER_TRANSACTION)) as arriving:
                async for steps in arriving:
                    reached = await writer.do(partial(self._store.write, reached, steps, now=self._now()))
                    self._tell(start, reached)
        except ListChangedError as change:
            await writer.do(partial(self._store.give_up, reached, str(change), now=self._now()))
            raise _incomplete(str(change), reached) from None
        except InvalidResponseError as fault:
            raise SyncIncompleteError(
                f"{fault} Nothing of that page was written; the {reached.counts.rows} properties before it are kept, "
                "and the next run goes on behind them."
            ) from fault
        except _STALE_CHECKPOINT:
            if start.checkpoint is None or reached is not start:
                raise
            # The server remembers the checkpoint's cursor no more: what it led to can only be found from the start.
            return await self._walk(writer, await writer.do(partial(self._store.begin_anew, start, now=self._now())))
        return start, reached

    def _begin(self, identity: Identity) -> Pass:
        return self._store.begin(identity, new_key=self._new_key, page_size=self._page_size, now=self._now())

    def _tell(self, start: Pass, reached: Pass) -> None:
        if self._progress is not None:
            done, resumed_from = reached.counts.rows, start.counts.rows
            self._progress(SyncProgress(done=done, resumed_from=resumed_from, total=reached.total))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.wall(), UTC)


class _Writer:
    """The one thread that touches the database, so that the event loop goes on fetching."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="setsmart-sync")

    async def do(self, work: Callable[[], T]) -> T:
        """Run this in the thread, after everything before it."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def end(self, work: Callable[[], None]) -> None:
        """Run this as the last thing, even when nobody can wait for it any more."""
        try:
            await asyncio.shield(self.do(work))
        finally:
            self._thread.shutdown(wait=False)


def _incomplete(doubt: str, ended: Pass) -> SyncIncompleteError:
    return SyncIncompleteError(
        f"It can not be said that every property was seen: {doubt}. The {ended.counts.rows} that were read are kept. "
        "Run it again: it starts from the first page."
    )
