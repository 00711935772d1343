"""A property: one home that guests can book."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import ClassVar

import attrs

from setsmart_async.records.extra import no_extra
from setsmart_async.records.open_enum import OpenEnum


class PropertyStatus(OpenEnum, members=("active", "inactive", "draft", "archived")):
    """A property's status. *Documented:* ``active``. *Provisional:* the others; unknown ones are kept."""

    __slots__ = ()
    ACTIVE: ClassVar[PropertyStatus]
    INACTIVE: ClassVar[PropertyStatus]
    DRAFT: ClassVar[PropertyStatus]
    ARCHIVED: ClassVar[PropertyStatus]


@attrs.frozen(kw_only=True)
class Property:
    """One home. Fields are documented by SetSmart unless marked *provisional*.

    A field that the server leaves out or sends as null is None. Hashing leaves `extra` out.
    """

    id: str
    """Opaque, such as ``prop_123``."""
    name: str
    """The listing's title."""
    address: str | None = None
    """Postal address, one line."""
    bedrooms: int | None = None
    """Number of bedrooms; 0 for a studio."""
    bathrooms: float | None = None
    """Number of bathrooms; 1.5 means one full and one half bath."""
    max_guests: int | None = None
    """How many guests may stay at once."""
    status: PropertyStatus | None = None
    """Compares with its text; `PropertyStatus.known` tells new values apart."""
    timezone: str | None = None
    """IANA name, such as ``Europe/Oslo``. *Provisional.*"""
    currency: str | None = None
    """ISO 4217 code of the property's prices. *Provisional.*"""
    created_at: datetime | None = None
    """UTC. *Provisional.*"""
    updated_at: datetime | None = None
    """UTC. *Provisional.*"""
    extra: Mapping[str, object] = attrs.field(factory=no_extra, hash=False, repr=False)
    """Fields of the answer that this version does not know, as they came; sent back with the whole record."""

    def local_datetime(self, day: date, at: time) -> datetime:
        """When it is `at` o'clock on `day` at the home: aware, in the home's own time zone.

        A stay's dates carry no hour and the API no check-in time, so that the hour is passed in:
        ``home.local_datetime(stay.check_in, time(15))``. A time that a change to summer time skips is read as the
        same distance behind the last time before it; of one that a change back repeats, the first is meant.

        Raises `ValueError` when `timezone` is None, no IANA name, or unknown to this machine (Windows needs ``tzdata``
        from PyPI), and when `at` has a time zone of its own.
        """
        from zoneinfo import ZoneInfo  # slow to import, and few need it

        if self.timezone is None:
            raise ValueError("The property has no timezone: its local time can not be told.")
        if at.tzinfo is not None:
            raise ValueError("Pass a time without a time zone: it is meant at the home.")
        try:
            zone = ZoneInfo(self.timezone)
        except (ValueError, KeyError, OSError):
            pass  # raised below: these say where on this machine they looked
        else:
            return datetime.combine(day, at, zone).astimezone(UTC).astimezone(zone)
        raise ValueError(
            "The property's timezone is no IANA name that this machine knows; where it knows none, install tzdata."
        )
