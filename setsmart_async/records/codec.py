"""Reading and writing records, by cattrs.

Three rules that stock cattrs does not keep: nothing is coerced (``null`` is no ``"None"``, ``3.7`` no 3); unknown
fields are kept in `extra`; and reading is fast first, detailed only when that failed, so that an error names each
wrong field by its path (``$.data[3].bedrooms``) and quotes no value.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TypeVar, cast

import attrs
from cattrs import BaseValidationError, ClassValidationError, IterableValidationError
from cattrs.errors import AttributeValidationNote, IterableValidationNote
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override
from cattrs.preconf.msgspec import MsgspecJsonConverter, make_converter

from setsmart_async.errors import InvalidResponseError
from setsmart_async.records.open_enum import OpenEnum
from setsmart_async.wire import Json, JsonObject

T = TypeVar("T")
_WRONG = (BaseValidationError, TypeError, ValueError, KeyError)


def decode_record(kind: type[T], value: Json, path: str = "$") -> T:
    """One record out of an answer's JSON. `path` says where in the answer `value` stands.

    Raises `InvalidResponseError`, which names every wrong field.
    """
    try:
        return _fast.structure(value, kind)
    except _WRONG:
        pass  # raised below, so that the error does not carry this one, which may quote a value
    raise _explained(kind, value, path)


def decode_records(kind: type[T], values: Sequence[Json], path: str = "$") -> list[T]:
    """A page's records. Raises `InvalidResponseError`, which names every wrong field of every item."""
    try:
        return _fast.structure(values, list[kind])  # type: ignore[valid-type]  # a type made at run time
    except _WRONG:
        pass  # as in `decode_record`
    raise _explained(list[kind], values, path)  # type: ignore[valid-type]  # as above


def encode_record(record: attrs.AttrsInstance) -> JsonObject:
    """A record as the JSON object the server would send: fields that are None left out, `extra` put back."""
    return cast(JsonObject, _fast.unstructure(record))


def encode_value(value: object) -> Json:
    """One argument of a create or update (a number, a text, a time, a record) as JSON."""
    return cast(Json, _fast.unstructure(value))


def _explained(kind: type, value: object, path: str) -> InvalidResponseError:
    try:
        _detailed.structure(value, kind)
    except _WRONG as fault:
        problems = tuple(_problems(fault, path))
    else:  # pragma: no cover - both converters are built by the same function
        problems = ((path, "unreadable"),)
    return InvalidResponseError(*problems[0], problems=problems)


def _problems(fault: BaseException, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(fault, ClassValidationError | IterableValidationError):
        for inner in fault.exceptions:
            place = path
            for note in getattr(inner, "__notes__", ()):
                if isinstance(note, AttributeValidationNote):
                    place = f"{path}.{note.name}"
                elif isinstance(note, IterableValidationNote):
                    place = f"{path}[{note.index}]"
            yield from _problems(inner, place)
    elif isinstance(fault, KeyError):
        yield f"{path}.{fault.args[0]}" if not path.endswith(f".{fault.args[0]}") else path, "missing"
    elif isinstance(fault, _MismatchError):
        yield path, str(fault)
    else:
        yield path, "unreadable"


class _MismatchError(TypeError):
    """A value of another JSON type; says which types, never the value."""

    def __init__(self, expected: str, value: object) -> None:
        super().__init__(f"expected {expected}, got {_JSON_NAMES.get(type(value), type(value).__name__)}")


_JSON_NAMES: dict[type, str] = {
    type(None): "null", bool: "a boolean", int: "an integer", float: "a number", str: "a text",
    list: "an array", dict: "an object",
}  # fmt: skip


def _text(value: object, _: object) -> str:
    if type(value) is str:
        return value
    raise _MismatchError("a text", value)


def _integer(value: object, _: object) -> int:
    if type(value) is int:
        return value
    if type(value) is float and value.is_integer():
        return int(value)
    raise _MismatchError("an integer", value)


def _number(value: object, _: object) -> float:
    if type(value) is float:
        return value
    if type(value) is int and abs(value) <= sys.float_info.max:
        return float(value)
    raise _MismatchError("a number", value)


def _boolean(value: object, _: object) -> bool:
    if type(value) is bool:
        return value
    raise _MismatchError("a boolean", value)


def _instant(value: object, _: object) -> datetime:
    """RFC 3339; a time without an offset is taken as UTC (provisional: SetSmart documents no time)."""
    if type(value) is not str or len(value) < 16:
        raise _MismatchError("an RFC 3339 time", value)
    try:
        instant = datetime.fromisoformat(value)
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _MismatchError("an RFC 3339 time", value) from None


def _write_number(value: float) -> float | int:
    if not math.isfinite(value):
        raise ValueError("A number must be finite: JSON has no form for NaN and infinity.")
    return int(value) if value == int(value) else value


def _write_instant(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError("A time must carry its time zone: use datetime(..., tzinfo=UTC).")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _record_reader(kind: type, converter: MsgspecJsonConverter) -> Callable[[object, object], object]:
    keeps_extra = "extra" in attrs.fields_dict(kind)
    read = cast(
        Callable[[JsonObject, type], object],
        make_dict_structure_fn(
            cast(type[object], kind),
            converter,
            _cattrs_detailed_validation=converter.detailed_validation,
            extra=override(omit=True),
        ),
    )
    known = {field.name for field in attrs.fields(kind)} - {"extra"}

    def read_record(value: object, _: object) -> object:
        if type(value) is not dict:
            raise _MismatchError("an object", value)
        fields = cast(JsonObject, value)
        record = read(fields, kind)
        if keeps_extra and not known.issuperset(fields):
            unknown = {name: member for name, member in fields.items() if name not in known}
            object.__setattr__(record, "extra", unknown)
        return record

    return read_record


def _record_writer(kind: type, converter: MsgspecJsonConverter) -> Callable[[object], dict[str, object]]:
    write: Callable[[object], dict[str, object]] = make_dict_unstructure_fn(kind, converter, extra=override(omit=True))

    def write_record(record: object) -> dict[str, object]:
        written = {name: value for name, value in write(record).items() if value is not None}
        return {**getattr(record, "extra", {}), **written}

    return write_record


def _open_enum(value: object, kind: type[OpenEnum]) -> OpenEnum:
    return kind(_text(value, kind))


def _build(*, detailed: bool) -> MsgspecJsonConverter:
    converter = make_converter(detailed_validation=detailed)
    converter.register_structure_hook(str, _text)
    converter.register_structure_hook(int, _integer)
    converter.register_structure_hook(float, _number)
    converter.register_structure_hook(bool, _boolean)
    converter.register_structure_hook(datetime, _instant)
    converter.register_structure_hook(OpenEnum, _open_enum)

    def reader(kind: type) -> Callable[[object, object], object]:
        return _record_reader(kind, converter)

    def writer(kind: type) -> Callable[[object], dict[str, object]]:
        return _record_writer(kind, converter)

    converter.register_structure_hook_factory(attrs.has, reader)
    converter.register_unstructure_hook(float, _write_number)
    converter.register_unstructure_hook(datetime, _write_instant)
    converter.register_unstructure_hook(OpenEnum, str)
    converter.register_unstructure_hook_factory(attrs.has, writer)
    return converter


_fast = _build(detailed=False)
_detailed = _build(detailed=True)
