"""Readers written for one attrs class: the fast lane of the codec.

An attrs class's own ``__init__`` costs more than all the rest of reading a record, because a frozen class has to go
around its own ``__setattr__`` for each field. So the code that is made here, once for each class, fills an instance
of an open subclass with plain assignments and turns it into the class itself at the end. It is made for classes that
are nothing but their fields (see `can_generate`); the others are read by cattrs. All read the same: a test
holds them to it.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias, cast

import attrs

from setsmart_async.records.layout import FieldLayout, RecordLayout, layout_of
from setsmart_async.records.money import read_amount, unpack_amount
from setsmart_async.records.open_enum import OpenEnum
from setsmart_async.records.scalars import (
    in_utc,
    read_boolean,
    read_day,
    read_instant,
    read_integer,
    read_number,
    read_text,
)

ReadOne: TypeAlias = Callable[[object, Any], object]

INLINE: Final[Mapping[object, ReadOne]] = {str: read_text, int: read_integer, float: read_number, bool: read_boolean}
"""The plain types, whose values are JSON's own, and what checks and reads one."""
MISSING: Final = object()
"""Stands for a field that was left out, where None would be a value."""
_QUICK: Final = ", ".join(f"{name}={name}" for name in ("Open", "Kind", "type", "str", "int", "float"))  # local names


def object_reader(kind: type, layout: RecordLayout, hook_for: Callable[[Any], ReadOne]) -> ReadOne:
    """What reads one JSON object, with any of its fields missing and any number of unknown ones."""
    body = [
        *(f"v{index} = {_fetched(field, layout)}" for index, field in enumerate(layout.fields)),
        *_unpacking(layout),
        *(line for index, field in enumerate(layout.fields) for line in _reading(index, field, checked=False)),
        "record = Open()",
        *(f"record.{field.name} = v{index}" for index, field in enumerate(layout.fields)),
    ]
    if layout.keeps_extra:
        body.append("record.extra = {} if known.issuperset(came) else unknown(came)")
    lines = [
        f"def read(came, _, {_QUICK}):",  # what is no object has no `get`, which refuses it
        "    get = came.get",
        *(f"    {line}" for line in body),
        "    record.__class__ = Kind",
        "    return record",
    ]
    return cast(ReadOne, compiled(lines, namespace_of(kind, layout, hook_for)))


def list_loop(layout: RecordLayout, extra: Sequence[str]) -> list[str]:
    """The code that reads many structs, whose fields ``f0``, ``f1``, ... hold values of plain types, checked, or JSON.

    `extra` are the lines that fill `extra`.
    """
    read_on = {index: list(_reading(index, field, checked=True)) for index, field in enumerate(layout.fields)}
    if layout.amounts:
        read_on |= {index: [""] for index, field in enumerate(layout.fields) if field.name == "currency"}
    body = [
        *(f"v{index} = came.f{index}" for index, lines in read_on.items() if lines),
        *_unpacking(layout),
        *(line for lines in read_on.values() for line in lines if line),
        "record = Open()",
        *(
            f"record.{field.name} = {f'v{index}' if read_on[index] else f'came.f{index}'}"
            for index, field in enumerate(layout.fields)
        ),
        *extra,
        "record.__class__ = Kind",
        "records.append(record)",
    ]
    head = [f"def read(items, {_QUICK}):", "    records = []", "    for came in items:"]
    return [*head, *(f"        {line}" for line in body), "    return records"]


def compiled(lines: Sequence[str], namespace: dict[str, object]) -> object:
    """The function that these lines define."""
    exec("\n".join(lines), namespace)  # noqa: S102 - made of the class's own field names, nothing of the server's
    return namespace["read"]


def can_generate(kind: object) -> bool:
    """Whether the class is nothing but its fields: slots, attrs' own ``__init__``, no converter, validator or alias."""
    if type(kind) is not type or not attrs.has(kind):
        return False
    attributes = attrs.fields(kind)
    slots = {name for base in kind.__mro__ for name in vars(base).get("__slots__", ())} - {"__weakref__"}
    init_file: str = getattr(getattr(kind.__init__, "__code__", None), "co_filename", "")
    return (
        slots == {attribute.name for attribute in attributes}
        and init_file.startswith("<attrs generated")
        and not hasattr(kind, "__attrs_pre_init__")
        and not hasattr(kind, "__attrs_post_init__")
        and kind.__new__ is object.__new__
        and isinstance(kind.__init_subclass__, types.BuiltinMethodType)
        and all(map(_is_plain, attributes))
        and _currency_is_plain(layout_of(kind))
    )


def _is_plain(attribute: attrs.Attribute[object]) -> bool:
    default = attribute.default
    return (
        attribute.init
        and attribute.alias == attribute.name
        and cast(Any, attribute).converter is None
        and attribute.validator is None
        and not getattr(default, "takes_self", False)
    )


def _currency_is_plain(layout: RecordLayout) -> bool:
    """Whether a currency that is missing can be told by None, until an amount brings one."""
    return not layout.amounts or all(f.name != "currency" or f.default is None for f in layout.fields)


class _Members(dict[object, OpenEnum]):
    """An open enumeration's members by their text; others are made when asked for."""

    def __init__(self, kind: type[OpenEnum]) -> None:
        super().__init__({text: kind(text) for text in (*kind.members, *kind.spellings)})
        self._kind = kind

    def __missing__(self, text: object) -> OpenEnum:
        return self._kind(read_text(text))


def namespace_of(kind: type, layout: RecordLayout, hook_for: Callable[[Any], ReadOne]) -> dict[str, object]:
    """What the generated code refers to by name."""
    unlocked = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__, "__init__": object.__init__}
    names: dict[str, object] = {
        "Kind": kind,
        "Open": type(kind.__name__, (kind,), {"__slots__": (), "__module__": kind.__module__, **unlocked}),
        "missing": MISSING,
        "known": layout.known,
        "unknown": layout.unknown,
        "unpack_amount": unpack_amount,
        "from_iso": datetime.fromisoformat,
        "utc": UTC,
        "in_utc": in_utc,
        "read_instant": read_instant,
        "day_from_iso": date.fromisoformat,
        "read_day": read_day,
        "read_amount": read_amount,
        **{f"read_{_name(kind)}": read for kind, read in INLINE.items()},
    }
    for index, field in enumerate(layout.fields):
        names[f"default{index}"] = field.default
        names[f"type{index}"] = field.type
        if is_open_enum(field.type):
            names[f"members{index}"] = _Members(cast("type[OpenEnum]", field.type))
        if " hook" in _read_statement(index, field):
            names[f"hook{index}"] = hook_for(field.type)
    return names


def _fetched(field: FieldLayout, layout: RecordLayout) -> str:
    """A field's raw value; `missing` where None would not say that it was left out."""
    name = repr(field.name)
    brought = bool(layout.amounts) and field.name == "currency"  # an amount may bring it
    if field.default_kind == "required" and not brought:
        return f"came[{name}]"
    return f"get({name})" if absent_is_none(field) else f"get({name}, missing)"


def _unpacking(layout: RecordLayout) -> Iterator[str]:
    """Amounts out of their objects, which may bring the currency."""
    place = {field.name: index for index, field in enumerate(layout.fields)}
    for name in layout.amounts:
        amount, currency = f"v{place[name]}", f"v{place['currency']}"
        yield f"if type({amount}) is dict: {amount}, {currency} = unpack_amount({amount}, {currency})"
    if layout.amounts and layout.fields[place["currency"]].default_kind == "required":
        yield f"if v{place['currency']} is None and 'currency' not in came: raise KeyError('currency')"


def absent_is_none(field: FieldLayout) -> bool:
    """Whether None stands for a field that was left out."""
    return field.default is None and (field.optional or field.default_kind == "required")


def _default(index: int, field: FieldLayout) -> str:
    if field.default_kind == "factory":
        return f"default{index}()"
    return "None" if field.default is None else f"default{index}"


def _reading(index: int, field: FieldLayout, *, checked: bool) -> Iterator[str]:
    """From a raw value, or its absence, to the field's; `checked`: a plain type's value is already one."""
    value, read = f"v{index}", _read_statement(index, field)
    plain = field.type in INLINE
    if checked and (plain or field.type is date):
        read = ""
    elif checked and field.type is datetime:
        read = f"{value} = {value} if {value}.tzinfo is utc else in_utc({value})"
    if field.default_kind != "required" and not absent_is_none(field):
        absent = f"{value} is None or {value} is missing" if field.null_is_missing else f"{value} is missing"
        yield f"if {absent}: {value} = {_default(index, field)}"
        if read:
            yield f"elif {value} is not None: {read}" if field.optional else f"else: {read}"
    elif plain and read:
        absent = f" and {value} is not None" if field.optional else ""
        yield f"if type({value}) is not {_name(field.type)}{absent}: {read}"
    elif read:
        yield f"if {value} is not None: {read}" if field.optional else read


def _read_statement(index: int, field: FieldLayout) -> str:
    """The statement that reads a value which is there; empty where any JSON will do. The common case goes first."""
    value = f"v{index}"
    if field.type in (object, Any, None):
        return ""
    if field.type is float:
        return f"{value} = {value} + 0.0 if type({value}) is int else read_float({value})"
    if field.type in INLINE:
        return f"{value} = read_{_name(field.type)}({value})"
    if field.type is datetime:
        return f"{value} = from_iso({value}) if len({value}) == 20 and {value}[19] == 'Z' else read_instant({value})"
    if field.type is date:
        plain = f"len({value}) == 10 and {value}[4] == '-' == {value}[7]"
        return f"{value} = day_from_iso({value}) if {plain} else read_day({value})"
    if field.type is Decimal:
        return f"{value} = read_amount({value})"
    if is_open_enum(field.type):
        return f"{value} = members{index}[{value}]"
    return f"{value} = hook{index}({value}, type{index})"


def _name(kind: object) -> str:
    return cast(type, kind).__name__


def is_open_enum(kind: object) -> bool:
    """Whether it is a class of open enumeration."""
    return isinstance(kind, type) and issubclass(kind, OpenEnum)
