"""A reader written for one attrs class: the fast lane of the codec.

An attrs class's own ``__init__`` costs more than all the rest of reading a record, because a frozen class has to go
around its own ``__setattr__`` for each field. So the code that is made here, once for each class, fills an instance
of an open subclass with plain assignments and turns it into the class itself at the end. It is made for classes that
are nothing but their fields (see `can_generate`); the others are read by cattrs. Both read the same: a test
holds them to it.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any, Final, TypeAlias, cast

import attrs

from setsmart_async.records.layout import FieldLayout, RecordLayout, layout_of
from setsmart_async.records.mismatch import WRONG
from setsmart_async.records.money import read_amount, unpack_amount
from setsmart_async.records.open_enum import OpenEnum
from setsmart_async.records.scalars import read_boolean, read_day, read_instant, read_integer, read_number, read_text
from setsmart_async.wire import Json, JsonObject

ReadOne: TypeAlias = Callable[[object, Any], object]
ReadPage: TypeAlias = Callable[[Sequence[Json]], list[object]]

_INLINE: Final[Mapping[object, ReadOne]] = {str: read_text, int: read_integer, float: read_number, bool: read_boolean}
_QUICK: Final = ", ".join(f"{name}={name}" for name in ("Open", "Kind", "type", "str", "int", "float"))  # local names
_FEWEST: Final = 20  # records in a page for which a shape's own reader is worth its making: half a millisecond
_MOST_SHAPES: Final = 16


class GeneratedReader:
    """Reads one class's records."""

    def __init__(self, kind: type, layout: RecordLayout, hook_for: Callable[[Any], ReadOne]) -> None:
        self._layout = layout
        self._namespace = _namespace(kind, layout)
        for index, field in enumerate(layout.fields):
            self._namespace[f"type{index}"] = field.type
            if " hook" in _read_statement(index, field):
                self._namespace[f"hook{index}"] = hook_for(field.type)
        self._shapes: dict[frozenset[str], ReadPage] = {}
        self.one: ReadOne = cast(ReadOne, self._compile(None))
        """One record, with any of its fields missing and any number of unknown ones."""

    def page(self, values: Sequence[Json]) -> list[object]:
        """Many records. Those of a page mostly have the same fields, which is faster than any of them missing."""
        if len(values) >= _FEWEST:
            try:
                if (read := self._shaped(values)) is not None:
                    return read(values)
            except WRONG:
                pass  # another shape further on, or a wrong value: read one by one, which tells
        one = self.one
        return [one(value, None) for value in values]

    def _shaped(self, values: Sequence[Json]) -> ReadPage | None:
        first = values[0]
        if type(first) is not dict or not first or len({*map(len, cast(Any, values))}) != 1:
            return None
        shape = frozenset(first)
        read = self._shapes.get(shape)
        if read is None and len(self._shapes) < _MOST_SHAPES:
            unknown = [name for name in first if name not in self._layout.known]
            read = cast(ReadPage, self._compile(shape, extra_of=_picker(unknown) if unknown else dict))
            self._shapes[shape] = read
        return read

    def _compile(self, shape: frozenset[str] | None, **names: object) -> object:
        namespace = {**self._namespace, **names}
        source = _source(self._layout, shape)
        exec(source, namespace)  # noqa: S102 - made of the class's own field names, nothing of the server's
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


def _namespace(kind: type, layout: RecordLayout) -> dict[str, object]:
    """What the generated code refers to by name."""
    unlocked = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__, "__init__": object.__init__}
    names: dict[str, object] = {
        "Kind": kind,
        "Open": type(kind.__name__, (kind,), {"__slots__": (), "__module__": kind.__module__, **unlocked}),
        "missing": object(),
        "known": layout.known,
        "unknown": layout.unknown,
        "unpack_amount": unpack_amount,
        "from_iso": datetime.fromisoformat,
        "read_instant": read_instant,
        "day_from_iso": date.fromisoformat,
        "read_day": read_day,
        "read_amount": read_amount,
        **{f"read_{_name(kind)}": read for kind, read in _INLINE.items()},
    }
    for index, field in enumerate(layout.fields):
        names[f"default{index}"] = field.default
        if _is_open_enum(field.type):
            names[f"members{index}"] = _Members(cast("type[OpenEnum]", field.type))
    return names


def _source(layout: RecordLayout, shape: frozenset[str] | None) -> str:
    """The reader's code: of one object with any fields, or of a page of objects that all have those of `shape`."""
    brought = {"currency"} if layout.amounts else set[str]()  # an amount may bring it
    places = [
        (index, field)
        for index, field in enumerate(layout.fields)
        if shape is None or field.name in shape or field.name in brought or field.default_kind == "required"
    ]
    absent = [(index, field) for index, field in enumerate(layout.fields) if (index, field) not in places]
    body = [
        *(_fetch(index, field, shape, field.name in brought) for index, field in places),
        *_unpacking(layout, shape),
        *(line for index, field in places for line in _reading(index, field)),
        "record = Open()",
        *(f"record.{field.name} = v{index}" for index, field in places),
        *(f"record.{field.name} = {_default(index, field)}" for index, field in absent),
    ]
    if layout.keeps_extra and shape is None:
        body.append("record.extra = {} if known.issuperset(came) else unknown(came)")
    elif layout.keeps_extra:
        body.append("record.extra = extra_of(came)" if shape and shape - layout.known else "record.extra = {}")
    body.append("record.__class__ = Kind")
    if shape is None:
        head = [f"def read(came, _, {_QUICK}):"]  # what is no object has no `get`, which refuses it
        return "\n".join([*head, "    get = came.get", *(f"    {line}" for line in body), "    return record"])
    head = [f"def read(page, {_QUICK}):", "    records = []", "    for came in page:"]
    if brought:
        head.append("        get = came.get")
    tail = ["        records.append(record)", "    return records"]
    return "\n".join([*head, *(f"        {line}" for line in body), *tail])


def _fetch(index: int, field: FieldLayout, shape: frozenset[str] | None, brought: bool) -> str:
    """A field's raw value; `missing` where None would not say that it was left out."""
    name = repr(field.name)
    if (shape is not None and field.name in shape) or (field.default_kind == "required" and not brought):
        return f"v{index} = came[{name}]"
    return f"v{index} = get({name})" if _absent_is_none(field) else f"v{index} = get({name}, missing)"


def _unpacking(layout: RecordLayout, shape: frozenset[str] | None) -> Iterator[str]:
    """Amounts out of their objects, which may bring the currency."""
    place = {field.name: index for index, field in enumerate(layout.fields)}
    for name in layout.amounts:
        if shape is not None and name not in shape and layout.fields[place[name]].default_kind != "required":
            continue
        amount, currency = f"v{place[name]}", f"v{place['currency']}"
        yield f"if type({amount}) is dict: {amount}, {currency} = unpack_amount({amount}, {currency})"
    if layout.amounts and layout.fields[place["currency"]].default_kind == "required":
        yield f"if v{place['currency']} is None and 'currency' not in came: raise KeyError('currency')"


def _absent_is_none(field: FieldLayout) -> bool:
    return field.default is None and (field.optional or field.default_kind == "required")


def _default(index: int, field: FieldLayout) -> str:
    if field.default_kind == "factory":
        return f"default{index}()"
    return "None" if field.default is None else f"default{index}"


def _reading(index: int, field: FieldLayout) -> Iterator[str]:
    """From a raw value, or its absence, to the field's."""
    value, read = f"v{index}", _read_statement(index, field)
    if field.default_kind != "required" and not _absent_is_none(field):
        absent = f"{value} is None or {value} is missing" if field.null_is_missing else f"{value} is missing"
        yield f"if {absent}: {value} = {_default(index, field)}"
        if read:
            yield f"elif {value} is not None: {read}" if field.optional else f"else: {read}"
    elif field.type in _INLINE:
        kind = _name(field.type)
        absent = f" and {value} is not None" if field.optional else ""
        yield f"if type({value}) is not {kind}{absent}: {read}"
    elif read:
        yield f"if {value} is not None: {read}" if field.optional else read


def _read_statement(index: int, field: FieldLayout) -> str:
    """The statement that reads a value which is there; empty where any JSON will do. The common case goes first."""
    value = f"v{index}"
    if field.type in (object, Any, None):
        return ""
    if field.type is float:
        return f"{value} = {value} + 0.0 if type({value}) is int else read_float({value})"
    if field.type in _INLINE:
        return f"{value} = read_{_name(field.type)}({value})"
    if field.type is datetime:
        return f"{value} = from_iso({value}) if len({value}) == 20 and {value}[19] == 'Z' else read_instant({value})"
    if field.type is date:
        plain = f"len({value}) == 10 and {value}[4] == '-' == {value}[7]"
        return f"{value} = day_from_iso({value}) if {plain} else read_day({value})"
    if field.type is Decimal:
        return f"{value} = read_amount({value})"
    if _is_open_enum(field.type):
        return f"{value} = members{index}[{value}]"
    return f"{value} = hook{index}({value}, type{index})"


def _name(kind: object) -> str:
    return cast(type, kind).__name__


def _is_open_enum(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, OpenEnum)


def _picker(names: Sequence[str]) -> Callable[[JsonObject], JsonObject]:
    """A function that takes these members out of an object."""
    if len(names) == 1:
        return lambda came: {names[0]: came[names[0]]}
    pick = itemgetter(*names)
    return lambda came: dict(zip(names, pick(came), strict=True))
