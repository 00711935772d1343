"""The sandbox's properties (documented; filters and some fields provisional)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from setsmart_async.contract import (
    PROPERTIES_CREATE,
    PROPERTIES_DELETE,
    PROPERTIES_GET,
    PROPERTIES_LIST,
    PROPERTIES_UPDATE,
)
from setsmart_async.records.property import PropertyStatus
from setsmart_async.sandbox.checks import Shape, currency, member_of, number, text, timezone, whole_number
from setsmart_async.sandbox.filters import Filter, changed_since, is_member
from setsmart_async.sandbox.listing import Pager
from setsmart_async.sandbox.question import Operate, Question, Success, Tell
from setsmart_async.sandbox.resources.stored import StoredResource
from setsmart_async.sandbox.store import RecordStore
from setsmart_async.wire import JsonObject

SHAPE: Final = Shape(
    checks={
        "name": text(),
        "address": text(),
        "bedrooms": whole_number(0),
        "bathrooms": number,
        "max_guests": whole_number(1),
        "status": member_of(PropertyStatus),
        "timezone": timezone,
        "currency": currency,
    },
    # What the documented example shows; whether the real API insists on each of them is not documented.
    required=("name", "address", "bedrooms", "bathrooms", "max_guests"),
    required_on_replace=("name", "address"),
    never_null=frozenset({"name", "address", "status"}),
)
FILTERS: Final[Mapping[str, Filter]] = {"status": is_member("status", PropertyStatus), "updated_since": changed_since}


class PropertiesResource(StoredResource):
    """Properties, by the contract's five operations."""

    def __init__(self, store: RecordStore, pager: Pager, tell: Tell, *, replaces: bool) -> None:
        super().__init__(store, SHAPE, FILTERS, pager, tell)
        self._replaces = replaces

    @property
    def operations(self) -> dict[str, Operate]:
        """By the contract's name."""
        return {
            PROPERTIES_LIST.name: self.list,
            PROPERTIES_GET.name: self.get,
            PROPERTIES_CREATE.name: self.create,
            PROPERTIES_UPDATE.name: self.update,
            PROPERTIES_DELETE.name: self.delete,
        }

    def create(self, question: Question) -> Success:
        """A new home."""
        self._shape.check_create(question.fields)
        record = self.store.create(_with_status(question.fields), question.now)
        self._tell("property.created", record)
        return Success(body=record)

    def update(self, question: Question) -> Success:
        """Changes, merged or in the record's place."""
        self.found(question.identifier)
        self._shape.check_update(question.fields, replaces=self._replaces)
        if self._replaces:
            record = self.store.replace(question.identifier, _with_status(question.fields), question.now)
        else:
            record = self.store.merge(question.identifier, question.fields, question.now)
        assert record is not None  # noqa: S101 - it was found above
        self._tell("property.updated", record)
        return Success(body=record)

    def delete(self, question: Question) -> Success:
        """Remove a home."""
        success = super().delete(question)
        self._tell("property.deleted", {"id": question.identifier})
        return success


def _with_status(fields: JsonObject) -> JsonObject:
    return {**fields, "status": fields.get("status") or "active"}
