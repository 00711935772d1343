"""What is to become of rows that have come: the newer one wins, whoever brought it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import attrs
import msgspec

from setsmart_async.sync.progress import Counts, Pass
from setsmart_async.sync.result import Change, ChangeKind
from setsmart_async.sync.rows import Row
from setsmart_async.sync.steps import Step
from setsmart_async.sync.tables import SyncedResource

CLOCKS_DIFFER: Final = timedelta(minutes=5)
"""Between the machines that write to one database: so far ahead a time may lie, and be meant."""


class Known(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the database knows of a row."""

    content_hash: str
    generation: int
    updated_at: datetime | None
    last_seen: datetime
    deleted_at: datetime | None

    def is_newer_than(self, row: Row, asked_at: datetime, now: datetime) -> bool:
        """Whether the row that has come is older than this one, so that it must not be written.

        The server's own time of the change decides where both have it and the two differ; else when the server was
        asked, and always where it was gone: a deletion has no other time. A time of asking that lies far ahead comes
        from a clock that was wrong, and counts for nothing.
        """
        is_gone = self.deleted_at is not None
        if (
            not is_gone
            and self.updated_at is not None
            and row.updated_at is not None
            and self.updated_at != row.updated_at
        ):
            return self.updated_at > row.updated_at
        known_from = self.last_seen if self.deleted_at is None else max(self.last_seen, self.deleted_at)
        return asked_at < known_from <= now + CLOCKS_DIFFER


@attrs.define(kw_only=True)
class Merge:
    """Where each row of some pages goes."""

    fresh: dict[str, tuple[Row, datetime]] = attrs.field(factory=dict[str, tuple[Row, datetime]])
    """To be written, and when the server was asked for it."""
    same: dict[str, datetime] = attrs.field(factory=dict[str, datetime])
    """Here as they came, and when the server was asked."""
    older: set[str] = attrs.field(factory=set[str])
    """Here in a newer form: they were listed, and stay as they are."""
    changes: list[Change] = attrs.field(factory=list[Change])


def merged(
    resource: SyncedResource,
    steps: Sequence[Step],
    known: dict[str, Known],
    before: Pass,
    *,
    now: datetime,
    trusting: bool,
) -> tuple[Merge, Pass]:
    """Sort the rows of some pages, and the pass as it is behind them. `known` is brought up to date."""
    merge, after = Merge(), before
    for step in steps:
        new = changed = unchanged = repeated = 0
        for row in step.rows:
            there = known.get(row.id)
            again = there is not None and there.generation == before.generation
            repeated += again
            if there is None:
                new += 1
                _take(merge, resource, row, step.asked_at, "new")
            elif not trusting and there.is_newer_than(row, step.asked_at, now):
                unchanged += not again
                merge.older.add(row.id)
                known[row.id] = msgspec.structs.replace(there, generation=before.generation)
                continue
            elif there.content_hash != row.content_hash or there.deleted_at is not None:
                changed += not again
                _take(merge, resource, row, step.asked_at, "changed")
            else:
                unchanged += not again
                if row.id not in merge.fresh:
                    merge.same[row.id] = step.asked_at
            known[row.id] = Known(
                content_hash=row.content_hash,
                generation=before.generation,
                updated_at=row.updated_at,
                last_seen=step.asked_at,
                deleted_at=None,
            )
        counts = Counts(new=new, changed=changed, unchanged=unchanged, repeated=repeated, vanished=step.vanished)
        after = after.after_page(
            counts, checkpoint=step.checkpoint, total=step.total, shifting=step.shifting, newest=step.newest
        )
    return merge, after


def change_of(resource: SyncedResource, row: Row, kind: ChangeKind) -> Change:
    """The change that a row is."""
    return Change(resource=resource.name, id=row.id, change=kind, record=row.record, raw=row.item)


def _take(merge: Merge, resource: SyncedResource, row: Row, asked_at: datetime, kind: ChangeKind) -> None:
    merge.fresh[row.id] = (row, asked_at)
    merge.same.pop(row.id, None)
    merge.older.discard(row.id)
    merge.changes.append(change_of(resource, row, kind))
