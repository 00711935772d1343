"""What a sync keeps in its database: the rows, whose they are, and how far the pass has come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import attrs
from sqlalchemy import Connection, RowMapping, func, select, update
from sqlalchemy.dialects.sqlite import insert

from setsmart_async.errors import ConfigurationError
from setsmart_async.sync.database import Database
from setsmart_async.sync.identity import Identity, admitted
from setsmart_async.sync.progress import Counts, Pass
from setsmart_async.sync.rows import Row
from setsmart_async.sync.tables import LAYOUT, properties, state
from setsmart_async.sync.walk import Step

_RESOURCE: Final = "properties"
_MOST_IDS: Final = 500
"""In one statement: older SQLite takes 999 parameters."""


class Store:
    """The properties in a database. To be used in the thread that opened the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, identity: Identity, *, new_key: bool, page_size: int, now: datetime) -> Pass:
        """The pass to go on with: the one that was interrupted, or a new one.

        Raises `ConfigurationError` when the rows here are another account's, or a newer version's.
        """
        with self._database.transaction() as connection:
            row = connection.execute(select(state).where(state.c.resource == _RESOURCE)).mappings().one_or_none()
            if row is None:
                going_on = Pass(generation=1, page_size=page_size, started_at=now)
            else:
                if row["layout"] > LAYOUT:
                    raise ConfigurationError(
                        f"The database {self._database.place} was written by a newer version of setsmart_async: "
                        "upgrade, or sync into another one."
                    )
                known = Identity(source=row["source"], account=row["account"], key_fingerprint=row["key_fingerprint"])
                if _has_rows(connection):  # a run that reached nobody, for a wrong URL perhaps, claims nothing
                    identity = admitted(known, identity, new_key=new_key, place=self._database.place)
                going_on = _pass_of(row)
                if not going_on.can_go_on(page_size):
                    going_on = Pass(generation=going_on.generation + 1, page_size=page_size, started_at=now)
            self._save(connection, going_on, now, attrs.asdict(identity))
        return going_on

    def begin_anew(self, interrupted: Pass, *, now: datetime) -> Pass:
        """A new pass from the first page, in place of one whose checkpoint the server takes no more."""
        with self._database.transaction() as connection:
            anew = Pass(generation=interrupted.generation + 1, page_size=interrupted.page_size, started_at=now)
            self._save(connection, anew, now)
        return anew

    def write(self, before: Pass, steps: Sequence[Step], *, now: datetime) -> Pass:
        """Write pages and the checkpoint behind them, all or nothing; the pass as it is then."""
        with self._database.transaction() as connection:
            ids = [row.id for step in steps for row in step.rows]
            known = _known(connection, ids)
            fresh: dict[str, Row] = {}
            after = before
            for step in steps:
                counts = _sort_out(step.rows, known, fresh, before.generation)
                after = after.after_page(counts, checkpoint=step.checkpoint, total=step.total, numbered=step.numbered)
            _upsert(connection, fresh.values(), before.generation, now)
            _touch(connection, [id_ for id_ in dict.fromkeys(ids) if id_ not in fresh], before.generation, now)
            self._save(connection, after, now)
        return after

    def give_up(self, ended: Pass, drift: str, *, now: datetime) -> None:
        """Note why a pass can not be complete, so that the next run starts a new one."""
        with self._database.transaction() as connection:
            self._save(connection, attrs.evolve(ended, drift=drift), now)

    def finish(self, ended: Pass, *, now: datetime) -> tuple[str | None, int]:
        """Close a pass whose last page was written.

        Returns why it can not be called complete (None when it can), and how many rows of earlier passes it did
        not meet.
        """
        with self._database.transaction() as connection:
            rows = connection.execute(select(func.count()).select_from(properties)).scalar_one()
            doubt = ended.doubt(rows_before=rows)
            completed_at = now if doubt is None else None
            self._save(connection, attrs.evolve(ended, drift=doubt, completed_at=completed_at), now)
        return doubt, rows - ended.counts.rows

    def _save(
        self, connection: Connection, going_on: Pass, now: datetime, identity: dict[str, str | None] | None = None
    ) -> None:
        columns = attrs.asdict(going_on, recurse=False)
        counts = attrs.asdict(columns.pop("counts"))
        values = {**columns, **counts, **(identity or {}), "layout": LAYOUT, "checkpoint_at": now}
        if identity is None:
            connection.execute(update(state).where(state.c.resource == _RESOURCE).values(values))
        else:
            statement = insert(state).values(resource=_RESOURCE, **values)
            connection.execute(statement.on_conflict_do_update(index_elements=[state.c.resource], set_=values))


def _pass_of(row: RowMapping) -> Pass:
    own = [field.name for field in attrs.fields(Pass) if field.name != "counts"]
    counts = Counts(**{field.name: row[field.name] for field in attrs.fields(Counts)})
    return Pass(**{name: row[name] for name in own}, counts=counts)


def _has_rows(connection: Connection) -> bool:
    return connection.execute(select(properties.c.id).limit(1)).first() is not None


def _known(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[str, int]]:
    """Content hash and generation of the rows that are there."""
    found: dict[str, tuple[str, int]] = {}
    columns = select(properties.c.id, properties.c.content_hash, properties.c.generation)
    for some in _split(ids):
        for id_, content_hash, generation in connection.execute(columns.where(properties.c.id.in_(some))):
            found[id_] = (content_hash, generation)
    return found


def _sort_out(rows: Iterable[Row], known: dict[str, tuple[str, int]], fresh: dict[str, Row], generation: int) -> Counts:
    """Count one page's rows, put those to be written into `fresh`, and all of them into `known`."""
    new = changed = unchanged = repeated = 0
    for row in rows:
        content_hash, seen_in = known.get(row.id, (None, None))
        if seen_in == generation:
            repeated += 1
        elif content_hash is None:
            new += 1
        elif content_hash != row.content_hash:
            changed += 1
        else:
            unchanged += 1
        if content_hash != row.content_hash:
            fresh[row.id] = row
        known[row.id] = (row.content_hash, generation)
    return Counts(new=new, changed=changed, unchanged=unchanged, repeated=repeated)


def _upsert(connection: Connection, rows: Iterable[Row], generation: int, now: datetime) -> None:
    seen = {"first_seen": now, "changed_at": now, "last_seen": now, "generation": generation}
    values = [{**row.columns(), **seen} for row in rows]
    if not values:
        return
    statement = insert(properties)
    kept = {"id", "first_seen"}
    columns = {column.name: column for column in statement.excluded if column.name not in kept}
    connection.execute(statement.on_conflict_do_update(index_elements=[properties.c.id], set_=columns), values)


def _touch(connection: Connection, ids: Sequence[str], generation: int, now: datetime) -> None:
    """Note that rows were listed again as they are."""
    for some in _split(ids):
        connection.execute(
            update(properties).where(properties.c.id.in_(some)).values(last_seen=now, generation=generation)
        )


def _split(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[start : start + _MOST_IDS] for start in range(0, len(ids), _MOST_IDS))
