"""What the fields of an attrs class are, as the readers need to know them."""

from __future__ import annotations

import functools
import types
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias, Union, cast, get_args, get_origin, get_type_hints

import attrs

from setsmart_async.records.money import unpack_amount
from setsmart_async.wire import Json, JsonObject

_NO_TYPE: Final = type(None)
_COLLECTIONS: Final = (list, tuple, set, frozenset, dict, Mapping, Sequence)
DefaultKind: TypeAlias = Literal["required", "value", "factory"]


@attrs.frozen(kw_only=True)
class FieldLayout:
    """One field of a record."""

    name: str
    type: object
    """Without the ``None`` of an optional field."""
    optional: bool
    """Whether null is a value of the field."""
    default_kind: DefaultKind
    default: object = None
    """The default itself, or the callable that makes it."""
    null_is_missing: bool = False
    """A collection that may be left out: null reads as its default."""


@attrs.frozen(kw_only=True)
class RecordLayout:
    """An attrs class as the codec sees it: its fields, `extra` apart."""

    fields: tuple[FieldLayout, ...]
    known: frozenset[str]
    keeps_extra: bool
    """Whether the class has an `extra` for the fields that it does not know."""
    amounts: tuple[str, ...]
    """Fields with money, whose currency is the field ``currency``; empty for a class without one."""

    def plain(self, came: JsonObject) -> JsonObject:
        """The object in the one form that every field's reader takes: amounts bare, no null for a collection."""
        changed: JsonObject = {}
        for name in self.amounts:
            if type(came.get(name)) is dict:
                currency = changed.get("currency", came.get("currency"))
                amount, brought = unpack_amount(came[name], currency)
                changed[name] = cast(Json, amount)
                if brought is not None:
                    changed["currency"] = cast(Json, brought)
        dropped = {f.name for f in self.fields if f.null_is_missing and came.get(f.name, f) is None}
        if not changed and not dropped:
            return came
        return {name: value for name, value in {**came, **changed}.items() if name not in dropped}

    def unknown(self, came: JsonObject) -> JsonObject:
        """The fields that the class does not know, as they came."""
        return {name: value for name, value in came.items() if name not in self.known}


@functools.cache
def layout_of(kind: type) -> RecordLayout:
    """The layout of an attrs class. Raises `NameError` when an annotation names what its module does not have."""
    hints = get_type_hints(get_origin(kind) or kind)
    attributes = attrs.fields(kind)
    keeps_extra = any(attribute.name == "extra" for attribute in attributes)
    fields = tuple(
        _field(attribute, hints.get(attribute.name, attribute.type))
        for attribute in attributes
        if attribute.name != "extra"
    )
    known = frozenset(field.name for field in fields)
    amounts = tuple(field.name for field in fields if field.type is Decimal) if "currency" in known else ()
    return RecordLayout(fields=fields, known=known, keeps_extra=keeps_extra, amounts=amounts)


def _field(attribute: attrs.Attribute[object], hint: object) -> FieldLayout:
    inner = _without_none(hint)
    default = attribute.default
    default_kind: DefaultKind = "required" if default is attrs.NOTHING else "value"
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # a class, which the stubs call a function
        default_kind, default = "factory", cast(Any, default).factory
    return FieldLayout(
        name=attribute.name,
        type=inner,
        optional=inner is not hint,
        default_kind=default_kind,
        default=None if default is attrs.NOTHING else default,
        null_is_missing=default_kind != "required" and inner is hint and get_origin(hint) in _COLLECTIONS,
    )


def _without_none(hint: object) -> object:
    """``X`` of ``X | None``; any other type as it is."""
    if get_origin(hint) in (Union, types.UnionType):
        inner = [member for member in get_args(hint) if member is not _NO_TYPE]
        if len(inner) == 1 and len(inner) < len(get_args(hint)):
            return cast(object, inner[0])
    return hint
