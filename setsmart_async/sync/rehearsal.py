"""A store that writes nothing: what a sync would do, and what a sync without a database does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import attrs
from sqlalchemy import Connection, inspect, select

from setsmart_async.errors import ConfigurationError
from setsmart_async.sync.database import Database
from setsmart_async.sync.identity import Identity, admitted
from setsmart_async.sync.merging import Known, merged
from setsmart_async.sync.pass_records import identity_in, pass_in
from setsmart_async.sync.progress import Counts, Pass, Plan
from setsmart_async.sync.result import Change
from setsmart_async.sync.row_statements import known_rows
from setsmart_async.sync.rows import Row
from setsmart_async.sync.steps import Step
from setsmart_async.sync.store import Standing, Store, Written
from setsmart_async.sync.tables import SyncedResource, state


class Rehearsal(Store):
    """A `Store` that only reads its database, and keeps what it would have written in memory."""

    def __init__(self, database: Database, resource: SyncedResource, *, trusting: bool = False) -> None:
        super().__init__(database, resource, trusting=trusting)
        self._met: dict[str, Known] = {}

    def begin(self, identity: Identity, plan: Plan, *, new_key: bool, now: datetime) -> Pass:
        """A pass from the first page: what was interrupted stays interrupted."""
        with self._database.transaction() as connection:
            before = None
            if inspect(connection).has_table(state.name):
                there = {column["name"] for column in inspect(connection).get_columns(state.name)}
                if not {column.name for column in state.columns} <= there:
                    raise ConfigurationError(
                        f"An older version has filled the database {self._database.place}: a sync upgrades it."
                    )
                admitted(identity_in(connection), identity, new_key=new_key, place=self._database.place)
                before = pass_in(connection, self._resource)
        return Pass.first(plan, before, now)

    def save(self, going_on: Pass, *, now: datetime) -> Pass:
        """Nothing is saved."""
        return going_on

    def write(self, before: Pass, steps: Sequence[Step], *, now: datetime) -> Written:
        """Compare pages with what is there."""
        ids = [row.id for step in steps for row in step.rows]
        with self._database.transaction() as connection:
            known = self._known(connection, ids)
        merge, after = merged(self._resource, steps, known, before, now=now, trusting=self._trusting)
        self._met.update(known)
        return Written(reached=after, changes=merge.changes)

    def standing(self, ended: Pass) -> Standing:
        """How many rows there are, and how many of them the pass has not met."""
        live = self._live()
        return Standing(live=len(live), unseen=len([id_ for id_ in live if not self._has_met(id_, ended)]))

    def unseen(self, ended: Pass, *, after: str, limit: int) -> list[str]:
        """Ids, in order and behind `after`, of rows that the pass has not met."""
        return [id_ for id_ in sorted(self._live()) if id_ > after and not self._has_met(id_, ended)][:limit]

    def seen(self, ended: Pass, *, limit: int) -> list[str]:
        """Ids of some rows that the pass has met."""
        return [id_ for id_ in self._met if self._has_met(id_, ended)][:limit]

    def settle(
        self, ended: Pass, *, gone: Sequence[str], there: Sequence[Row], asked_at: datetime, now: datetime
    ) -> Written:
        """Count what has become of them."""
        step = Step(rows=list(there), checkpoint=None, asked_at=asked_at)
        with self._database.transaction() as connection:
            known = self._known(connection, [row.id for row in there])
        merge, _ = merged(self._resource, [step], known, ended, now=now, trusting=self._trusting)
        counts = ended.counts + Counts(deleted=len(gone), healed=len(there))
        tombs = [Change(resource=self._resource.name, id=each, change="deleted") for each in gone]
        return Written(reached=attrs.evolve(ended, counts=counts), changes=[*merge.changes, *tombs])

    def finish(self, ended: Pass, *, overlap: timedelta, now: datetime) -> int:
        """How many rows there would be."""
        return self.live() - ended.counts.deleted

    def live(self) -> int:
        """How many rows there would be, had nothing been deleted."""
        return len(self._live() | self._met.keys())

    def following(self, after: str | None, *, limit: int) -> list[str]:
        """Ids of the resource's rows behind this one, in order: those that were met too."""
        ids = sorted(self._live() | self._met.keys())
        return [id_ for id_ in ids if after is None or id_ > after][:limit]

    def _known(self, connection: Connection, ids: Sequence[str]) -> dict[str, Known]:
        there = known_rows(connection, self._resource, ids) if self._is_there(connection) else {}
        return {**there, **{id_: self._met[id_] for id_ in ids if id_ in self._met}}

    def _live(self) -> set[str]:
        table = self._resource.table
        with self._database.transaction() as connection:
            if not self._is_there(connection):
                return set()
            return set(connection.scalars(select(table.c.id).where(table.c.deleted_at.is_(None))))

    def _has_met(self, identifier: str, ended: Pass) -> bool:
        met = self._met.get(identifier)
        return met is not None and met.generation == ended.generation

    def _is_there(self, connection: Connection) -> bool:
        return inspect(connection).has_table(self._resource.name)
