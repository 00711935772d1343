"""Amounts of money: `Decimal` here; a text, a number or an object on the wire.

An amount is in its currency's major unit, as the server writes it. Minor units (cents) are never guessed: an amount of
18500 is read as 18500.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Final, Literal, TypeAlias, cast

from setsmart_async.records.mismatch import MismatchError
from setsmart_async.wire import Json

MoneyForm: TypeAlias = Literal["string", "number", "object"]
"""How amounts are written: ``"185.00"``, ``185.00`` or ``{"amount": "185.00", "currency": "EUR"}``. All are read."""

_PLAIN: Final = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{1,40})?", re.ASCII).fullmatch
_MOST: Final = 10**15  # from here on a float has no digit left for the cents
_PLACES: Final = 40
_GREATEST: Final = 10**_PLACES


def read_amount(value: object, _: object = None) -> Decimal:
    """A decimal text, an integer, or a number by its shortest text: ``0.1`` is ``Decimal("0.1")``.

    That text is exact up to 15 significant digits; a fraction of 10**15 or more is refused, because its cents are
    lost before anyone reads them. Raises `MismatchError`.
    """
    if type(value) is str and _PLAIN(value):
        return Decimal(value)
    if type(value) is int and -_GREATEST < value < _GREATEST:
        return Decimal(value)
    if type(value) is float and -_MOST < value < _MOST and (amount := Decimal(repr(value))).adjusted() >= -_PLACES // 2:
        return amount
    raise MismatchError("an amount", value)


def unpack_amount(value: object, currency: object) -> tuple[object, object]:
    """Amount and currency out of ``{"amount", "currency"}``, where `currency` is what the record says itself.

    An object with other keys (which may say that the amount is in cents) or of another currency than the record's
    is given back whole, for `read_amount` to refuse.
    """
    if type(value) is not dict:
        return value, currency
    parts = cast("dict[str, object]", value)
    if "amount" not in parts or not parts.keys() <= {"amount", "currency"}:
        return parts, currency
    inner = parts.get("currency")
    if inner is None or inner == currency:
        return parts["amount"], currency
    return (parts["amount"], inner) if currency is None else (parts, currency)


def write_amount(value: Decimal, form: MoneyForm) -> Json:
    """One amount, as text or number; in an object, by `pack_amounts`.

    Raises `ValueError` for what is no amount (NaN, infinity, more than 40 places on either side of the point), and
    for a number that JSON's floats do not hold exactly.
    """
    if not value.is_finite() or value.adjusted() >= _PLACES or _exponent(value) < -_PLACES:
        raise ValueError("An amount must be finite and have at most 40 places before and behind the point.")
    if form != "number":
        return format(value, "f")
    if value == value.to_integral_value():
        return int(value)
    number = float(value)
    if Decimal(repr(number)) != value:
        raise ValueError("The amount has more digits than a JSON number holds: use the money form 'string'.")
    return number


def _exponent(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def pack_amounts(fields: dict[str, Json], amounts: Collection[str]) -> dict[str, Json]:
    """The money form ``object``: each amount with the currency beside it, which moves inside."""
    written = [name for name in amounts if fields.get(name) is not None]
    if not written:
        return fields
    currency = fields.get("currency")
    inside: Mapping[str, Json] = {} if currency is None else {"currency": currency}
    packed: dict[str, Json] = {name: value for name, value in fields.items() if name != "currency" or value is None}
    packed.update({name: {"amount": fields[name], **inside} for name in written})
    return packed
