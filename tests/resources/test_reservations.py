"""Reservations: what is asked, what is sent, and what is refused before it is."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

import pytest
from resources.fake_engine import always, run

from setsmart_async import Dialect, Guest, InvalidResponseError, Reservation, ReservationStatus
from setsmart_async.policy.retry import RetryClass
from setsmart_async.resources.reservations import Reservations
from setsmart_async.wire import JsonObject

STAY: JsonObject = {
    "id": "res_1",
    "property_id": "prop_123",
    "check_in": "2026-12-24",
    "check_out": "2026-12-27",
    "status": "confirmed",
    "guest": {"id": "guest_1", "first_name": "Kari", "email": "kari@example.com"},
    "adults": 2,
    "children": 1,
    "total_amount": "4500.00",
    "currency": "NOK",
    "channel": "direct",
}


def test_a_reservation_is_read_with_its_guest_money_and_days() -> None:
    engine = always(STAY)
    stay = run(engine.lend(Reservations).get("res_1"))
    assert stay == Reservation(
        id="res_1",
        property_id="prop_123",
        check_in=date(2026, 12, 24),
        check_out=date(2026, 12, 27),
        status=ReservationStatus.CONFIRMED,
        guest=Guest(id="guest_1", first_name="Kari", email="kari@example.com"),
        adults=2,
        children=1,
        total_amount=Decimal("4500.00"),
        currency="NOK",
        channel="direct",
    )
    assert engine.requests == [("GET", "/reservations/res_1")]


FILTERS: dict[str, tuple[dict[str, Any], str]] = {
    "none": ({}, "/reservations"),
    "home and status": ({"property_id": "p/1", "status": "confirmed"}, "?property_id=p%2F1&status=confirmed"),
    "arrival": (
        {"check_in_from": date(2026, 1, 1), "check_in_to": date(2026, 1, 31)},
        "?check_in_from=2026-01-01&check_in_to=2026-01-31",
    ),
    "departure": (
        {"check_out_from": date(2026, 1, 1), "check_out_to": date(2026, 1, 31)},
        "?check_out_from=2026-01-01&check_out_to=2026-01-31",
    ),
    "changed": (
        {"updated_since": datetime(2026, 1, 1, tzinfo=UTC), "page_size": 50},
        "?updated_since=2026-01-01T00%3A00%3A00Z&limit=50",
    ),
}


@pytest.mark.parametrize(("filters", "query"), FILTERS.values(), ids=list(FILTERS))
def test_a_list_asks_with_its_filters(filters: dict[str, Any], query: str) -> None:
    engine = always([STAY])
    [stay] = run(engine.lend(Reservations).list(**filters).all())
    assert stay.nights == 3
    assert engine.requests == [("GET", "/reservations" + query.removeprefix("/reservations"))]


def test_a_booking_sends_days_as_days_and_money_as_text() -> None:
    engine = always(STAY)
    guest = Guest(first_name="Kari", email="kari@example.com")
    run(
        engine.lend(Reservations).create(
            property_id="prop_123",
            check_in=date(2026, 12, 24),
            check_out=date(2026, 12, 27),
            guest=guest,
            total_amount=Decimal("4500.00"),
            currency="NOK",
            extra={"arrives_by": "boat"},
        )
    )
    assert engine.requests == [("POST", "/reservations")]
    assert engine.calls[0].retry_class is RetryClass.UNSAFE
    assert engine.body() == {
        "property_id": "prop_123",
        "check_in": "2026-12-24",
        "check_out": "2026-12-27",
        "guest": {"first_name": "Kari", "email": "kari@example.com"},
        "total_amount": "4500.00",
        "currency": "NOK",
        "arrives_by": "boat",
    }


def test_money_is_written_in_the_dialects_form() -> None:
    engine = always(STAY)
    reservations = engine.lend(Reservations, dialect=Dialect(money="object"))
    run(reservations.update("res_1", total_amount=Decimal("5.50"), currency="EUR"))
    assert engine.body() == {"total_amount": {"amount": "5.50", "currency": "EUR"}}


def test_where_put_replaces_an_amount_keeps_its_currency() -> None:
    engine = always({**STAY, "total_amount": {"amount": "4500.00", "currency": "NOK"}, "currency": None})
    reservations = engine.lend(Reservations, dialect=Dialect(money="object", update_style="replace"))
    run(reservations.update("res_1", total_amount=Decimal("5.50")))
    body = engine.body()
    assert isinstance(body, dict)
    assert body["total_amount"] == {"amount": "5.50", "currency": "NOK"}


@pytest.mark.parametrize(
    "stay",
    [
        {"check_in": date(2026, 1, 2), "check_out": date(2026, 1, 2)},
        {"check_in": date(2026, 1, 2), "check_out": date(2026, 1, 1)},
        {"check_in": datetime(2026, 1, 2, tzinfo=UTC), "check_out": date(2026, 1, 9)},
    ],
    ids=["no night", "backwards", "a time"],
)
def test_what_is_no_stay_is_refused_before_it_is_sent(stay: dict[str, Any]) -> None:
    engine = always(STAY)
    with pytest.raises(ValueError, match=r"check_out must be after|must be a date"):
        run(engine.lend(Reservations).create(property_id="prop_123", **stay))
    with pytest.raises(ValueError, match=r"check_out must be after|must be a date"):
        run(engine.lend(Reservations).update("res_1", **stay))
    assert engine.calls == []


@pytest.mark.parametrize("cancelled_by", ["host", "guest"])
def test_cancelling_says_who_and_why(cancelled_by: Literal["host", "guest"]) -> None:
    engine = always({**STAY, "status": "canceled"})
    stay = run(engine.lend(Reservations).cancel("res_1", cancelled_by=cancelled_by, reason="ill"))
    assert stay.status == "cancelled"
    assert not stay.blocks_calendar
    assert engine.requests == [("POST", "/reservations/res_1/cancel")]
    assert engine.body() == {"cancelled_by": cancelled_by, "reason": "ill"}


def test_cancelling_without_a_reason_sends_none_and_reads_only_the_right_reservation() -> None:
    engine = always(STAY)
    with pytest.raises(InvalidResponseError, match="another record"):
        run(engine.lend(Reservations).cancel("res_2", cancelled_by="host"))
    assert engine.body() == {"cancelled_by": "host"}


def test_nobody_else_can_cancel() -> None:
    engine = always(STAY)
    with pytest.raises(ValueError, match="'host' or 'guest'"):
        run(engine.lend(Reservations).cancel("res_1", cancelled_by="dog"))  # type: ignore[arg-type]  # meant to fail
    assert engine.calls == []


def test_a_reservation_can_not_be_deleted() -> None:
    assert not hasattr(Reservations, "delete")
    assert not hasattr(Reservations, "delete_many")
