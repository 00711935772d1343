"""The sandbox's reservations (provisional)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from setsmart_async.contract import (
    RESERVATIONS_CANCEL,
    RESERVATIONS_CREATE,
    RESERVATIONS_GET,
    RESERVATIONS_LIST,
    RESERVATIONS_UPDATE,
)
from setsmart_async.records.reservation import ReservationStatus
from setsmart_async.sandbox.answers import FieldProblem, RefusedError, invalid
from setsmart_async.sandbox.checks import Shape, amount, currency, day, member_of, object_of, refuse, text, whole_number
from setsmart_async.sandbox.filters import Filter, changed_since, equals, from_day, is_member, to_day
from setsmart_async.sandbox.listing import Pager
from setsmart_async.sandbox.question import Operate, Question, Success, Tell
from setsmart_async.sandbox.resources.stored import StoredResource
from setsmart_async.sandbox.store import RecordKind, RecordStore
from setsmart_async.sandbox.timestamps import rfc3339
from setsmart_async.wire import Json, JsonObject

GUEST: Final = Shape(
    checks={name: text() for name in ("first_name", "last_name", "email", "phone", "language", "country")}
)
SHAPE: Final = Shape(
    checks={
        "property_id": text(),
        "check_in": day,
        "check_out": day,
        "guest": object_of(GUEST),
        "status": member_of(ReservationStatus),
        "adults": whole_number(0),
        "children": whole_number(0),
        "infants": whole_number(0),
        "pets": whole_number(0),
        "total_amount": amount,
        "currency": currency,
        "channel": text(),
        "confirmation_code": text(),
        "notes": text(10_000),
    },
    required=("property_id", "check_in", "check_out"),
    required_on_replace=("property_id", "check_in", "check_out"),
    never_null=frozenset({"property_id", "check_in", "check_out", "status"}),
)
FILTERS: Final[Mapping[str, Filter]] = {
    "property_id": equals("property_id"),
    "status": is_member("status", ReservationStatus),
    "check_in_from": from_day("check_in"),
    "check_in_to": to_day("check_in"),
    "check_out_from": from_day("check_out"),
    "check_out_to": to_day("check_out"),
    "updated_since": changed_since,
}
RESERVATION: Final = RecordKind("reservation", "res", ("id", "created_at", "updated_at", "cancelled_at"))
"""Reservations."""

_CANCELLATION: Final = Shape(checks={"reason": text(10_000)})
_CANCELLED: Final = frozenset({"cancelled", "canceled"})
_LEAVE_FREE: Final = frozenset({"inquiry", "declined", "expired"}) | _CANCELLED


class ReservationsResource(StoredResource):
    """Reservations: no two that take the same night, and none ever deleted."""

    def __init__(
        self, store: RecordStore, properties: RecordStore, pager: Pager, tell: Tell, *, replaces: bool
    ) -> None:
        super().__init__(store, SHAPE, FILTERS, pager, tell)
        self._properties = properties
        self._replaces = replaces

    @property
    def operations(self) -> dict[str, Operate]:
        """By the contract's name."""
        return {
            RESERVATIONS_LIST.name: self.list,
            RESERVATIONS_GET.name: self.get,
            RESERVATIONS_CREATE.name: self.create,
            RESERVATIONS_UPDATE.name: self.update,
            RESERVATIONS_CANCEL.name: self.cancel,
        }

    def create(self, question: Question) -> Success:
        """Book."""
        self._shape.check_create(question.fields)
        fields = _with_status(question.fields)
        self._check_stay(fields)
        record = self.store.create(fields, question.now)
        self._tell("reservation.created", record)
        return Success(body=record)

    def update(self, question: Question) -> Success:
        """Changes, merged or in the record's place."""
        before = self.found(question.identifier)
        self._shape.check_update(question.fields, replaces=self._replaces)
        fields = _with_status(question.fields) if self._replaces else question.fields
        self._check_stay({**({} if self._replaces else before), **fields, "id": question.identifier})
        is_end = fields.get("status") in _CANCELLED and before.get("status") not in _CANCELLED
        ended: JsonObject = {"cancelled_at": rfc3339(question.now)} if is_end else {}
        put = self.store.replace if self._replaces else self.store.merge
        record = put(question.identifier, fields, question.now, **ended)
        assert record is not None  # noqa: S101 - it was found above
        self._tell("reservation.updated", record)
        return Success(body=record)

    def cancel(self, question: Question) -> Success:
        """Free the nights. 409 for a stay that has been cancelled, or is over."""
        before = self.found(question.identifier)
        if question.fields.get("cancelled_by") not in ("host", "guest"):
            refuse([FieldProblem("cancelled_by", "must be host or guest", "invalid_value")])
        _CANCELLATION.check_update(question.fields, replaces=False)
        if before.get("status") in {*_CANCELLED, "checked_out"}:
            raise RefusedError(409, "not_cancellable", "This reservation can not be cancelled any more.")
        fields: JsonObject = {
            "status": "cancelled",
            "cancelled_by": question.fields["cancelled_by"],
            "cancellation_reason": question.fields.get("reason"),
        }
        record = self.store.merge(question.identifier, fields, question.now, cancelled_at=rfc3339(question.now))
        assert record is not None  # noqa: S101 - as above
        self._tell("reservation.cancelled", record)
        return Success(body=record)

    def taken(self, property_id: str) -> list[JsonObject]:
        """The reservations that take nights of a home."""
        selection = self.store.select(
            ("taken", property_id),
            lambda record: record.get("property_id") == property_id and record.get("status") not in _LEAVE_FREE,
        )
        return list(selection.records)

    def _check_stay(self, fields: JsonObject) -> None:
        check_in, check_out = str(fields["check_in"]), str(fields["check_out"])
        if check_out <= check_in:
            refuse([FieldProblem("check_out", "must be after check_in", "invalid_value")])
        property_id = str(fields["property_id"])
        if self._properties.get(property_id) is None:
            raise invalid([FieldProblem("property_id", "there is no such property", "not_found")], status=422)
        if fields.get("status") in _LEAVE_FREE:
            return
        for other in self.taken(property_id):
            if other["id"] != fields.get("id") and _overlap(other, check_in, check_out):
                raise RefusedError(409, "nights_taken", "Another reservation takes one of these nights.")


def _with_status(fields: JsonObject) -> JsonObject:
    return {**fields, "status": fields.get("status") or "confirmed"}


def _overlap(other: JsonObject, check_in: Json, check_out: Json) -> bool:
    return str(other.get("check_in")) < str(check_out) and str(check_in) < str(other.get("check_out"))


def includes(stay: JsonObject, day: str) -> bool:
    """Whether the night that begins on this day is part of the stay."""
    return str(stay.get("check_in")) <= day < str(stay.get("check_out"))
