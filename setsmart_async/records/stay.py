"""Stays and calendar ranges: two ways of writing days, which must not be mixed.

**A stay is half-open**: ``check_in`` is its first night, ``check_out`` the morning after its last; guests who leave on
the 5th and guests who arrive on the 5th do not meet. **A calendar range is inclusive**: ``end_date`` is the last day
that changes. The range of a stay is ``check_in`` to ``check_out`` less one day: `Reservation.last_night`.
Days carry no time zone: they are the home's own.
"""

from __future__ import annotations

from datetime import date, datetime


def check_stay(check_in: date, check_out: date) -> None:
    """Refuse a stay without a night, before it is sent.

    Raises `ValueError` unless `check_out` is after `check_in` and both are days, not times.
    """
    _check_days(check_in=check_in, check_out=check_out)
    if check_out <= check_in:
        raise ValueError("check_out must be after check_in: a stay has at least one night.")


def check_calendar_range(start_date: date, end_date: date) -> None:
    """Refuse a calendar range without a day. Both ends are in it: one day is the same date twice.

    Raises `ValueError` when `end_date` is before `start_date`, or when either is a time.
    """
    _check_days(start_date=start_date, end_date=end_date)
    if end_date < start_date:
        raise ValueError("end_date must not be before start_date; both days are part of the range.")


def _check_days(**days: date) -> None:
    for name, day in days.items():
        if isinstance(day, datetime):
            raise ValueError(f"{name} must be a date, not a datetime: it is a day at the home.")  # noqa: TRY004 - a datetime is a date by type
