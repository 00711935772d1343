"""What a sync keeps in its database: the rows of one resource, and how far its pass has come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import attrs
from sqlalchemy import Connection, func, select

from setsmart_async.sync.database import Database
from setsmart_async.sync.identity import Identity, admitted
from setsmart_async.sync.merging import Merge, merged
from setsmart_async.sync.pass_records import identity_in, pass_in, save_pass, take_identity
from setsmart_async.sync.progress import Counts, Pass, Plan
from setsmart_async.sync.result import Change
from setsmart_async.sync.row_statements import known_rows, mark_gone, touch, upsert
from setsmart_async.sync.rows import Row
from setsmart_async.sync.steps import Step
from setsmart_async.sync.tables import SyncedResource


@attrs.frozen(kw_only=True)
class Written:
    """What one transaction has done."""

    reached: Pass
    changes: Sequence[Change]


@attrs.frozen(kw_only=True)
class Standing:
    """How a pass compares with what was there before it."""

    live: int
    """Rows that are not deleted."""
    unseen: int
    """Those of them that the pass has not met."""


class Store:
    """The rows of one resource in a database. To be used in the thread that opened the database."""

    def __init__(self, database: Database, resource: SyncedResource, *, trusting: bool = False) -> None:
        """`trusting`: what the server says now counts, also where a row claims to be newer."""
        self._database = database
        self._resource = resource
        self._trusting = trusting

    def begin(self, identity: Identity, plan: Plan, *, new_key: bool, now: datetime) -> Pass:
        """The pass to go on with: the one that was interrupted, or a new one.

        Raises `ConfigurationError` when the rows here are another account's.
        """
        with self._database.transaction() as connection:
            known = identity_in(connection)  # a run that reached nobody, for a wrong URL perhaps, claims nothing
            identity = admitted(known, identity, new_key=new_key, place=self._database.place)
            before = pass_in(connection, self._resource)
            going_on = before if before is not None and before.can_go_on(plan) else Pass.first(plan, before, now)
            save_pass(connection, self._database, self._resource, going_on, now=now, identity=identity)
            take_identity(connection, identity)
        return going_on

    def save(self, going_on: Pass, *, now: datetime) -> Pass:
        """Note how far a pass has come, without rows: that it was begun anew, has ended, or can not be complete."""
        with self._database.transaction() as connection:
            save_pass(connection, self._database, self._resource, going_on, now=now)
        return going_on

    def write(self, before: Pass, steps: Sequence[Step], *, now: datetime) -> Written:
        """Write pages and the checkpoint behind them, all or nothing."""
        with self._database.transaction() as connection:
            merge, after = self._merged(connection, before, steps, now)
            upsert(
                connection, self._database, self._resource, merge.fresh.values(), generation=before.generation, now=now
            )
            touch(connection, self._resource, merge, before.generation)
            save_pass(connection, self._database, self._resource, after, now=now)
        return Written(reached=after, changes=merge.changes)

    def standing(self, ended: Pass) -> Standing:
        """How many rows there are, and how many of them the pass has not met."""
        table = self._resource.table
        live = select(func.count()).select_from(table).where(table.c.deleted_at.is_(None))
        with self._database.transaction() as connection:
            unseen = connection.execute(live.where(table.c.generation < ended.generation)).scalar_one()
            return Standing(live=connection.execute(live).scalar_one(), unseen=unseen)

    def unseen(self, ended: Pass, *, after: str, limit: int) -> list[str]:
        """Ids, in order and behind `after`, of rows that the pass has not met."""
        table = self._resource.table
        some = select(table.c.id).where(
            table.c.deleted_at.is_(None), table.c.generation < ended.generation, table.c.id > after
        )
        with self._database.transaction() as connection:
            return list(connection.scalars(some.order_by(table.c.id).limit(limit)))

    def seen(self, ended: Pass, *, limit: int) -> list[str]:
        """Ids of some rows that the pass has met."""
        table = self._resource.table
        some = select(table.c.id).where(table.c.deleted_at.is_(None), table.c.generation == ended.generation)
        with self._database.transaction() as connection:
            return list(connection.scalars(some.order_by(table.c.id).limit(limit)))

    def settle(
        self, ended: Pass, *, gone: Sequence[str], there: Sequence[Row], asked_at: datetime, now: datetime
    ) -> Written:
        """What became of rows that the pass had not met, and which were asked for by their ids."""
        with self._database.transaction() as connection:
            step = Step(rows=list(there), checkpoint=None, asked_at=asked_at)
            merge, _ = self._merged(connection, ended, [step], now)
            upsert(
                connection, self._database, self._resource, merge.fresh.values(), generation=ended.generation, now=now
            )
            touch(connection, self._resource, merge, ended.generation)
            deleted = mark_gone(connection, self._resource, gone, asked_at, now)
            counts = ended.counts + Counts(deleted=len(deleted), healed=len(there))
            after = attrs.evolve(ended, counts=counts)
            save_pass(connection, self._database, self._resource, after, now=now)
        tombs = [Change(resource=self._resource.name, id=each, change="deleted") for each in deleted]
        return Written(reached=after, changes=[*merge.changes, *tombs])

    def finish(self, ended: Pass, *, overlap: timedelta, now: datetime) -> int:
        """Close a complete pass; how many rows there are."""
        self.save(ended.completed(now, overlap), now=now)
        return self.live()

    def live(self) -> int:
        """How many rows there are that are not deleted."""
        table = self._resource.table
        count = select(func.count()).select_from(table).where(table.c.deleted_at.is_(None))
        with self._database.transaction() as connection:
            return connection.execute(count).scalar_one()

    def following(self, after: str | None, *, limit: int) -> list[str]:
        """Ids of the resource's live rows behind this one, in order."""
        table = self._resource.table
        some = select(table.c.id).where(table.c.deleted_at.is_(None))
        if after is not None:
            some = some.where(table.c.id > after)
        with self._database.transaction() as connection:
            return list(connection.scalars(some.order_by(table.c.id).limit(limit)))

    def _merged(self, connection: Connection, before: Pass, steps: Sequence[Step], now: datetime) -> tuple[Merge, Pass]:
        known = known_rows(connection, self._resource, [row.id for step in steps for row in step.rows])
        return merged(self._resource, steps, known, before, now=now, trusting=self._trusting)
