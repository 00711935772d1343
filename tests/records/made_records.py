"""Records of every kind, made up: any text, any number, any day."""

import types
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, get_args, get_origin

import attrs
from hypothesis import strategies as st
from unit.values import json_values

from setsmart_async import (
    Attachment,
    CalendarDay,
    Conversation,
    Guest,
    Message,
    Property,
    Reservation,
    WebhookEvent,
    WebhookSubscription,
)
from setsmart_async.records.codec import encode_value
from setsmart_async.records.open_enum import OpenEnum
from setsmart_async.wire import Json

KINDS: tuple[type, ...] = (
    *(Property, Guest, Reservation, CalendarDay, Conversation, Message, Attachment, WebhookSubscription, WebhookEvent),
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
amounts = st.decimals(-(10**12), 10**12, allow_nan=False, allow_infinity=False, places=2)
EARLIEST, LATEST = datetime(2, 1, 1), datetime(9998, 12, 31)  # noqa: DTZ001 - hypothesis adds the zone
instants = st.datetimes(EARLIEST, LATEST, timezones=st.just(UTC))


def open_enums(kind: type[OpenEnum]) -> st.SearchStrategy[OpenEnum]:
    """Members, other spellings of them, and texts that are neither."""
    return st.sampled_from(sorted({*kind.members, *kind.spellings})).map(kind) | texts.map(kind)


_VALUES: Mapping[object, st.SearchStrategy[object]] = {
    str: texts,
    int: st.integers(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    Decimal: amounts,
    date: st.dates(),
    datetime: instants,
}


def records(kind: type) -> st.SearchStrategy[Any]:
    """Records of one kind, as a caller or the server would make them."""
    known = {field.name for field in attrs.fields(kind)}
    fields: dict[str, st.SearchStrategy[object]] = {}
    for field in attrs.fields(attrs.resolve_types(kind)):
        if field.name == "extra":
            fields["extra"] = st.dictionaries(texts.filter(lambda name: name not in known), json_values(), max_size=3)
        else:
            fields[field.name] = _values(field.type)
    return st.builds(kind, **fields)


def _values(hint: object) -> st.SearchStrategy[object]:
    if hint in _VALUES:
        return _VALUES[hint]
    if isinstance(hint, type) and issubclass(hint, OpenEnum):
        return open_enums(hint)
    if isinstance(hint, type) and attrs.has(hint):
        return records(hint)
    if hint is object:
        return json_values(leaves=2)
    inner = get_args(hint)
    if get_origin(hint) is types.UnionType:
        return st.none() | _values(inner[0])
    if get_origin(hint) in (list, tuple):
        return st.lists(_values(inner[0]), max_size=2).map(tuple if get_origin(hint) is tuple else list)
    if get_origin(hint) in (dict, Mapping):
        return st.dictionaries(texts, _values(inner[1]), max_size=2)
    raise AssertionError(f"no values for {hint}")


ODD_VALUES: Sequence[Json] = (
    *(None, True, False, 0, 1, -1, 3, 3.0, 3.7, -0.0, 0.1, 1e300, 2**53 + 1, 2**70, 10**400, 1e15, 5e-324),
    *("", "3", "true", "null", "active", "haunted", "cancelled", "canceled", "NOK", "EUR", "*"),
    *("0.1", "185.00", "1e5", "NaN", "Infinity", " 1", "1_0", "\u0661", "1" * 50, "-0"),
    *("2024-05-01", "20240501", "2024-W18-3", "2024-05-32", "0001-01-01", "2024-123", "2024-5-001"),
    *("2024-05-01T12:30:00Z", "2024-05-01T12:30:00+02:00", "2024-05-01T12:30:00", "2024-05-01 12:30:00Z"),
    *("2024-05-01T12:30:00.25Z", "2024-05-01T12:30", "2024-W18-3T12:30:00Z", "2024-05-01T24:00:00Z"),
    *("0001-01-01T00:00:00+02:00", "2024-05-01T12:30:61Z", "Z" * 20),
)
_NAMES: st.SearchStrategy[str] = st.sampled_from(("amount", "currency", "id", "url", "cents", "extra"))
LOOKALIKES: st.SearchStrategy[Json] = st.recursive(
    st.sampled_from(ODD_VALUES),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=4,
)
"""JSON values that look like what a field holds, or nearly so."""


def answers(kind: type) -> st.SearchStrategy[Json]:
    """Objects that could be this kind of record: right, nearly right and wrong values, fields missing or unknown."""
    names = [field.name for field in attrs.fields(kind)]
    right: dict[str, st.SearchStrategy[Json]] = {name: _likely(kind, name) for name in names if name != "extra"}
    required = {field.name: right[field.name] for field in attrs.fields(kind) if field.default is attrs.NOTHING}
    optional: dict[str, st.SearchStrategy[Json]] = {
        **{name: values for name, values in right.items() if name not in required},
        **dict.fromkeys(("extra", "pool", "owner", "lat"), json_values(leaves=3)),
    }
    return st.fixed_dictionaries(required, optional=optional) | LOOKALIKES


def _likely(kind: type, name: str) -> st.SearchStrategy[Json]:
    """Mostly a value of the field's type, seldom something else."""
    hint = attrs.fields_dict(attrs.resolve_types(kind))[name].type
    fitting: st.SearchStrategy[Json] = _values(hint).map(encode_value)
    return st.one_of(*([fitting] * 9), LOOKALIKES)
