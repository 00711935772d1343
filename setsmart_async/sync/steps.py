"""One page of a walk, on its way into the database."""

from __future__ import annotations

from datetime import datetime

import attrs

from setsmart_async.sync.rows import Row


@attrs.frozen(kw_only=True)
class Step:
    """One page of a walk."""

    rows: list[Row]
    checkpoint: str | None
    """Where the page behind this one is; None: this is the last."""
    asked_at: datetime
    """When the server was asked for it: what is known from later is newer."""
    total: int | None = None
    """How many items all pages hold, when the server says."""
    shifting: bool = False
    """Whether rows move between pages when others come or go, and nothing else has noticed."""
    vanished: int = 0
    """Items of the page that were gone when they were asked for by their ids."""

    @property
    def newest(self) -> datetime | None:
        """The latest change in it."""
        return max((row.updated_at for row in self.rows if row.updated_at is not None), default=None)
