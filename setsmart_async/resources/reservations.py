"""Reservations: stays, and the wish for one. All of it is provisional."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Final, Literal, Unpack

from setsmart_async.config import CallOptions
from setsmart_async.contract import (
    RESERVATIONS_CANCEL,
    RESERVATIONS_CREATE,
    RESERVATIONS_GET,
    RESERVATIONS_LIST,
    RESERVATIONS_UPDATE,
    Dialect,
)
from setsmart_async.engine.engine import Engine
from setsmart_async.records.reservation import Guest, Reservation
from setsmart_async.records.stay import check_stay
from setsmart_async.records.unset import UNSET, Unset
from setsmart_async.resources.fields import Creatable, Writable
from setsmart_async.resources.pages import Listing
from setsmart_async.resources.resource import ResourceOperations, WritableResource

_OPERATIONS: Final = ResourceOperations(
    name="reservations",
    list=RESERVATIONS_LIST,
    get=RESERVATIONS_GET,
    create=RESERVATIONS_CREATE,
    update=RESERVATIONS_UPDATE,
)


class _Stay(Creatable):
    property_id: str
    check_in: date
    check_out: date


class NewReservation(_Stay, total=False):
    """The fields of a new `Reservation`; see there. The home and the half-open stay are needed."""

    guest: Guest | Unset
    status: str | Unset
    adults: int | Unset
    children: int | Unset
    infants: int | Unset
    pets: int | Unset
    total_amount: Decimal | Unset
    currency: str | Unset
    channel: str | Unset
    confirmation_code: str | Unset
    notes: str | Unset


class ReservationChanges(Writable, total=False):
    """What `Reservations.update` can change; None clears a field. A guest is sent as it is passed, not merged."""

    property_id: str | Unset
    check_in: date | Unset
    check_out: date | Unset
    guest: Guest | Unset | None
    status: str | Unset
    adults: int | Unset | None
    children: int | Unset | None
    infants: int | Unset | None
    pets: int | Unset | None
    total_amount: Decimal | Unset | None
    currency: str | Unset | None
    channel: str | Unset | None
    confirmation_code: str | Unset | None
    notes: str | Unset | None


class Reservations(WritableResource[Reservation, NewReservation, ReservationChanges]):
    """The account's reservations (provisional). None is ever deleted: a cancelled one stays, and says so."""

    _new = NewReservation
    _changes = ReservationChanges

    def __init__(self, engine: Engine, options: CallOptions, dialect: Dialect) -> None:
        super().__init__(Reservation, _OPERATIONS, engine, options, dialect)
        self._cancel = dialect.operation(RESERVATIONS_CANCEL)

    def list(
        self,
        *,
        property_id: str | None = None,
        status: str | None = None,
        check_in_from: date | None = None,
        check_in_to: date | None = None,
        check_out_from: date | None = None,
        check_out_to: date | None = None,
        updated_since: datetime | None = None,
        page_size: int | None = None,
        cursor: str | None = None,
    ) -> Listing[Reservation]:
        """The reservations, to be walked like `Properties.list`; ``_from`` and ``_to`` are both included."""
        filters = {
            "property_id": property_id,
            "status": status,
            "check_in_from": check_in_from,
            "check_in_to": check_in_to,
            "check_out_from": check_out_from,
            "check_out_to": check_out_to,
            "updated_since": updated_since,
        }
        return self._list(filters, page_size, cursor)

    async def create(self, **fields: Unpack[NewReservation]) -> Reservation:
        """Book: create a reservation from its `NewReservation` fields, and return it as the server has it.

        Never sent twice, see `Properties.create`: an error whose `outcome` is ``unknown`` means that the home may be
        booked. Raises `ValueError` for a stay without a night.
        """
        return await self._create(fields)

    async def update(
        self,
        id: str,  # noqa: A002 - the API's own name for it
        **changes: Unpack[ReservationChanges],
    ) -> Reservation:
        """Change what is passed, and return the reservation as the server has it; see `Properties.update`."""
        return await self._update(id, changes)

    async def cancel(
        self,
        id: str,  # noqa: A002 - as above
        *,
        cancelled_by: Literal["host", "guest"],
        reason: str | None = None,
    ) -> Reservation:
        """Cancel a reservation, and return it as the server has it.

        Never sent twice, see `create`: after an ``unknown`` outcome, `get` tells whether it was cancelled. Raises
        `ConflictError` when the server says that it can not be cancelled (any more).
        """
        if cancelled_by not in ("host", "guest"):
            raise ValueError("cancelled_by is 'host' or 'guest'.")
        body = self._calls.passed({"cancelled_by": cancelled_by, "reason": UNSET if reason is None else reason})
        decode = partial(self._calls.one, self._record, expected_id=id)
        call = self._calls.call(self._cancel, id=id, body=body, decode=decode)
        return (await self._calls.engine.run(call)).value

    def _check(self, fields: Mapping[str, object]) -> None:
        check_in, check_out = fields.get("check_in", UNSET), fields.get("check_out", UNSET)
        if isinstance(check_in, date) and isinstance(check_out, date):
            check_stay(check_in, check_out)
