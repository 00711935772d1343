"""Stays are half-open, calendar ranges inclusive, and the hour is the home's."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setsmart_async import Property, Reservation, ReservationStatus, check_calendar_range, check_stay

FIRST, LAST = date(2026, 7, 1), date(2026, 7, 5)
STAY = Reservation(id="r", property_id="p", check_in=FIRST, check_out=LAST)
days = st.dates(date(2000, 1, 1), date(2100, 1, 1))


def test_the_night_of_leaving_is_not_part_of_the_stay() -> None:
    assert STAY.nights == 4
    assert STAY.last_night == date(2026, 7, 4)
    assert [day for day in range(1, 8) if STAY.includes(date(2026, 7, day))] == [1, 2, 3, 4]


@given(days, st.integers(1, 400))
def test_nights_last_night_and_the_days_included_tell_the_same(first: date, nights: int) -> None:
    stay = attrs.evolve(STAY, check_in=first, check_out=first + timedelta(days=nights))
    around = [first + timedelta(days=n) for n in range(-2, nights + 3)]
    included = [day for day in around if stay.includes(day)]
    assert len(included) == stay.nights == nights
    assert (included[0], included[-1]) == (stay.check_in, stay.last_night)
    check_stay(stay.check_in, stay.check_out)
    check_calendar_range(stay.check_in, stay.last_night)


NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(("check_in", "check_out"), [(FIRST, FIRST), (LAST, FIRST), (NOON, LAST), (FIRST, NOON)])
def test_a_stay_without_a_night_or_with_hours_is_refused(check_in: date, check_out: date) -> None:
    with pytest.raises(ValueError, match="check_"):
        check_stay(check_in, check_out)


@pytest.mark.parametrize(("start", "end"), [(LAST, FIRST), (NOON, LAST), (FIRST, NOON)])
def test_a_range_that_ends_before_it_starts_or_has_hours_is_refused(start: date, end: date) -> None:
    with pytest.raises(ValueError, match="_date"):
        check_calendar_range(start, end)


def test_a_range_of_one_day_is_that_day_twice() -> None:
    check_calendar_range(FIRST, FIRST)


@pytest.mark.parametrize(
    ("adults", "children", "count"), [(None, None, None), (2, None, 2), (None, 1, 1), (2, 3, 5), (0, 0, 0)]
)
def test_adults_and_children_are_counted(adults: int | None, children: int | None, count: int | None) -> None:
    assert attrs.evolve(STAY, adults=adults, children=children, infants=4, pets=1).guests_count == count


FREE = {"inquiry", "cancelled", "canceled", "declined", "expired"}


@pytest.mark.parametrize("status", sorted({*ReservationStatus.members, "canceled", "overbooked", ""}))
def test_which_statuses_take_the_nights(status: str) -> None:
    assert attrs.evolve(STAY, status=ReservationStatus(status)).blocks_calendar is (status not in FREE)


def test_a_reservation_without_a_status_takes_its_nights() -> None:
    assert STAY.blocks_calendar


def home(zone: str | None) -> Property:
    return Property(id="p", name="n", timezone=zone)


LOCAL: dict[str, tuple[str, datetime, str]] = {
    "summer": ("Europe/Oslo", datetime(2026, 7, 1, 15), "2026-07-01T15:00:00+02:00"),  # noqa: DTZ001 - meant locally
    "winter": ("Europe/Oslo", datetime(2026, 1, 1, 15), "2026-01-01T15:00:00+01:00"),  # noqa: DTZ001 - as above
    "skipped": ("Europe/Oslo", datetime(2026, 3, 29, 2, 30), "2026-03-29T03:30:00+02:00"),  # noqa: DTZ001 - as above
    "twice": ("Europe/Oslo", datetime(2026, 10, 25, 2, 30), "2026-10-25T02:30:00+02:00"),  # noqa: DTZ001 - as above
    "half an hour": ("Asia/Kolkata", datetime(2026, 7, 1, 15), "2026-07-01T15:00:00+05:30"),  # noqa: DTZ001 - as above
}


@pytest.mark.parametrize(("zone", "local", "shown"), LOCAL.values(), ids=list(LOCAL))
def test_an_hour_at_the_home(zone: str, local: datetime, shown: str) -> None:
    moment = home(zone).local_datetime(local.date(), local.time())
    assert moment.isoformat() == shown
    assert str(moment.tzinfo) == zone


@pytest.mark.parametrize("zone", [None, "", "Europe", "Europe/Atlantis", "../../etc/passwd", "/etc/passwd", "\0"])
def test_a_home_whose_zone_is_not_known_has_no_local_time(zone: str | None) -> None:
    with pytest.raises(ValueError, match="timezone") as caught:
        home(zone).local_datetime(FIRST, time(15))
    assert caught.value.__context__ is None


def test_an_hour_with_a_zone_of_its_own_is_refused() -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        home("Europe/Oslo").local_datetime(FIRST, time(15, tzinfo=UTC))


def test_a_day_at_the_edge_of_time() -> None:
    stay: Any = attrs.evolve(STAY, check_out=date.min)
    with pytest.raises(OverflowError):
        _ = stay.last_night
