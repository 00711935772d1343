"""The cattrs converters: one that reads fast, and one that explains what was wrong.

Stock cattrs coerces silently, iterates over texts and objects where a list is expected, and drops unknown fields;
these hooks do none of it.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final, TypeAlias, cast, get_args, get_origin

import attrs
from cattrs import IterableValidationError
from cattrs.errors import IterableValidationNote
from cattrs.gen import make_dict_structure_fn, override
from cattrs.preconf.msgspec import MsgspecJsonConverter, make_converter

from setsmart_async.records.body_reader import BodyReader
from setsmart_async.records.generated_reader import ReadOne, can_generate, object_reader
from setsmart_async.records.layout import layout_of
from setsmart_async.records.mismatch import WRONG, MismatchError
from setsmart_async.records.money import read_amount
from setsmart_async.records.open_enum import OpenEnum
from setsmart_async.records.scalars import (
    read_boolean,
    read_day,
    read_enum,
    read_instant,
    read_integer,
    read_number,
    read_open_enum,
    read_text,
)
from setsmart_async.wire import JsonObject

Reader: TypeAlias = Callable[[object, Any], object]
"""A value and the type it is read as, to what it reads as: cattrs' structure hook."""

_LISTS: Final[Mapping[object, Callable[[list[object]], object]]] = {
    list: list, Sequence: list, tuple: tuple, set: set, frozenset: frozenset,
}  # fmt: skip
_OBJECTS: Final = (dict, Mapping)


def build_converter(*, detailed: bool) -> MsgspecJsonConverter:
    """A converter that reads strictly; a detailed one raises every fault at once, with its path, and is slower."""
    converter = make_converter(detailed_validation=detailed)
    hooks: list[tuple[type, Reader]] = [
        (str, read_text), (int, read_integer), (float, read_number), (bool, read_boolean),
        (datetime, read_instant), (date, read_day), (Decimal, read_amount), (OpenEnum, read_open_enum),
        (Enum, read_enum),
    ]  # fmt: skip
    for kind, hook in hooks:
        converter.register_structure_hook(kind, hook if kind in (OpenEnum, Enum) else _exactly(kind, hook))

    def any_reader(kind: object) -> Reader:
        return lambda value, _: value

    def list_reader(kind: object) -> Reader:
        return _list_reader(kind, converter)

    def object_reader(kind: object) -> Reader:
        return _object_reader(kind, converter)

    def record_reader(kind: type) -> Reader:
        return _record_reader(kind, converter)

    converter.register_structure_hook_factory(_is_any_json, any_reader)
    converter.register_structure_hook_factory(_is_list, list_reader)
    converter.register_structure_hook_factory(_is_object, object_reader)
    converter.register_structure_hook_factory(attrs.has, record_reader)
    return converter


fast_converter: Final[Callable[[], MsgspecJsonConverter]] = functools.cache(
    functools.partial(build_converter, detailed=False)
)
"""The converter that reads, made when it is first needed."""
detailed_converter: Final[Callable[[], MsgspecJsonConverter]] = functools.cache(
    functools.partial(build_converter, detailed=True)
)
"""The converter that explains, made when it is first needed."""


def record_reader(kind: type) -> Reader:
    """What reads one of this kind of records. Raises one of `WRONG`."""
    reader = _record_readers.get(kind)
    if reader is None:
        reader = _generated(kind) if can_generate(kind) else fast_converter().get_structure_hook(kind)
        _record_readers[kind] = reader
    return reader


_record_readers: dict[type, Reader] = {}


def body_reader(kind: type) -> BodyReader | None:
    """What reads a body with a list of this kind of records; None for classes that need cattrs."""
    if kind not in _body_readers:
        _body_readers[kind] = BodyReader(kind, layout_of(kind), _hook) if can_generate(kind) else None
    return _body_readers[kind]


_body_readers: dict[type, BodyReader | None] = {}


@functools.cache
def _generated(kind: type) -> ReadOne:
    """The class's reader. A class that holds itself is met again while its reader is made: that one waits."""
    if kind in _under_way.kinds:
        raise RecursionError
    _under_way.kinds.add(kind)
    try:
        return object_reader(kind, layout_of(kind), _hook)
    finally:
        _under_way.kinds.discard(kind)


class _UnderWay(threading.local):
    def __init__(self) -> None:
        self.kinds: set[type] = set()


_under_way = _UnderWay()


def _hook(kind: type) -> Reader:
    try:
        return fast_converter().get_structure_hook(kind)
    except RecursionError:
        return fast_converter().structure


def _exactly(base: type, read: Reader) -> Reader:
    """The type's reader, which cattrs also asks for subclasses: closed enumerations, texts or numbers of a kind."""

    def read_exactly(value: object, kind: type[Any]) -> object:
        if kind is base:
            return read(value, kind)
        return read_enum(value, kind) if _is_closed_enum(kind) else kind(read(value, base))

    return read_exactly


def _is_any_json(kind: object) -> bool:
    return kind is object


def _is_closed_enum(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Enum)


def _is_list(kind: object) -> bool:
    """A list-like type of one kind of items; a tuple of several kinds is left to cattrs."""
    return get_origin(kind) in _LISTS and (get_origin(kind) is not tuple or get_args(kind)[1:] == (...,))


def _is_object(kind: object) -> bool:
    return get_origin(kind) in _OBJECTS and get_args(kind)[0] is str


def _list_reader(kind: object, converter: MsgspecJsonConverter) -> Reader:
    item_kind = get_args(kind)[0]
    read = converter.get_structure_hook(item_kind)
    collect = _collector(kind)

    def read_list(value: object, _: object) -> object:
        if type(value) is not list:
            raise MismatchError("an array", value)
        items = cast("list[object]", value)
        if converter.detailed_validation:
            return collect(_each(enumerate(items), read, item_kind))
        return collect([read(item, item_kind) for item in items])

    return read_list


def _collector(kind: object) -> Callable[[list[object]], object]:
    return _LISTS[get_origin(kind)]


def _object_reader(kind: object, converter: MsgspecJsonConverter) -> Reader:
    item_kind = get_args(kind)[1]
    read = converter.get_structure_hook(item_kind)

    def read_object(value: object, _: object) -> object:
        if type(value) is not dict:
            raise MismatchError("an object", value)
        members = cast(JsonObject, value)
        if not converter.detailed_validation:
            return {name: read(member, item_kind) for name, member in members.items()}
        starred = (("*", member) for member in members.values())  # a name in a map is the server's word
        return dict(zip(members, _each(starred, read, item_kind), strict=True))

    return read_object


def _each(items: Iterable[tuple[int | str, object]], read: Reader, kind: object) -> list[object]:
    """Every item read; raises all faults at once, each with its place."""
    found: list[object] = []
    faults: list[Exception] = []
    for place, item in items:
        try:
            found.append(read(item, kind))
        except WRONG as fault:
            fault.add_note(IterableValidationNote("", place, kind))
            faults.append(fault)
    if faults:
        raise IterableValidationError("items", faults, list)  # pyright: ignore[reportCallIssue]  # its __new__ takes three
    return found


def _record_reader(kind: type, converter: MsgspecJsonConverter) -> Reader:
    if not converter.detailed_validation and can_generate(kind):
        return _generated(kind)
    layout = layout_of(kind)
    read = cast(
        Callable[[JsonObject, type], object],
        make_dict_structure_fn(
            cast("type[object]", kind),
            converter,
            _cattrs_detailed_validation=converter.detailed_validation,
            extra=override(omit=True),
        ),
    )

    def read_record(value: object, _: object) -> object:
        if type(value) is not dict:
            raise MismatchError("an object", value)
        came = cast(JsonObject, value)
        record = read(layout.plain(came), kind)
        if layout.keeps_extra and not layout.known.issuperset(came):
            object.__setattr__(record, "extra", layout.unknown(came))
        return record

    return read_record
