"""Money: every form is read to the last digit, one form is written, and cents are never guessed."""

from decimal import Decimal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setsmart_async import CalendarDay, InvalidResponseError, MoneyForm, Reservation
from setsmart_async.records.codec import decode_record, encode_record, encode_value
from setsmart_async.records.generated_reader import can_generate
from setsmart_async.wire import Json, JsonObject, decode_json, encode_json

STAY: JsonObject = {"id": "r", "property_id": "p", "check_in": "2026-07-01", "check_out": "2026-07-05"}


def read(amount: Json, **more: Json) -> Reservation:
    return decode_record(Reservation, {**STAY, "total_amount": amount, **more})


READ: dict[str, tuple[bytes, str]] = {
    "a decimal text": (b'"185.00"', "185.00"),
    "an integer": (b"185", "185"),
    "a number": (b"0.1", "0.1"),
    "a number with its zero": (b"185.50", "185.5"),
    "a number with an exponent": (b"1e2", "100.0"),
    "fifteen digits": (b"1234567890123.45", "1234567890123.45"),
    "thirty digits as text": (b'"123456789012345678901234567890.12"', "123456789012345678901234567890.12"),
    "an integer beyond 64 bits": (b"123456789012345678901234567890", "123456789012345678901234567890"),
    "nothing": (b"0", "0"),
    "a refund": (b'"-12.30"', "-12.30"),
}


@pytest.mark.parametrize(("body", "amount"), READ.values(), ids=list(READ))
def test_an_amount_is_read_by_its_text(body: bytes, amount: str) -> None:
    found = read(decode_json(body)).total_amount
    assert found == Decimal(amount)
    assert str(found) == amount


@given(st.integers(-(10**15) + 1, 10**15 - 1), st.integers(0, 15))
def test_up_to_fifteen_digits_a_number_is_read_exactly(digits: int, places: int) -> None:
    exact = Decimal(digits).scaleb(-places)
    assert read(decode_json(format(exact, "f").encode())).total_amount == exact


@pytest.mark.parametrize(
    "value",
    [
        *("", "NaN", "Infinity", "1e5", "1,000.00", "1_000", " 1", "1 ", "\u0661", "185.", ".5", "EUR 5", "1" * 41),
        *(True, 1e15, 1e300, 5e-324, 10**40, [], ["1"], {}, {"amount": "1", "currency": "EUR", "exponent": 2}),
        *({"currency": "EUR"}, {"amount": "1", "currency": 1}, {"amount": {"amount": "1"}}, {"cents": 100}),
    ],
)
def test_what_is_no_amount_is_refused_and_named(value: Json) -> None:
    with pytest.raises(InvalidResponseError) as caught:
        read(value)
    assert {path for path, _ in caught.value.problems} <= {"$.total_amount", "$.currency"}


OBJECTS: dict[str, tuple[Json, JsonObject, tuple[str | None, str | None]]] = {
    "its currency becomes the record's": ({"amount": "185.00", "currency": "EUR"}, {}, ("185.00", "EUR")),
    "a number inside": ({"amount": 185.5, "currency": "EUR"}, {}, ("185.5", "EUR")),
    "the record says the same": ({"amount": "1", "currency": "EUR"}, {"currency": "EUR"}, ("1", "EUR")),
    "only the record says": ({"amount": "1"}, {"currency": "EUR"}, ("1", "EUR")),
    "nobody says": ({"amount": "1"}, {}, ("1", None)),
    "no amount": ({"amount": None, "currency": "EUR"}, {}, (None, "EUR")),
    "a null currency": ({"amount": "1", "currency": None}, {"currency": None}, ("1", None)),
}


@pytest.mark.parametrize(("value", "more", "found"), OBJECTS.values(), ids=list(OBJECTS))
def test_an_object_brings_its_currency(value: Json, more: JsonObject, found: tuple[str | None, str | None]) -> None:
    record = read(value, **more)
    assert (None if record.total_amount is None else str(record.total_amount), record.currency) == found


def test_two_currencies_are_refused() -> None:
    with pytest.raises(InvalidResponseError) as caught:
        read({"amount": "1", "currency": "EUR"}, currency="NOK")
    assert caught.value.problems == (("$.total_amount", "expected an amount, got an object"),)


@attrs.frozen(kw_only=True)
class Fee:
    """A class without a currency."""

    amount: Decimal


def test_without_a_currency_to_keep_an_object_is_refused() -> None:
    assert decode_record(Fee, {"amount": 1}) == Fee(amount=Decimal(1))
    with pytest.raises(InvalidResponseError, match="expected an amount"):
        decode_record(Fee, {"amount": {"amount": "1", "currency": "EUR"}})


@attrs.frozen(kw_only=True)
class Toll:
    """A currency of its own, unless told otherwise."""

    amount: Decimal
    currency: str = "EUR"


def test_a_default_currency_gives_way_to_the_amounts() -> None:
    assert not can_generate(Toll)
    assert decode_record(Toll, {"amount": "1"}) == Toll(amount=Decimal(1))
    assert decode_record(Toll, {"amount": {"amount": "1", "currency": "NOK"}}).currency == "NOK"
    assert decode_record(Toll, {"amount": {"amount": "1"}}).currency == "EUR"


@pytest.mark.parametrize(
    ("money", "written"),
    [
        ("string", b'"nightly_rate":"185.10","currency":"EUR"'),
        ("number", b'"nightly_rate":185.1,"currency":"EUR"'),
        ("object", b'"nightly_rate":{"amount":"185.10","currency":"EUR"}'),
    ],
)
def test_the_form_that_is_written_is_chosen(money: MoneyForm, written: bytes) -> None:
    day = decode_record(CalendarDay, {"date": "2026-07-01", "nightly_rate": "185.10", "currency": "EUR"})
    assert encode_json(encode_record(day, money)) == b'{"date":"2026-07-01",' + written + b"}"
    fields = {"date": day.date, "nightly_rate": day.nightly_rate, "currency": "EUR"}
    assert encode_value({"days": [fields]}, money) == {"days": [encode_record(day, money)]}
    assert decode_record(CalendarDay, encode_record(day, money)) == day


def test_a_currency_without_an_amount_stays_where_it_is() -> None:
    day = decode_record(CalendarDay, {"date": "2026-07-01", "currency": "EUR"})
    assert encode_record(day, "object") == {"date": "2026-07-01", "currency": "EUR"}
    assert encode_value({"nightly_rate": None, "currency": "EUR"}, "object") == {
        "nightly_rate": None,
        "currency": "EUR",
    }


def test_a_text_never_has_an_exponent() -> None:
    assert encode_value(Decimal("1E+3")) == "1000"
    assert encode_value(Decimal("1E-3")) == "0.001"


def test_a_whole_amount_as_a_number_is_an_integer() -> None:
    assert encode_json(encode_value(Decimal("123456789012345678901.00"), "number")) == b"123456789012345678901"


@pytest.mark.parametrize("amount", ["NaN", "sNaN", "Infinity", "1E+1000000", "1E-1000000"])
@pytest.mark.parametrize("money", ["string", "number", "object"])
def test_what_is_no_amount_is_not_written(amount: str, money: MoneyForm) -> None:
    with pytest.raises(ValueError, match="An amount must be finite"):
        encode_value(Decimal(amount), money)


def test_a_number_that_would_lose_digits_is_not_written() -> None:
    with pytest.raises(ValueError, match="more digits"):
        encode_value(Decimal("12345678901234567.89"), "number")
