"""One resource: its pass, the verdict on it, and the sweep behind it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import attrs

from setsmart_async.client import SetSmart
from setsmart_async.errors import (
    BadRequestError,
    InvalidResponseError,
    NotFoundError,
    SyncIncompleteError,
    UnprocessableError,
)
from setsmart_async.sync.calendar import Horizon, calendar_steps
from setsmart_async.sync.details import Details
from setsmart_async.sync.identity import Identity
from setsmart_async.sync.listings import listing_of
from setsmart_async.sync.progress import Counts, Pass, SyncProgress
from setsmart_async.sync.read_ahead import read_ahead
from setsmart_async.sync.read_pages import ListChangedError
from setsmart_async.sync.result import Change, ResourceResult
from setsmart_async.sync.settings import Settings
from setsmart_async.sync.steps import Step
from setsmart_async.sync.store import Store
from setsmart_async.sync.sweep import refusal, swept
from setsmart_async.sync.tables import CALENDAR, SyncedResource
from setsmart_async.sync.walk import walk
from setsmart_async.sync.writer import Writer

_PAGES_PER_TRANSACTION: Final = 8
_MOST_PASSES: Final = 3
_PROPERTIES_AT_ONCE: Final = 500
_REFUSED: Final = (BadRequestError, NotFoundError, UnprocessableError)
_NO_FILTER: Final = "the list knows no updated_since, so all of it was read"
_NO_BOOKMARK: Final = "there is no complete pass to go on from, so all of it was read"
_SLACK: Final = timedelta(seconds=1)  # a server that keeps whole seconds


@attrs.frozen
class _Done:
    """A pass that has seen everything, and what this run did until then."""

    start: Pass
    """As it was when this run took it up."""
    reached: Pass
    counts: Counts
    """Of all passes of this run."""
    pages: int
    passes: int
    resumed_from: int


class _FilterIgnoredError(Exception):
    """A record came that had not changed since the time that was asked for."""


class ResourceSync:
    """Brings one resource up to date."""

    def __init__(
        self,
        client: SetSmart,
        resource: SyncedResource,
        stores: tuple[Store, Store],
        writer: Writer,
        settings: Settings,
        *,
        now: Callable[[], datetime],
        tell: Callable[[SyncProgress], None],
        changed: Callable[[Sequence[Change]], Awaitable[None]],
    ) -> None:
        """`stores`: the resource's, and that of the properties, whose calendars are asked for."""
        self._client = client
        self._resource = resource
        self._store, self._properties = stores
        self._writer = writer
        self._settings = settings
        self._now = now
        self._report = tell
        self._changed = changed
        self._details = Details(client, resource, in_flight=settings.in_flight, now=now)
        self._total: int | None = None
        self._note: str | None = None
        self.has_begun: bool = False
        """Whether a page has come, in this run or in the one that it goes on with."""

    async def run(self, identity: Identity) -> ResourceResult:
        """Read, write, judge and sweep. Raises what `Sync.run` says."""
        plan = self._settings.plan(self._resource)
        begin = partial(self._store.begin, identity, plan, new_key=self._settings.new_key, now=self._now())
        start = await self._writer.do(begin)
        if plan.mode == "incremental" and start.mode == "full":
            self._note = _NO_BOOKMARK
        done = await self._believed(start)
        reached = await self._sweep(done.reached)
        finish = partial(self._store.finish, reached, overlap=self._settings.overlap, now=self._now())
        last = reached.counts - done.start.counts
        return ResourceResult(
            mode=reached.mode,
            records=reached.counts.rows,
            live=await self._writer.do(finish),
            new=done.counts.new,
            changed=done.counts.changed,
            # What a pass before this one, of the same run, has written is no news to this one.
            unchanged=max(0, last.unchanged + last.new + last.changed - done.counts.new - done.counts.changed),
            deleted=last.deleted,
            healed=last.healed,
            pages=done.pages,
            passes=done.passes,
            resumed_from=done.resumed_from,
            note=self._note,
        )

    async def _believed(self, start: Pass) -> _Done:
        """Walk until a pass has seen everything. What shifted while it was read is read again at once.

        Raises `SyncIncompleteError` after three passes, or two that had the same doubt.
        """
        counts, pages, doubts, resumed_from = Counts(), 0, list[str](), start.counts.rows
        while True:
            doubt: str | None
            try:
                walked_from, reached = await self._walked(start)
                doubt = await self._doubt(reached)
            except ListChangedError as change:
                walked_from, reached, doubt = self._began, self._reached, str(change)
            except _FilterIgnoredError:
                self._note = _NO_FILTER
                counts = counts + (self._reached.counts - self._began.counts)
                pages += self._reached.pages - self._began.pages
                start = await self._save(self._reached.anew(self._now(), mode="full"))
                continue
            counts, pages = counts + (reached.counts - walked_from.counts), pages + reached.pages - walked_from.pages
            if not doubts:
                resumed_from = walked_from.counts.rows
            if doubt is None:
                return _Done(walked_from, reached, counts, pages, len(doubts) + 1, resumed_from)
            await self._save(attrs.evolve(reached, drift=doubt))
            if len(doubts) + 1 == _MOST_PASSES or doubt in doubts:
                raise self._incomplete(doubt, reached)
            doubts.append(doubt)
            start = await self._save(reached.anew(self._now()))

    async def _walked(self, start: Pass) -> tuple[Pass, Pass]:
        """Write every page behind `start`'s checkpoint; the pass as it began and as it ended."""
        self._began = self._reached = start
        self.has_begun |= start.pages > 0
        if self._resource is CALENDAR:
            self._total = await self._writer.do(self._properties.live)
        self._tell(start, start)
        if start.is_at_the_end:
            return start, start
        try:
            async with aclosing(read_ahead(self._steps(start), _PAGES_PER_TRANSACTION)) as arriving:
                async for steps in arriving:
                    self._check_filter(start, steps)
                    await self._write(start, steps)
        except InvalidResponseError as fault:
            raise SyncIncompleteError(
                f"{fault} Nothing of that page was written; the {self._reached.counts.rows} {self._resource.many} "
                "before it are kept, and the next run goes on behind them."
            ) from fault
        except _REFUSED:
            if self._reached is not start:
                raise
            if start.checkpoint is not None:
                # The server remembers the checkpoint's cursor no more: what it led to can only be found anew.
                return await self._walked(await self._save(start.anew(self._now())))
            if start.mode != "incremental":
                raise
            raise _FilterIgnoredError from None
        return start, self._reached

    async def _write(self, start: Pass, steps: Sequence[Step]) -> None:
        write = partial(self._store.write, self._reached, steps, now=self._now())
        written = await self._writer.do(write)
        self._reached, self.has_begun = written.reached, True
        self._tell(start, written.reached)
        await self._changed(written.changes)

    def _steps(self, start: Pass) -> AsyncGenerator[Step, None]:
        settings = self._settings
        if self._resource is CALENDAR:
            horizon = Horizon.of(start.started_at, settings.days_ahead, settings.days_per_request)
            return calendar_steps(
                self._client,
                self._following,
                start.checkpoint,
                horizon,
                in_flight=settings.in_flight,
                now=self._now,
            )
        steps = walk(
            self._resource,
            listing_of(self._client, self._resource, page_size=settings.page_size, since=start.since),
            start.checkpoint,
            page_size=settings.page_size,
            in_flight=settings.in_flight,
            now=self._now,
        )
        return self._details.fill(steps) if start.mode == "hydrate" else steps

    async def _following(self, after: str | None) -> list[str]:
        return await self._writer.do(partial(self._properties.following, after, limit=_PROPERTIES_AT_ONCE))

    def _check_filter(self, start: Pass, steps: Sequence[Step]) -> None:
        if start.since is None:
            return
        earliest = start.since - _SLACK
        if any(row.updated_at is None or row.updated_at < earliest for step in steps for row in step.rows):
            raise _FilterIgnoredError

    async def _doubt(self, ended: Pass) -> str | None:
        if self._resource is CALENDAR:
            return None  # property by property: there is no list that could have shifted
        standing = await self._writer.do(partial(self._store.standing, ended))
        before = standing.unseen + ended.counts.changed + ended.counts.unchanged
        return ended.doubt(rows_before=before)

    async def _sweep(self, ended: Pass) -> Pass:
        if self._resource is CALENDAR or not ended.sees_everything:
            return ended
        standing = await self._writer.do(partial(self._store.standing, ended))
        if standing.unseen == 0:
            return ended
        why = refusal(standing, self._resource, min_seen=self._settings.min_seen)
        if why is not None:
            await self._save(attrs.evolve(ended, drift=why))
            raise SyncIncompleteError(f"{why}; or run it again, and it starts from the first page.")
        async with aclosing(swept(ended, self._details, self._store, self._writer, self._now)) as batches:
            async for written in batches:
                ended = written.reached
                await self._changed(written.changes)
        return ended

    async def _save(self, going_on: Pass) -> Pass:
        return await self._writer.do(partial(self._store.save, going_on, now=self._now()))

    def _tell(self, start: Pass, reached: Pass) -> None:
        is_calendar = self._resource is CALENDAR
        self._report(
            SyncProgress(
                resource=self._resource.name,
                done=reached.pages if is_calendar else reached.counts.rows,
                resumed_from=start.pages if is_calendar else start.counts.rows,
                total=self._total if is_calendar else reached.total,
            )
        )

    def _incomplete(self, doubt: str, ended: Pass) -> SyncIncompleteError:
        return SyncIncompleteError(
            f"It can not be said that every {self._resource.one} was seen: {doubt}. The {ended.counts.rows} that were "
            "read are kept. Run it again: it starts from the first page."
        )
