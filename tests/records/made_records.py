"""Records of every kind, made up: any text, any number, any day."""

from collections.abc import Sequence

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
from setsmart_async.testing.strategies import records, values_of
from setsmart_async.wire import Json

__all__ = ["KINDS", "ODD_VALUES", "answers", "records"]

KINDS: tuple[type, ...] = (
    *(Property, Guest, Reservation, CalendarDay, Conversation, Message, Attachment, WebhookSubscription, WebhookEvent),
)

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
    fitting: st.SearchStrategy[Json] = values_of(hint).map(encode_value)
    return st.one_of(*([fitting] * 9), LOOKALIKES)
