"""Reading a body with a list of one class's records straight from its text: the fast lane for pages.

Going through JSON values makes a dict for each record, only to take it apart again. Here msgspec reads the text into
structs that are made for the class and for what the server sends: the class's fields with their plain types, the
unknown names that this process has met, and the members that stand around the list. Whatever else turns up is an error
to it; then the body's names are looked at, and another attempt or the slow way follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, TypeAlias, cast

import attrs
import msgspec

from setsmart_async.records.generated_reader import (
    INLINE,
    MISSING,
    ReadOne,
    absent_is_none,
    compiled,
    list_loop,
    namespace_of,
)
from setsmart_async.records.layout import FieldLayout, RecordLayout
from setsmart_async.records.mismatch import WRONG
from setsmart_async.wire import Json

_Build: TypeAlias = Callable[[Sequence[object]], list[object]]
_FAULTS: Final = (*WRONG, msgspec.MsgspecError)
_MOST_NAMES: Final = 64
_MOST_FORMS: Final = 16
_PATIENCE: Final = 32
_PLAIN_TYPES: Final = (*INLINE, datetime, date)


class ReadBody(msgspec.Struct, frozen=True):
    """A body that was read."""

    records: list[object]
    key: str | None
    """The member that holds the list; None when the body is the list."""
    around: Json
    """The body without its list."""


@attrs.frozen
class _Form:
    """How the server's bodies look, as far as they were seen."""

    decode: Callable[[bytes], Any]
    build: _Build
    unknown: frozenset[str]
    """The names of the records' fields that the class does not know."""
    key: str | None = None
    members: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """The members around the list, and the struct's fields for them."""

    def read(self, body: bytes, keys: Sequence[str]) -> ReadBody | None:
        found = self.decode(body)
        if self.key is None:
            return ReadBody(self.build(found), None, [])
        values = ((name, getattr(found, field)) for name, field in self.members.items())
        around = {name: value for name, value in values if value is not MISSING}
        for key in keys:
            if key == self.key:
                return ReadBody(self.build(found.items), key, around)
            if isinstance(around.get(key), list | dict):
                break  # another list comes first
        return None


class BodyReader:
    """Reads lists of one class's records."""

    def __init__(self, kind: type, layout: RecordLayout, hook_for: Callable[[Any], ReadOne]) -> None:
        self._layout = layout
        self._namespace = namespace_of(kind, layout, hook_for)
        self._forms: dict[tuple[Sequence[str], bool], _Form] = {}
        self._patience = _PATIENCE

    def read(self, body: bytes, keys: Sequence[str]) -> ReadBody | None:
        """The list under the first of these keys that is there, or the body itself.

        None when it is not in the usual form, or wrong: the slow way tells which.
        """
        place = keys, body[:1] == b"["
        form = self._forms.get(place)
        while self._patience > 0:
            if form is not None:
                try:
                    if not self._layout.keeps_extra:
                        body.decode()  # what a struct does not know is skipped, and not looked into
                    read = form.read(body, keys)
                except _FAULTS:
                    self._patience -= 1
                else:
                    self._patience = min(self._patience + 1, _PATIENCE)
                    return read
            form = self._learnt(body, keys, form)
            if form is None:
                break
            if place in self._forms or len(self._forms) < _MOST_FORMS:
                self._forms[place] = form
        return None

    def _learnt(self, body: bytes, keys: Sequence[str], before: _Form | None) -> _Form | None:
        """The form of this body beside those seen before; None where it has none, or nothing new."""
        try:
            key, members, items = _taken_apart(body, keys)
        except _FAULTS:
            return None
        unknown = (
            {name for item in items for name in item} - self._layout.known if self._layout.keeps_extra else set[str]()
        )
        if before is not None and before.key == key:
            if unknown <= before.unknown and members <= before.members.keys():
                return None
            unknown |= before.unknown
            members |= before.members.keys()
        if max(len(unknown), len(members)) > _MOST_NAMES or not all(map(_is_plain, unknown | members)):
            self._patience -= 1  # names without end, such as ids, are no form
            return None
        return self._form(key, sorted(members), sorted(unknown))

    def _form(self, key: str | None, members: Sequence[str], unknown: Sequence[str]) -> _Form:
        layout = self._layout
        fields = [_struct_field(f"f{index}", field) for index, field in enumerate(layout.fields)]
        names = {field.name: f"f{index}" for index, field in enumerate(layout.fields)}
        loose = {name: f"u{index}" for index, name in enumerate(unknown)}
        item = _struct(fields, names, loose, forbid_unknown_fields=layout.keeps_extra)
        extra = list(_extra(loose.values())) if layout.keeps_extra else []
        namespace = {**self._namespace, **{f"name_{field}": name for name, field in loose.items()}}
        build = cast(_Build, compiled(list_loop(layout, extra), namespace))
        items: Any = list.__class_getitem__(item)
        if key is None:
            return _Form(msgspec.json.Decoder(items).decode, build, frozenset(unknown))
        around = {name: f"m{index}" for index, name in enumerate(members)}
        body = _struct([("items", items)], {key: "items"}, around, forbid_unknown_fields=True)
        return _Form(msgspec.json.Decoder(body).decode, build, frozenset(unknown), key, around)


_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_items: Final = msgspec.json.Decoder(list[dict[str, object]])


def _taken_apart(body: bytes, keys: Sequence[str]) -> tuple[str | None, set[str], list[dict[str, object]]]:
    """The list's key, the names of the members around it, and its items. Raises one of `_FAULTS`."""
    if body[:1] == b"[":
        return None, set(), _items.decode(body)
    members = _members.decode(body)
    for key in keys:
        if bytes(members.get(key, b""))[:1] == b"[":
            return key, {*members} - {key}, _items.decode(members[key])
    raise KeyError


def _is_plain(name: str) -> bool:
    """Whether a struct's field can have this name in JSON: one without escapes."""
    return name.isprintable() and name.isascii() and 0 < len(name) <= 128 and not {*name} & {'"', "\\"}


def _struct(
    fields: list[tuple[Any, ...]], names: Mapping[str, str], others: Mapping[str, str], *, forbid_unknown_fields: bool
) -> type:
    """A struct of these fields and of others, whose values may be anything; each name in JSON with its field."""
    rename = {field: name for name, field in (*names.items(), *others.items())}
    loose = [(field, object, MISSING) for field in others.values()]
    return msgspec.defstruct(
        "Read",
        [*fields, *loose],
        rename=rename,
        forbid_unknown_fields=forbid_unknown_fields,
        kw_only=True,
        gc=False,
    )


def _struct_field(name: str, field: FieldLayout) -> tuple[Any, ...]:
    kind: Any = field.type if field.type in _PLAIN_TYPES else object
    if field.optional and kind is not object:
        kind = kind | None
    if field.default_kind == "required":
        return name, kind
    return name, kind, None if absent_is_none(field) else MISSING


def _extra(fields: Iterable[str]) -> Iterator[str]:
    yield "record.extra = extra = {}"
    for field in fields:
        yield f"value = came.{field}"
        yield f"if value is not missing: extra[name_{field}] = value"
