"""One pass over a list: how far it has come, and whether it has seen everything."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, TypeAlias, TypeVar

import attrs

T = TypeVar("T", int, datetime)

Mode: TypeAlias = Literal["full", "incremental", "hydrate"]
"""``full``: the whole list; ``incremental``: what has changed since the last pass; ``hydrate``: the whole list, and
each record once more by its id, for lists that give less than all of a record."""


@attrs.frozen(kw_only=True)
class Counts:
    """What became of rows."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    repeated: int = 0
    """Listed a second time in the same pass."""
    vanished: int = 0
    """Listed, and gone when they were asked for by their id."""
    deleted: int = 0
    """Not listed, and gone when they were asked for by their id."""
    healed: int = 0
    """Not listed, and still there when they were asked for by their id."""

    @property
    def rows(self) -> int:
        """Different rows that were listed."""
        return self.new + self.changed + self.unchanged

    def __add__(self, other: Counts) -> Counts:
        names = [field.name for field in attrs.fields(Counts)]
        return Counts(**{name: getattr(self, name) + getattr(other, name) for name in names})

    def __sub__(self, other: Counts) -> Counts:
        names = [field.name for field in attrs.fields(Counts)]
        return Counts(**{name: getattr(self, name) - getattr(other, name) for name in names})


@attrs.frozen(kw_only=True)
class Plan:
    """What a run wants of a resource."""

    mode: Mode
    page_size: int
    """Records in a page; of a calendar, days ahead: either way another one makes another pass."""
    overlap: timedelta
    """How far an incremental pass reaches behind the bookmark."""
    anew: bool = False
    """From the first page, whatever was interrupted."""
    forget: bool = False
    """As if there had been no pass before: checkpoint and bookmark are dropped, rows stay."""


@attrs.frozen(kw_only=True)
class Pass:
    """One walk over the whole list, or over what has changed, in one run or several."""

    generation: int
    """1 for a database's first pass."""
    mode: Mode = "full"
    page_size: int
    started_at: datetime
    since: datetime | None = None
    """Of an incremental pass: from when on changes are asked for."""
    checkpoint: str | None = None
    """Where it goes on; None before the first page and behind the last."""
    pages: int = 0
    total: int | None = None
    """How many records the server says there are, the last time that it said so."""
    least_total: int | None = None
    """The least that it has said in this pass."""
    most_total: int | None = None
    """The most that it has said in this pass."""
    drift: str | None = None
    """Why this pass can not be complete, whatever comes."""
    newest: datetime | None = None
    """The latest change that it has met."""
    bookmark: datetime | None = None
    """Everything that changed before has been seen by a complete pass."""
    counts: Counts = Counts()
    completed_at: datetime | None = None

    @classmethod
    def first(cls, plan: Plan, before: Pass | None, now: datetime) -> Pass:
        """A new pass behind `before`; without a bookmark it is a full one, whatever the plan says."""
        bookmark = None if before is None or plan.forget else before.bookmark
        mode: Mode = "full" if plan.mode == "incremental" and bookmark is None else plan.mode
        return cls(
            generation=1 if before is None else before.generation + 1,
            mode=mode,
            page_size=plan.page_size,
            started_at=now,
            since=bookmark - plan.overlap if bookmark is not None and mode == "incremental" else None,
            bookmark=bookmark,
        )

    def anew(self, now: datetime, *, mode: Mode | None = None) -> Pass:
        """The next pass, from the first page; of the same kind, unless another one is named."""
        mode = self.mode if mode is None else mode
        return Pass(
            generation=self.generation + 1,
            mode=mode,
            page_size=self.page_size,
            started_at=now,
            since=self.since if mode == "incremental" else None,
            bookmark=self.bookmark,
        )

    def can_go_on(self, plan: Plan) -> bool:
        """Whether a later run may take up where this pass stopped: another page size means other pages."""
        wanted = self.mode == plan.mode or (plan.mode == "incremental" and self.bookmark is None)
        return (
            wanted
            and not (plan.anew or plan.forget)
            and self.completed_at is None
            and self.drift is None
            and self.pages > 0
            and self.page_size == plan.page_size
        )

    @property
    def is_at_the_end(self) -> bool:
        """Whether every page was written, so that only the verdict is missing."""
        return self.pages > 0 and self.checkpoint is None

    @property
    def sees_everything(self) -> bool:
        """Whether what it did not see may be gone."""
        return self.mode != "incremental"

    def after_page(
        self, counts: Counts, *, checkpoint: str | None, total: int | None, shifting: bool, newest: datetime | None
    ) -> Pass:
        """The pass with one page more. `shifting`: rows move between pages when others come or go."""
        drift = self.drift
        if shifting and drift is None and None not in (total, self.total) and total != self.total:
            drift = f"the server counted {self.total} first, and {total} later"
        if shifting and drift is None and counts.repeated:
            drift = "one was listed on two pages: others came or went meanwhile"
        return attrs.evolve(
            self,
            checkpoint=checkpoint,
            pages=self.pages + 1,
            total=self.total if total is None else total,
            least_total=min(_present(self.least_total, total), default=None),
            most_total=max(_present(self.most_total, total), default=None),
            drift=drift,
            newest=max(_present(self.newest, newest), default=None),
            counts=self.counts + counts,
        )

    def doubt(self, *, rows_before: int) -> str | None:
        """Why it can not be said that the pass saw everything; None when it did. `rows_before` were there already.

        Completeness is believed only when nothing speaks against it: an end that the server shows, a number of
        records that is the server's own where it gives one, and no record twice where it gives none. Where the
        number changes while a cursor leads on, the least of them counts: those that came meanwhile may stand before
        the cursor, and every one that was there all the time has been passed.
        """
        seen = self.counts.rows + self.counts.vanished
        if self.drift is not None:
            return self.drift
        if self.counts.vanished and not self.counts.rows:
            return "nothing that is listed can be found by its id"
        if self.total is not None:
            least = self.total if self.least_total is None else self.least_total
            enough = seen == self.total if self.least_total == self.most_total else seen >= least
            return None if enough else f"the server counts {self.total} and listed {seen}"
        if self.counts.repeated:
            return "one was listed twice, and the server does not say how many there are"
        if self.sees_everything and seen == 0 and rows_before > 0:
            return f"the server listed nothing, and {rows_before} were there before"
        return None

    def completed(self, now: datetime, overlap: timedelta) -> Pass:
        """The pass as complete. Its bookmark does not pass its own beginning: what changes meanwhile comes again."""
        reached = None if self.newest is None else min(self.newest, self.started_at - overlap)
        return attrs.evolve(self, completed_at=now, bookmark=max(_present(self.bookmark, reached), default=None))


def _present(*values: T | None) -> list[T]:
    return [value for value in values if value is not None]


@attrs.frozen(kw_only=True)
class SyncProgress:
    """How far a running sync has come."""

    resource: str = "properties"
    """Which resource is being read."""
    done: int
    """Records of this pass that are in the database, those of an interrupted run before included."""
    resumed_from: int
    """Those of them that an interrupted run had written."""
    total: int | None
    """How many there are, when the server says."""
