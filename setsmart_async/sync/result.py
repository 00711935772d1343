"""What a sync did, and what has changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import attrs

from setsmart_async.sync.progress import Mode
from setsmart_async.sync.tables import ResourceName
from setsmart_async.wire import Json

ChangeKind: TypeAlias = Literal["new", "changed", "deleted"]
"""``changed`` is also one that was gone, and is back."""


@attrs.frozen(kw_only=True)
class Change:
    """One record that is new, changed or deleted; in the database when it is told."""

    resource: ResourceName
    id: str
    change: ChangeKind
    record: object = attrs.field(default=None, repr=False)
    """A `Property`, `Reservation`, `CalendarDay` or `Conversation`; None: deleted."""
    raw: Json = attrs.field(default=None, repr=False)
    """The object as it came; None: deleted."""


@attrs.frozen(kw_only=True)
class ResourceResult:
    """What a complete sync did with one resource."""

    mode: Mode
    """How it was read in the end."""
    records: int
    """How many were listed: of an incremental pass, those that had changed."""
    live: int
    """How many the database holds that are not deleted."""
    new: int
    """Written by this run for the first time."""
    changed: int
    """Here before, and different now."""
    unchanged: int
    """Here before, and the same."""
    deleted: int
    """Here before, listed no more, and gone when asked for by id: marked with `deleted_at`, not removed."""
    healed: int
    """Here before, not listed, and still there when asked for by id."""
    pages: int
    """Pages that this run read; of a calendar, properties."""
    passes: int
    """How often this run read the list: more than once where it shifted while it was read."""
    resumed_from: int
    """Records that an interrupted run had written, and this one did not ask for again; 0: a run from the start."""
    note: str | None = None
    """What was done otherwise than asked, and why."""


@attrs.frozen(kw_only=True)
class SyncResult:
    """What a complete sync did. One that could not see everything raises instead."""

    resources: Mapping[ResourceName, ResourceResult]
    """By name."""
    skipped: Mapping[ResourceName, int]
    """Resources that nobody named and the server does not offer, with the status that it answers: 403 or 404."""
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

    @property
    def records(self) -> int:
        """How many records were listed, of all resources."""
        return self._sum("records")

    @property
    def new(self) -> int:
        """Written by this run for the first time."""
        return self._sum("new")

    @property
    def changed(self) -> int:
        """Here before, and different now."""
        return self._sum("changed")

    @property
    def unchanged(self) -> int:
        """Here before, and the same."""
        return self._sum("unchanged")

    @property
    def deleted(self) -> int:
        """Here before, and gone."""
        return self._sum("deleted")

    @property
    def healed(self) -> int:
        """Here before, not listed, and still there."""
        return self._sum("healed")

    @property
    def pages(self) -> int:
        """Pages that this run read."""
        return self._sum("pages")

    @property
    def resumed_from(self) -> int:
        """Records that an interrupted run had written."""
        return self._sum("resumed_from")

    def _sum(self, name: str) -> int:
        return sum(int(getattr(result, name)) for result in self.resources.values())
