"""Parts of a sync that any task engine can run: small, picklable, without keys, each with an event loop of its own.

With ``SETSMART_REDIS_URL`` set where they run, all parts of one account share its quota.
"""

from __future__ import annotations

import asyncio

import attrs

from setsmart_async.errors import ConfigurationError
from setsmart_async.sync.accounts import Account
from setsmart_async.sync.listings import for_bulk_work, listing_of
from setsmart_async.sync.many_accounts import SyncSettings
from setsmart_async.sync.result import SyncResult
from setsmart_async.sync.sync import Sync
from setsmart_async.sync.tables import RESOURCES, ResourceName
from setsmart_async.sync.tally import Tally
from setsmart_async.wire import Json


@attrs.frozen(kw_only=True)
class SyncShard:
    """One account, or some of its resources, into its database.

    Safe to run again after any failure, and by two workers at once: the second is refused with a `StoreError`.
    """

    account: Account
    settings: SyncSettings = attrs.field(factory=SyncSettings)

    def run(self) -> SyncResult:
        """Sync it, in an event loop of its own: not for use inside one. Raises what `Sync.run` does."""
        return asyncio.run(self.sync())

    async def sync(self) -> SyncResult:
        """Sync it."""
        tally = Tally()
        async with self.account.client(observer=tally) as client:
            database, resources = self.account.database, self.account.resources
            sync = Sync(client, database, resources=resources, account=self.account.name, tally=tally, **self.settings)
            return await sync.run()


@attrs.frozen(kw_only=True)
class PageShard:
    """Some pages of one list, for a program that does with them what it likes.

    Pages move when records come and go while they are read, so that shards of pages can not prove that together they
    saw everything: what must be complete is `Sync`'s.
    """

    account: Account
    resource: ResourceName
    page_size: int
    cursors: tuple[str | None, ...]
    """How to ask for each of the pages; see `Page.next_cursor`."""
    is_open: bool = False
    """Whether what is behind the last of them belongs to it too."""

    def run(self) -> list[Json]:
        """Read the pages, in an event loop of its own; the objects as they came. Raises the errors of a call."""
        return asyncio.run(self.read())

    async def read(self) -> list[Json]:
        """Read the pages; the objects as they came."""
        found: list[Json] = []
        onward: str | None = None
        async with self.account.client() as client:
            listing = listing_of(for_bulk_work(client), RESOURCES[self.resource], page_size=self.page_size, since=None)
            for cursor in self.cursors:
                page = await listing.page(cursor)
                found += page.raw
                onward = page.next_cursor if self.is_open else None
            while onward is not None:
                page = await listing.page(onward)
                found += page.raw
                onward = page.next_cursor
        return found


async def page_shards(
    account: Account, resource: ResourceName, *, page_size: int = 100, pages_per_shard: int = 50
) -> list[PageShard]:
    """Shards that cover a list as it is now, at the price of one request.

    Where the server leads from page to page by cursors there is only one. Raises `ConfigurationError` for the
    calendar, which has no list, and the errors of a call.
    """
    if resource == "calendar":
        raise ConfigurationError("A calendar is read property by property: it has no pages.")
    if page_size < 1 or pages_per_shard < 1:
        raise ConfigurationError("page_size and pages_per_shard must be 1 or more.")
    async with account.client() as client:
        listing = listing_of(for_bulk_work(client), RESOURCES[resource], page_size=page_size, since=None)
        first = await listing.page(None)
    cursor_of = listing.cursors_behind(first)
    if cursor_of is None or first.numbers is None:
        return [PageShard(account=account, resource=resource, page_size=page_size, cursors=(None,), is_open=True)]
    cursors: list[str | None] = [None, *(cursor_of(number) for number in range(2, first.numbers.last + 1))]
    parts = [tuple(cursors[start : start + pages_per_shard]) for start in range(0, len(cursors), pages_per_shard)]
    return [
        PageShard(account=account, resource=resource, page_size=page_size, cursors=part, is_open=part is parts[-1])
        for part in parts
    ]
