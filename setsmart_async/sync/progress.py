"""One pass over a list: how far it has come, and whether it has seen everything."""

from __future__ import annotations

from datetime import datetime

import attrs


@attrs.frozen(kw_only=True)
class Counts:
    """What became of rows that were written."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    repeated: int = 0
    """Listed a second time in the same pass."""

    @property
    def rows(self) -> int:
        """Different rows."""
        return self.new + self.changed + self.unchanged

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            new=self.new + other.new,
            changed=self.changed + other.changed,
            unchanged=self.unchanged + other.unchanged,
            repeated=self.repeated + other.repeated,
        )


@attrs.frozen(kw_only=True)
class Pass:
    """One walk over the whole list, in one run or several."""

    generation: int
    """1 for a database's first pass."""
    page_size: int
    started_at: datetime
    checkpoint: str | None = None
    """The cursor of the next page; None before the first page and behind the last."""
    pages: int = 0
    total: int | None = None
    """How many records the server says there are."""
    drift: str | None = None
    """Why this pass can not be complete, whatever comes."""
    counts: Counts = Counts()
    completed_at: datetime | None = None

    def can_go_on(self, page_size: int) -> bool:
        """Whether a later run may take up where this pass stopped: another page size means other pages."""
        return self.completed_at is None and self.drift is None and self.pages > 0 and self.page_size == page_size

    @property
    def is_at_the_end(self) -> bool:
        """Whether every page was written, so that only the verdict is missing."""
        return self.pages > 0 and self.checkpoint is None

    def after_page(self, counts: Counts, *, checkpoint: str | None, total: int | None, numbered: bool) -> Pass:
        """The pass with one page more."""
        drift = self.drift
        if drift is None and None not in (total, self.total) and total != self.total:
            drift = f"the server counted {self.total} properties first, and {total} later"
        if drift is None and numbered and counts.repeated:
            drift = "a property was listed on two pages: others came or went meanwhile"
        return attrs.evolve(
            self,
            checkpoint=checkpoint,
            pages=self.pages + 1,
            total=self.total if total is None else total,
            drift=drift,
            counts=self.counts + counts,
        )

    def doubt(self, *, rows_before: int) -> str | None:
        """Why it can not be said that the pass saw everything; None when it did. `rows_before` were there already.

        Completeness is believed only when nothing speaks against it: an end that the server shows, a number of
        records that is the server's own where it gives one, and no record twice where it gives none.
        """
        seen = self.counts.rows
        if self.drift is not None:
            return self.drift
        if self.total is not None:
            return None if seen == self.total else f"the server counts {self.total} properties and listed {seen}"
        if self.counts.repeated:
            return "a property was listed twice, and the server does not say how many there are"
        if seen == 0 and rows_before > 0:
            return f"the server listed nothing, and {rows_before} properties were there before"
        return None


@attrs.frozen(kw_only=True)
class SyncProgress:
    """How far a running sync has come."""

    done: int
    """Properties of this pass that are in the database, those of an interrupted run before included."""
    resumed_from: int
    """Those of them that an interrupted run had written."""
    total: int | None
    """How many there are, when the server says."""


@attrs.frozen(kw_only=True)
class SyncResult:
    """What a complete sync did. One that could not see everything raises instead."""

    properties: int
    """How many the account has."""
    new: int
    """Written by this run for the first time."""
    changed: int
    """Here before, and different now."""
    unchanged: int
    """Here before, and the same."""
    unlisted: int
    """Kept in the database though the server lists them no more."""
    pages: int
    """Pages that this run read."""
    resumed_from: int
    """Properties that an interrupted run had written, and this one did not ask for again; 0: a run from the start."""
    seconds: float
    """How long this run took."""
    requests: int
    """Requests that this run sent, repeated ones included."""
    rate_limited: int
    """How many of them the server refused because the quota was used up (429)."""
    retries: int
    """Attempts that were repeated."""
    waited_for_quota: float
    """Seconds in which requests waited for quota."""
