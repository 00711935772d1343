"""`setsmart reservations …`."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated, Final, Literal

from cyclopts import App, Parameter

from setsmart_async.cli.output import Format
from setsmart_async.cli.resource_app import ID, WRITE_OPTIONS, ResourceCommands, command, option
from setsmart_async.cli.resource_calls import Shown, write_record
from setsmart_async.client import SetSmart
from setsmart_async.records.reservation import Reservation
from setsmart_async.resources.reservations import NewReservation, ReservationChanges, Reservations

_SHOWN: Final = Shown(
    name="reservations",
    one="reservation",
    many="reservations",
    record=Reservation,
    columns=("id", "property_id", "status", "check_in", "check_out", "total_amount", "currency"),
)

app: App = ResourceCommands(
    shown=_SHOWN,
    resource=Reservations,
    list_method=Reservations.list,
    new=NewReservation,
    changes=ReservationChanges,
).app()


def _cancel(
    id: str,  # noqa: A002 - the API's own name for it
    /,
    *,
    cancelled_by: Literal["host", "guest"],
    reason: str | None = None,
    dry_run: bool = False,
    output: Format | None = None,
    only: str | None = None,
    base_url: str | None = None,
) -> None:
    def work(client: SetSmart) -> Awaitable[Reservation]:
        return client.reservations.cancel(id, cancelled_by=cancelled_by, reason=reason)

    write_record(work, _SHOWN.layout(output, only), base_url, output, dry_run=dry_run)


_BY: Final = Annotated[Literal["host", "guest"], Parameter(help="Who cancels.")]
_REASON: Final = Annotated[str | None, Parameter(help="In a few words.", metavar="TEXT")]
command(
    app,
    "cancel",
    "Cancel a reservation, and show it as the server has it.",
    _cancel,
    [ID, option("cancelled_by", _BY, default=ID.default), option("reason", _REASON), *WRITE_OPTIONS],
)
