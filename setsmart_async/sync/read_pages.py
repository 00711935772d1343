"""Asking for one page, and when that was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import attrs

from setsmart_async.resources.pages import Listing, Page
from setsmart_async.sync.rows import Listed


class ListChangedError(Exception):
    """The pages no longer fit together: what was walked can not be gone on with. Its text says how."""


@attrs.frozen(kw_only=True)
class Fetched:
    """A page, and where it led."""

    page: Page[Listed]
    asked_at: datetime
    checkpoint: str | None = None
    """Where a walk goes on behind it; None: it is the last one."""


async def fetch(listing: Listing[Listed], cursor: str | None, now: Callable[[], datetime]) -> Fetched:
    """One page. Raises the errors of a call."""
    asked_at = now()
    return Fetched(page=await listing.page(cursor), asked_at=asked_at)
