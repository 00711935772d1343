"""The sync itself: resource by resource from the server into the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from setsmart_async.client import SetSmart
from setsmart_async.clock import Clock, SystemClock
from setsmart_async.errors import (
    ApiError,
    AuthenticationError,
    ConfigurationError,
    InvalidResponseError,
    NotFoundError,
    PermissionDeniedError,
    SyncIncompleteError,
)
from setsmart_async.sync.database import Database
from setsmart_async.sync.identity import Identity
from setsmart_async.sync.listings import for_bulk_work
from setsmart_async.sync.progress import Mode, SyncProgress
from setsmart_async.sync.rehearsal import Rehearsal
from setsmart_async.sync.resource_sync import ResourceSync
from setsmart_async.sync.result import Change, ResourceResult, SyncResult
from setsmart_async.sync.settings import Settings
from setsmart_async.sync.store import Store
from setsmart_async.sync.tables import CALENDAR, PROPERTIES, RESOURCES, ResourceName, SyncedResource
from setsmart_async.sync.tally import Tally
from setsmart_async.sync.writer import Writer

DEFAULT_RESOURCES: Final[tuple[ResourceName, ...]] = ("properties", "reservations", "conversations")
"""What is synced when nothing is named: calendars cost a request per property."""

_MOST_OVERLAP: Final = 10 * 366 * 86_400.0

NOWHERE: Final = "-"
"""In place of a database's URL: none, for those who take the changes themselves."""


class Sync:
    """An account into a database, and kept there.

    At-least-once delivery, exactly-once effect, and never a deletion on a partial pull: a page's rows and the
    checkpoint behind them are one transaction, so that a run that ends at any instant is gone on with by the next one;
    a row is marked as deleted (`deleted_at`), never removed, and only after a complete pass did not list it and the
    server answered 404 for its id.

    .. code-block:: python

        tally = Tally()
        async with SetSmart(observer=tally) as setsmart:
            result = await Sync(setsmart, "sqlite:///setsmart.db", tally=tally).run()

    `resources` are read in one order whatever theirs; left out, all but the calendars that the account offers.
    Calendars need properties, which are then read first, and are kept for `days_ahead`, so many of them in a request.
    For `mode` see `Mode`; an ``incremental`` pass reaches `overlap` seconds behind what was seen before.
    `full_refresh` reads all from the first page, and takes the server's word also where a row claims to be newer;
    `reset` forgets checkpoints and bookmarks first, no row; `dry_run` writes nothing. `page_size` is in records.
    `in_flight` is the most requests at once. `min_seen` is the share of the rows that a pass must have met before
    others may be marked as deleted.

    A database is only ever filled from one source and one account: `source` names it where the base URL can not, as for
    a sandbox whose port changes; `account` is a name of your choice for the account, without which it is known by its
    API key; `new_key` says that the account is the same though its key is another.

    Several syncs may run in one process: each has a thread and a database of its own.
    """

    def __init__(
        self,
        client: SetSmart,
        to: str = "sqlite:///setsmart.db",
        *,
        resources: Iterable[ResourceName] | None = None,
        mode: Mode = "full",
        full_refresh: bool = False,
        reset: bool = False,
        dry_run: bool = False,
        page_size: int = 100,
        in_flight: int = 16,
        overlap: float = 300.0,
        min_seen: float = 0.8,
        days_ahead: int = 365,
        days_per_request: int = 365,
        source: str | None = None,
        account: str | None = None,
        new_key: bool = False,
        tally: Tally | None = None,
        progress: Callable[[SyncProgress], None] | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Nothing is opened yet. Raises `ConfigurationError` for a database or numbers that can not be meant.

        `to` is an SQLAlchemy URL of SQLite or PostgreSQL, or ``-`` for none. `tally` must be the client's observer too:
        without one, counts of requests and waits stay 0. `progress` is called on the event loop after each write.
        """
        if account == "" or source == "":
            raise ConfigurationError("account and source must not be empty: leave them out, or name them.")
        if not 0 <= overlap <= _MOST_OVERLAP:
            raise ConfigurationError("overlap is in seconds, not negative, and not more than ten years.")
        self._named = None if resources is None else frozenset(resources)
        self._resources = _chosen(self._named)
        self._client = for_bulk_work(client)
        self._database = Database(None if to == NOWHERE else to)
        self._is_dry = dry_run or to == NOWHERE
        self._settings = Settings(
            mode=mode,
            page_size=page_size,
            in_flight=in_flight,
            overlap=timedelta(seconds=overlap),
            min_seen=min_seen,
            days_ahead=days_ahead,
            days_per_request=days_per_request,
            full_refresh=full_refresh,
            reset=reset,
            new_key=new_key,
        )
        self._source, self._account = str(client.origin) if source is None else source, account
        self._tally = Tally() if tally is None else tally
        self._progress = progress
        self._clock: Clock = SystemClock() if clock is None else clock
        self._changes: asyncio.Queue[Sequence[Change] | None] | None = None
        self.results: dict[ResourceName, ResourceResult] = {}
        """The resources that the last run has completed, also when it raised for another one."""
        self.failed: ResourceName | None = None
        """The resource that the last run raised for."""
        self.result: SyncResult | None = None
        """What the last complete run did."""

    @property
    def database(self) -> str:
        """The database's path, or its name and server."""
        return self._database.place

    async def run(self) -> SyncResult:
        """Read every page and write it, from where an interrupted run stopped.

        Raises `SyncIncompleteError` when it can not be said that every record was seen, or one was unusable;
        `StoreError` for what the database refuses; `ConfigurationError` when the database is another account's;
        and the errors of a call (see `errors`). A resource that fails does not keep those behind it from being read:
        its error is raised at the end. Whatever it raises, also when cancelled: what was written is kept, nothing is
        deleted, and the next run goes on from there. One that raised for a list that had changed starts a new pass.
        """
        began, before = self._clock.monotonic(), self._tally.counts
        self.results, self.result, self.failed = {}, None, None
        writer = Writer()
        try:
            await writer.do(self._open)
            identity = Identity(
                source=self._source, account=self._account, key_fingerprint=await self._client.key_fingerprint()
            )
            skipped = await self._each(writer, identity)
        finally:
            await writer.end(self._database.close)
        used = self._tally.counts
        self.result = SyncResult(
            resources=dict(self.results),
            skipped=skipped,
            seconds=self._clock.monotonic() - began,
            requests=used.requests - before.requests,
            rate_limited=used.rate_limited - before.rate_limited,
            retries=used.retries - before.retries,
            waited_for_quota=used.waited_for_quota - before.waited_for_quota,
        )
        return self.result

    async def changes(self) -> AsyncGenerator[Change, None]:
        """A `run`, record by record: each that is new, changed or deleted, when its transaction is committed.

        Raises what `run` does, after the changes before it. Leave it early inside `contextlib.aclosing`: the run is
        cancelled then, and what was written is kept. `result` is there when it has ended.
        """
        self._changes = queue = asyncio.Queue[Sequence[Change] | None](maxsize=1)
        running = asyncio.create_task(self._run_into(queue))
        try:
            while (some := await queue.get()) is not None:
                for change in some:
                    yield change
            await running
        finally:
            self._changes = None
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def _run_into(self, queue: asyncio.Queue[Sequence[Change] | None]) -> None:
        try:
            await self.run()
        finally:
            if (task := asyncio.current_task()) is not None and not task.cancelling():
                await queue.put(None)

    async def _each(self, writer: Writer, identity: Identity) -> dict[ResourceName, int]:
        """Sync every resource; those that were skipped. Raises the first error, after all of them."""
        kind = Rehearsal if self._is_dry else Store
        trusting = self._settings.full_refresh
        stores = {each.name: kind(self._database, each, trusting=trusting) for each in self._resources}
        skipped, failures = dict[ResourceName, int](), list[Exception]()
        for resource in self._resources:
            sync = ResourceSync(
                self._client,
                resource,
                (stores[resource.name], stores["properties"] if "properties" in stores else stores[resource.name]),
                writer,
                self._settings,
                now=self._now,
                tell=self._tell,
                changed=self._tell_changes,
            )
            self.failed = resource.name if not failures else self.failed
            try:
                self.results[resource.name] = await sync.run(identity)
            except AuthenticationError:
                raise
            except (ApiError, InvalidResponseError, SyncIncompleteError) as error:
                is_offered = sync.has_begun or resource is PROPERTIES or self._named is not None
                if isinstance(error, NotFoundError | PermissionDeniedError) and not is_offered:
                    skipped[resource.name] = error.status
                else:
                    failures.append(error)
        if failures:
            raise failures[0]
        self.failed = None
        return skipped

    def _open(self) -> None:
        if self._is_dry:
            self._database.open_to_read()
        else:
            self._database.open(self._resources)

    def _tell(self, progress: SyncProgress) -> None:
        if self._progress is not None:
            self._progress(progress)

    async def _tell_changes(self, changes: Sequence[Change]) -> None:
        if self._changes is not None and changes:
            await self._changes.put(changes)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.wall(), UTC)


def _chosen(named: frozenset[ResourceName] | None) -> tuple[SyncedResource, ...]:
    """What is read, in order. Raises `ConfigurationError` for a name that is none."""
    wanted: set[str] = set(DEFAULT_RESOURCES if named is None else named)
    if not wanted or wanted - RESOURCES.keys():
        raise ConfigurationError(f"What can be synced: {', '.join(RESOURCES)}.")
    if CALENDAR.name in wanted:
        wanted.add(PROPERTIES.name)
    return tuple(resource for name, resource in RESOURCES.items() if name in wanted)
