"""Webhooks into the tables of a sync: what an event is about is asked for, and written unless a newer row stands."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Final, Self

from sqlalchemy import Connection

from setsmart_async.client import SetSmart
from setsmart_async.clock import Clock, SystemClock
from setsmart_async.errors import NotFoundError
from setsmart_async.records.webhook import WebhookEvent
from setsmart_async.sync.calendar import Horizon
from setsmart_async.sync.database import Database
from setsmart_async.sync.details import Details
from setsmart_async.sync.identity import Identity, admitted
from setsmart_async.sync.merging import merged
from setsmart_async.sync.pass_records import claim, identity_in
from setsmart_async.sync.progress import Pass
from setsmart_async.sync.result import Change
from setsmart_async.sync.row_statements import known_rows, mark_gone, touch, upsert
from setsmart_async.sync.rows import Row, day_rows
from setsmart_async.sync.steps import Step
from setsmart_async.sync.tables import CALENDAR, CONVERSATIONS, PROPERTIES, RESERVATIONS, RESOURCES, SyncedResource
from setsmart_async.sync.writer import Writer
from setsmart_async.webhooks.events import record_id, resource_of

_ABOUT: Final = {
    "property": PROPERTIES,
    "reservation": RESERVATIONS,
    "calendar": CALENDAR,
    "message": CONVERSATIONS,
    "conversation": CONVERSATIONS,
}
_CONVERSATION: Final = ("conversation_id", "conversationId")
_NO_PASS: Final = 0
"""The generation of rows that no list has shown yet."""


class WebhookSync:
    """Applies webhooks to the tables of a `Sync`, also while one is under way.

    Events come late, twice and out of order, and often hold ids alone: so the record is asked for, which costs one
    request, and written as it is now. A row that is newer, or that was seen later, stays as it is.

    .. code-block:: python

        async with WebhookSync(setsmart, "sqlite:///setsmart.db") as tables:
            receiver.on("*")(tables.apply)
    """

    def __init__(
        self,
        client: SetSmart,
        to: str = "sqlite:///setsmart.db",
        *,
        source: str | None = None,
        account: str | None = None,
        days_ahead: int = 365,
        days_per_request: int = 365,
        clock: Clock | None = None,
    ) -> None:
        """The same database, `source` and `account` as the sync's, and as many days of a calendar."""
        self._client = client
        self._database = Database(to)
        self._writer = Writer()
        self._opening = asyncio.Lock()
        self._identity: Identity | None = None
        self._claimed = set[str]()
        self._source = str(client.origin) if source is None else source
        self._account = account
        self._days_ahead, self._days_per_request = days_ahead, days_per_request
        self._clock: Clock = SystemClock() if clock is None else clock

    async def apply(self, event: WebhookEvent) -> Sequence[Change]:
        """Bring what the event is about up to date; what that has changed. Events of other kinds change nothing.

        Raises the errors of a call, `StoreError`, and `ConfigurationError` for another account's database: let the
        receiver have them, and the delivery comes again.
        """
        resource = _ABOUT.get(resource_of(event))
        identifier = record_id(event)
        if resource is CONVERSATIONS and resource_of(event) == "message":
            identifier = next((str(event.data[name]) for name in _CONVERSATION if event.data.get(name)), None)
        if resource is None or identifier is None:
            return ()
        identity = await self._open()
        if resource is CALENDAR:
            rows, gone, asked_at = await self._days(identifier)
        else:
            found = await Details(self._client, resource, in_flight=1, now=self._now).ask([identifier])
            rows, gone, asked_at = found.there, found.gone, found.asked_at
        return await self._writer.do(partial(self._write, resource, rows, gone, asked_at, identity))

    async def aclose(self) -> None:
        """Wait for what is being written, and close the database."""
        await self._writer.end(self._database.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _days(self, property_id: str) -> tuple[list[Row], list[str], datetime]:
        asked_at = self._now()
        try:
            days = await Horizon.of(asked_at, self._days_ahead, self._days_per_request).read(self._client, property_id)
        except NotFoundError:
            return [], [], asked_at  # the property has gone: its own event says so
        return day_rows(property_id, days), [], asked_at

    async def _open(self) -> Identity:
        async with self._opening:
            if self._identity is None:
                fingerprint = await self._client.key_fingerprint()
                identity = Identity(source=self._source, account=self._account, key_fingerprint=fingerprint)
                await self._writer.do(partial(self._open_for, identity))
                self._identity = identity
            return self._identity

    def _open_for(self, identity: Identity) -> None:
        self._database.close()  # what an opening that failed has left
        self._database.open(tuple(RESOURCES.values()), alone=False)
        with self._database.transaction() as connection:
            self._admit(connection, identity)

    def _admit(self, connection: Connection, identity: Identity) -> None:
        admitted(identity_in(connection), identity, new_key=False, place=self._database.place)

    def _write(
        self, resource: SyncedResource, rows: list[Row], gone: list[str], asked_at: datetime, identity: Identity
    ) -> Sequence[Change]:
        now = self._now()
        no_pass = Pass(generation=_NO_PASS, page_size=1, started_at=now)
        with self._database.transaction() as connection:
            if resource.name not in self._claimed:  # again here: another account's rows may have come meanwhile
                self._admit(connection, identity)
                claim(connection, self._database, resource, identity, now=now)
            known = known_rows(connection, resource, [row.id for row in rows])
            step = Step(rows=rows, checkpoint=None, asked_at=asked_at)
            merge, _ = merged(resource, [step], known, no_pass, now=now, trusting=False)
            upsert(connection, self._database, resource, merge.fresh.values(), generation=None, now=now)
            touch(connection, resource, merge, None)
            deleted = mark_gone(connection, resource, gone, asked_at, now)
        self._claimed.add(resource.name)
        return [*merge.changes, *(Change(resource=resource.name, id=each, change="deleted") for each in deleted)]

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.wall(), UTC)
