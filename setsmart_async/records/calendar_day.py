"""A day of a property's calendar: may it be booked, and for how much. All of it is provisional."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date as Date  # noqa: N812 - the field has the API's own name, `date`
from decimal import Decimal

import attrs

from setsmart_async.records.extra import no_extra


@attrs.frozen(kw_only=True)
class CalendarDay:
    """One night of one property, by the day on which it begins. Every field is *provisional*.

    Calendar ranges are **inclusive at both ends**, other than a stay's dates: see `Reservation.last_night`.
    """

    date: Date
    """The day, at the home, without a time zone. *Provisional.*"""
    available: bool | None = None
    """Whether the night can be booked; None: not told. *Provisional.*"""
    nightly_rate: Decimal | None = None
    """Price of the night, in `currency`'s major unit. *Provisional.*"""
    currency: str | None = None
    """ISO 4217 code of `nightly_rate`. *Provisional.*"""
    min_stay: int | None = None
    """Fewest nights of a stay that arrives on this day. *Provisional.*"""
    max_stay: int | None = None
    """Most nights of a stay that arrives on this day. *Provisional.*"""
    closed_to_arrival: bool | None = None
    """No stay may begin on this day. *Provisional.*"""
    closed_to_departure: bool | None = None
    """No stay may end on this day. *Provisional.*"""
    reservation_id: str | None = None
    """The `Reservation` that takes the night; None: none, or not told. *Provisional.*"""
    note: str | None = attrs.field(default=None, repr=False)
    """Free text; never printed. *Provisional.*"""
    extra: Mapping[str, object] = attrs.field(factory=no_extra, hash=False, repr=False)
    """Fields of the answer that this version does not know, as they came; sent back with the whole record."""
