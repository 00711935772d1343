"""From changes by day to the fewest ranges: pure, and the same for any order of equal wishes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import attrs

from setsmart_async.records.stay import check_calendar_range
from setsmart_async.records.unset import UNSET, Unset

MOST_DAYS: Final = 3_660
"""The most days that one change may span: ten years. A longer one is a typing error."""

_ONE_DAY: Final = timedelta(days=1)


def _first_day(change: CalendarChange) -> date:
    return change.start_date


@attrs.frozen(kw_only=True)
class CalendarChange:
    """What is to become of some days of a calendar. Every field is *provisional*.

    The range is **inclusive at both ends**, other than a stay's dates. What is not passed stays as it is; None clears.
    Raises `ValueError` for a range without a day, one of more than ten years, and for no change at all.
    """

    start_date: date
    """The first day."""
    end_date: date = attrs.field(default=attrs.Factory(_first_day, takes_self=True))
    """The **last** day, itself part of the range; left out: `start_date`, one day."""
    available: bool | Unset | None = UNSET
    """Whether the nights can be booked."""
    nightly_rate: Decimal | Unset | None = UNSET
    """Price of a night, in the currency's major unit."""
    currency: str | Unset | None = UNSET
    """ISO 4217 code of `nightly_rate`."""
    min_stay: int | Unset | None = UNSET
    """Fewest nights of a stay that arrives on these days."""
    max_stay: int | Unset | None = UNSET
    """Most nights of a stay that arrives on these days."""
    closed_to_arrival: bool | Unset | None = UNSET
    """No stay may begin on these days."""
    closed_to_departure: bool | Unset | None = UNSET
    """No stay may end on these days."""
    note: str | Unset | None = attrs.field(default=UNSET, repr=False)
    """Free text; never printed."""
    extra: Mapping[str, object] = attrs.field(factory=dict[str, object], hash=False, repr=False)
    """Fields that this library does not know, sent as they are."""

    def __attrs_post_init__(self) -> None:
        check_calendar_range(self.start_date, self.end_date)
        if (self.end_date - self.start_date).days >= MOST_DAYS:
            raise ValueError("A calendar change spans ten years at most; is end_date right?")
        if not self.fields():
            raise ValueError("A calendar change needs at least one field to change.")

    def fields(self) -> dict[str, object]:
        """What is to change, by name."""
        values = {name: getattr(self, name) for name in _CHANGEABLE}
        return {**self.extra, **{name: value for name, value in values.items() if value is not UNSET}}


_CHANGEABLE: Final = tuple(
    field.name for field in attrs.fields(CalendarChange) if field.name not in ("start_date", "end_date", "extra")
)


@attrs.frozen
class CalendarRange:
    """Days that are to become the same."""

    start_date: date
    end_date: date
    """Inclusive."""
    fields: Mapping[str, object]

    @property
    def days(self) -> int:
        """How many days it spans."""
        return (self.end_date - self.start_date).days + 1


def merged(changes: Iterable[CalendarChange]) -> list[CalendarRange]:
    """The changes as ranges in order of days, none touching an equal neighbour.

    Where two changes name the same day, their fields are joined, and the later one counts where both name a field.
    """
    by_day: dict[date, dict[str, object]] = {}
    for change in changes:
        fields, day = change.fields(), change.start_date
        while True:
            by_day[day] = {**by_day.get(day, {}), **fields}
            if day == change.end_date:  # not beyond: there is no day after 9999-12-31
                break
            day += _ONE_DAY
    ranges: list[CalendarRange] = []
    for day in sorted(by_day):
        last = ranges[-1] if ranges else None
        if last is not None and last.end_date == day - _ONE_DAY and last.fields == by_day[day]:
            ranges[-1] = CalendarRange(last.start_date, day, last.fields)
        else:
            ranges.append(CalendarRange(day, day, by_day[day]))
    return ranges


def chunked(ranges: Iterable[CalendarRange], most_days: int) -> list[list[CalendarRange]]:
    """The ranges in chunks of at most so many days; a range that does not fit is cut."""
    chunks: list[list[CalendarRange]] = []
    room = 0
    for whole in ranges:
        rest: CalendarRange | None = whole
        while rest is not None:
            if room == 0:
                chunks.append([])
                room = most_days
            if rest.days <= room:
                piece, rest = rest, None
            else:
                cut = rest.start_date + timedelta(days=room)
                piece = CalendarRange(rest.start_date, cut - _ONE_DAY, rest.fields)
                rest = CalendarRange(cut, rest.end_date, rest.fields)
            chunks[-1].append(piece)
            room -= piece.days
    return chunks
