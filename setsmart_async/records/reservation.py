"""A reservation: a stay at a property, and the guest who booked it. All of it is provisional."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import ClassVar, Final

import attrs

from setsmart_async.records.extra import no_extra
from setsmart_async.records.open_enum import OpenEnum


class ReservationStatus(
    OpenEnum,
    members=(
        *("inquiry", "pending", "confirmed", "checked_in", "checked_out"),
        *("cancelled", "declined", "expired", "no_show"),
    ),
    spellings={"canceled": "cancelled"},
):
    """A reservation's status. *Provisional*; unknown ones are kept. ``canceled`` equals ``cancelled``."""

    __slots__ = ()
    INQUIRY: ClassVar[ReservationStatus]
    PENDING: ClassVar[ReservationStatus]
    CONFIRMED: ClassVar[ReservationStatus]
    CHECKED_IN: ClassVar[ReservationStatus]
    CHECKED_OUT: ClassVar[ReservationStatus]
    CANCELLED: ClassVar[ReservationStatus]
    DECLINED: ClassVar[ReservationStatus]
    EXPIRED: ClassVar[ReservationStatus]
    NO_SHOW: ClassVar[ReservationStatus]


_LEAVE_FREE: Final = frozenset({"inquiry", "cancelled", "declined", "expired"})


@attrs.frozen(kw_only=True)
class Guest:
    """Who booked. Every field is *provisional*. Printing one shows no name, email or phone."""

    id: str | None = None
    """Opaque."""
    first_name: str | None = attrs.field(default=None, repr=False)
    """Given name. *Provisional.*"""
    last_name: str | None = attrs.field(default=None, repr=False)
    """Family name. *Provisional.*"""
    email: str | None = attrs.field(default=None, repr=False)
    """Where mail reaches the guest; channels often give an address of their own that forwards. *Provisional.*"""
    phone: str | None = attrs.field(default=None, repr=False)
    """As the server has it; not always in international form. *Provisional.*"""
    language: str | None = None
    """Language tag, such as ``nb`` or ``pt-BR``. *Provisional.*"""
    country: str | None = None
    """ISO 3166 code, such as ``NO``. *Provisional.*"""
    extra: Mapping[str, object] = attrs.field(factory=no_extra, hash=False, repr=False)
    """Fields of the answer that this version does not know, as they came; sent back with the whole record."""


@attrs.frozen(kw_only=True)
class Reservation:
    """One stay, or the wish for one. Every field is *provisional*.

    The stay is half-open, ``[check_in, check_out)``: the night of `check_out` is not part of it. Printing a reservation
    shows no notes, no confirmation code, and of the guest no name, email or phone.
    """

    id: str
    """Opaque."""
    property_id: str
    """The `Property` that is booked. *Provisional.*"""
    check_in: date
    """First night, a day at the home without a time zone. *Provisional.*"""
    check_out: date
    """The morning of leaving, one day **after** the last night. *Provisional.*"""
    status: ReservationStatus | None = None
    """Compares with its text; `blocks_calendar` tells what it means for the nights. *Provisional.*"""
    guest: Guest | None = None
    """Who booked. *Provisional.*"""
    adults: int | None = None
    """How many. *Provisional.*"""
    children: int | None = None
    """How many. *Provisional.*"""
    infants: int | None = None
    """How many; mostly not counted as guests. *Provisional.*"""
    pets: int | None = None
    """How many. *Provisional.*"""
    total_amount: Decimal | None = None
    """Price of the whole stay, in `currency`'s major unit. *Provisional.*"""
    currency: str | None = None
    """ISO 4217 code of `total_amount`. *Provisional.*"""
    channel: str | None = None
    """Where it was booked, such as ``airbnb`` or ``direct``. *Provisional.*"""
    confirmation_code: str | None = attrs.field(default=None, repr=False)
    """The channel's code, which opens the booking to who knows it. *Provisional.*"""
    notes: str | None = attrs.field(default=None, repr=False)
    """Free text. *Provisional.*"""
    created_at: datetime | None = None
    """UTC. *Provisional.*"""
    updated_at: datetime | None = None
    """UTC. *Provisional.*"""
    cancelled_at: datetime | None = None
    """UTC; None: not cancelled, or not told. *Provisional.*"""
    extra: Mapping[str, object] = attrs.field(factory=no_extra, hash=False, repr=False)
    """Fields of the answer that this version does not know, as they came; sent back with the whole record."""

    @property
    def nights(self) -> int:
        """How many nights: the days from `check_in` to `check_out`."""
        return (self.check_out - self.check_in).days

    @property
    def last_night(self) -> date:
        """The day before `check_out`: where the **inclusive** calendar range of the stay ends."""
        return self.check_out - timedelta(days=1)

    @property
    def guests_count(self) -> int | None:
        """Adults and children, the ones that `Property.max_guests` counts; None when neither is told."""
        if self.adults is None and self.children is None:
            return None
        return (self.adults or 0) + (self.children or 0)

    @property
    def blocks_calendar(self) -> bool:
        """Whether its nights are taken.

        False for inquiry, cancelled, declined and expired. True for every other status, unknown ones and none too: a
        night held by mistake costs less than one that is sold twice. *Provisional.*
        """
        return self.status not in _LEAVE_FREE

    def includes(self, day: date) -> bool:
        """Whether the night that begins on `day` is part of the stay."""
        return self.check_in <= day < self.check_out
