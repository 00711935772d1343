"""How resources are to be read."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import attrs

from setsmart_async.errors import ConfigurationError
from setsmart_async.sync.progress import Mode, Plan
from setsmart_async.sync.tables import CALENDAR, SyncedResource

_MOST_RECORDS: Final = 1_000_000
_MOST_DAYS: Final = 36_525


@attrs.frozen(kw_only=True)
class Settings:
    """How resources are read. Raises `ConfigurationError` for numbers that can not be meant."""

    mode: Mode
    page_size: int
    in_flight: int
    overlap: timedelta
    min_seen: float
    days_ahead: int
    days_per_request: int
    full_refresh: bool
    reset: bool
    new_key: bool

    def __attrs_post_init__(self) -> None:
        if self.page_size < 1 or self.in_flight < 1:
            raise ConfigurationError("page_size and in_flight must be 1 or more.")
        if self.page_size > _MOST_RECORDS:
            raise ConfigurationError(f"page_size must be {_MOST_RECORDS} or less.")
        if self.days_ahead < 1 or self.days_per_request < 1:
            raise ConfigurationError("days_ahead and days_per_request must be 1 or more.")
        if self.days_ahead > _MOST_DAYS:
            raise ConfigurationError(f"days_ahead must be {_MOST_DAYS} or less.")
        if not 0 <= self.min_seen <= 1 or self.overlap < timedelta(0):
            raise ConfigurationError("min_seen is a share from 0 to 1, overlap in seconds and not negative.")

    def plan(self, resource: SyncedResource) -> Plan:
        """What is wanted of a resource; a calendar has no list that could be filtered or left out."""
        is_calendar = resource is CALENDAR
        reads_all = is_calendar or (self.full_refresh and self.mode == "incremental")
        return Plan(
            mode="full" if reads_all else self.mode,
            page_size=self.days_ahead if is_calendar else self.page_size,
            overlap=self.overlap,
            anew=self.full_refresh,
            forget=self.reset,
        )
