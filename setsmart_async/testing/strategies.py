"""hypothesis' strategies for records: any text, any number, any day, as a server might send them."""

from __future__ import annotations

import types
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final, TypeVar, cast, get_args, get_origin

import attrs
from hypothesis import strategies as st

from setsmart_async.records.open_enum import OpenEnum

R = TypeVar("R")

_TEXTS: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_EARLIEST, _LATEST = datetime(2, 1, 1), datetime(9998, 12, 31)  # noqa: DTZ001 - hypothesis adds the zone
_VALUES: Final[Mapping[object, st.SearchStrategy[object]]] = {
    str: _TEXTS,
    int: st.integers(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    Decimal: st.decimals(-(10**12), 10**12, allow_nan=False, allow_infinity=False, places=2),
    date: st.dates(),
    datetime: st.datetimes(_EARLIEST, _LATEST, timezones=st.just(UTC)),
}
_JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | _TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_TEXTS, inner, max_size=2),
    max_leaves=3,
)


def records(kind: type[R]) -> st.SearchStrategy[R]:
    """Records of one kind, such as ``records(Property)``; of an attrs class of your own, too."""
    known = {field.name for field in attrs.fields(cast(Any, kind))}
    fields: dict[str, st.SearchStrategy[object]] = {}
    for field in attrs.fields(attrs.resolve_types(cast(Any, kind))):
        if field.name == "extra":
            names = _TEXTS.filter(lambda name: name not in known)
            fields["extra"] = st.dictionaries(names, _JSON, max_size=3)
        else:
            fields[field.name] = values_of(field.type)
    return st.builds(kind, **fields)


def open_enums(kind: type[OpenEnum]) -> st.SearchStrategy[OpenEnum]:
    """Members, other spellings of them, and texts that are neither."""
    return st.sampled_from(sorted({*kind.members, *kind.spellings})).map(kind) | _TEXTS.map(kind)


def values_of(hint: object) -> st.SearchStrategy[object]:
    """Values of a type, as an annotation says it."""
    if hint in _VALUES:
        return _VALUES[hint]
    if isinstance(hint, type) and issubclass(hint, OpenEnum):
        return open_enums(hint)
    if isinstance(hint, type) and attrs.has(hint):
        return records(hint)
    inner = get_args(hint)
    if get_origin(hint) is types.UnionType:
        return st.none() | values_of(inner[0])
    if get_origin(hint) in (list, tuple):
        return st.lists(values_of(inner[0]), max_size=2).map(tuple if get_origin(hint) is tuple else list)
    if get_origin(hint) in (dict, Mapping):
        return st.dictionaries(_TEXTS, _JSON, max_size=2)
    return _JSON
