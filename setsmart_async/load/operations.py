"""The calls of a mix, made with a client as any program makes them, on records that the sandbox has."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Final

import attrs

from setsmart_async.client import SetSmart
from setsmart_async.errors import ConfigurationError
from setsmart_async.load.mix import Mix, MixEntry
from setsmart_async.resources.calendar_ranges import CalendarChange

_PAGE: Final = 200
_MOST_SET_ASIDE: Final = 2_000
_FIRST_DAY: Final = date(2040, 1, 1)  # behind every stay that a sandbox makes up
_DAYS: Final = 300 * 365
_CALENDAR_DAYS: Final = 30


@attrs.define
class Stock:
    """Ids to call with."""

    properties: list[str] = attrs.field(factory=list[str])
    reservations: list[str] = attrs.field(factory=list[str])
    conversations: list[str] = attrs.field(factory=list[str])
    doomed_properties: list[str] = attrs.field(factory=list[str])
    """To be deleted: never read or changed by other calls. What the run creates is added."""
    doomed_reservations: list[str] = attrs.field(factory=list[str])
    """To be cancelled, likewise."""


class Operations:
    """Makes one call of a kind. Ids are taken with `gather` first."""

    def __init__(self, client: SetSmart, random: Random) -> None:
        self._client = client
        self._clients: dict[int, SetSmart] = {}
        self._random = random
        self._stock = Stock()
        self._created = self._booked = 0
        # Where nights are booked from: elsewhere in each run, so that none finds those of an earlier one taken.
        self._nights_from = _FIRST_DAY + timedelta(days=Random().randrange(_DAYS))  # noqa: S311 - no secret

    async def gather(self, mix: Mix, calls: float) -> None:
        """Take the ids that the mix needs, for about so many calls: up to 200 of a kind, and those to be deleted.

        Raises `ConfigurationError` where the sandbox holds nothing to call with, and the errors of a call.
        """
        wanted = {entry.operation.partition(".")[0] for entry in mix.entries}
        self._stock = stock = Stock()
        await self._gather_properties(math.ceil(calls * mix.share("properties.delete")))
        if "reservations" in wanted:
            cancels = mix.share("reservations.cancel") > 0
            page = await self._client.reservations.list(status="confirmed", page_size=_PAGE).page()
            ids = [stay.id for stay in page.items]
            kept = len(ids) // 2 if cancels else len(ids)
            stock.reservations, stock.doomed_reservations = ids[:kept], ids[kept:]
        if wanted & {"conversations", "messages"}:
            talks = await self._client.conversations.list(page_size=_PAGE).page()
            stock.conversations = [talk.id for talk in talks.items]
        for entry in mix.entries:
            pool = _POOLS.get(entry.operation)
            if pool is not None and not pool(stock):
                raise ConfigurationError(
                    f"--mix: the sandbox holds nothing for {entry.operation}: start it with --properties and "
                    "--reservations, or leave the operation out."
                )

    async def _gather_properties(self, deletes: int) -> None:
        ids: list[str] = []
        wanted = _PAGE + min(deletes, _MOST_SET_ASIDE)
        async for page in self._client.properties.list(page_size=_PAGE).pages():
            ids += [home.id for home in page.items]
            if len(ids) >= wanted:
                break
        kept = min(_PAGE, len(ids) // 2) if deletes else _PAGE
        self._stock.properties = ids[:kept]
        self._stock.doomed_properties = ids[kept:] if deletes else []

    async def perform(self, entry: MixEntry) -> None:
        """Make one call. Raises the errors of the call."""
        client = self._clients.get(entry.priority)
        if client is None:
            client = self._clients[entry.priority] = self._client.with_options(priority=entry.priority)
        await _CALLS[entry.operation](self, client)

    async def list_properties(self, client: SetSmart) -> None:
        """One page, as long as the server makes it."""
        await client.properties.list().page()

    async def get_property(self, client: SetSmart) -> None:
        """One of them."""
        await client.properties.get(self._any(self._stock.properties))

    async def create_property(self, client: SetSmart) -> None:
        """A home that nobody else calls with; it may be deleted later."""
        self._created += 1
        made = await client.properties.create(
            name=f"Load {self._created}", address="1 Load Road", bedrooms=2, bathrooms=1, max_guests=4
        )
        self._stock.doomed_properties.append(made.id)

    async def update_property(self, client: SetSmart) -> None:
        """Another number of guests."""
        await client.properties.update(self._any(self._stock.properties), max_guests=self._random.randint(1, 12))

    async def delete_property(self, client: SetSmart) -> None:
        """One that was set aside for it, or created; when there is none left, the last once more: a 404."""
        await client.properties.delete(_take(self._stock.doomed_properties))

    async def list_reservations(self, client: SetSmart) -> None:
        """One page."""
        await client.reservations.list().page()

    async def get_reservation(self, client: SetSmart) -> None:
        """One of them."""
        await client.reservations.get(self._any(self._stock.reservations))

    async def create_reservation(self, client: SetSmart) -> None:
        """A night that nobody has, home by home and night by night."""
        homes = self._stock.properties
        night, home = divmod(self._booked, len(homes))
        self._booked += 1
        check_in = self._nights_from + timedelta(days=night)
        made = await client.reservations.create(
            property_id=homes[home], check_in=check_in, check_out=check_in + timedelta(days=1), adults=2
        )
        self._stock.doomed_reservations.append(made.id)

    async def update_reservation(self, client: SetSmart) -> None:
        """Another note."""
        await client.reservations.update(
            self._any(self._stock.reservations), notes=f"Load {self._random.randrange(1000)}"
        )

    async def cancel_reservation(self, client: SetSmart) -> None:
        """One that was set aside for it, or created; when there is none left, the last once more: a 409."""
        await client.reservations.cancel(_take(self._stock.doomed_reservations), cancelled_by="host")

    async def get_calendar(self, client: SetSmart) -> None:
        """Thirty days of a home."""
        end = _FIRST_DAY + timedelta(days=_CALENDAR_DAYS - 1)
        await client.calendar.get(self._any(self._stock.properties), start_date=_FIRST_DAY, end_date=end)

    async def push_calendar(self, client: SetSmart) -> None:
        """Another price for thirty nights, in one request."""
        change = CalendarChange(
            start_date=_FIRST_DAY,
            end_date=_FIRST_DAY + timedelta(days=_CALENDAR_DAYS - 1),
            nightly_rate=Decimal(self._random.randint(500, 2_500)),
            currency="NOK",
        )
        for chunk in await client.calendar.push(self._any(self._stock.properties), [change]):
            chunk.unwrap()

    async def list_conversations(self, client: SetSmart) -> None:
        """One page."""
        await client.conversations.list().page()

    async def get_conversation(self, client: SetSmart) -> None:
        """One of them."""
        await client.conversations.get(self._any(self._stock.conversations))

    async def list_messages(self, client: SetSmart) -> None:
        """The first page of a conversation."""
        await client.conversations.messages(self._any(self._stock.conversations)).page()

    async def send_message(self, client: SetSmart) -> None:
        """A line, to a guest who does not exist."""
        await client.conversations.send(self._any(self._stock.conversations), "We will be with you shortly.")

    def _any(self, ids: list[str]) -> str:
        return ids[self._random.randrange(len(ids))]


def _take(ids: list[str]) -> str:
    return ids.pop() if len(ids) > 1 else ids[0]


_CALLS: Final[Mapping[str, Callable[[Operations, SetSmart], Awaitable[None]]]] = {
    "properties.list": Operations.list_properties,
    "properties.get": Operations.get_property,
    "properties.create": Operations.create_property,
    "properties.update": Operations.update_property,
    "properties.delete": Operations.delete_property,
    "reservations.list": Operations.list_reservations,
    "reservations.get": Operations.get_reservation,
    "reservations.create": Operations.create_reservation,
    "reservations.update": Operations.update_reservation,
    "reservations.cancel": Operations.cancel_reservation,
    "calendar.get": Operations.get_calendar,
    "calendar.push": Operations.push_calendar,
    "conversations.list": Operations.list_conversations,
    "conversations.get": Operations.get_conversation,
    "messages.list": Operations.list_messages,
    "messages.send": Operations.send_message,
}

_POOLS: Final[Mapping[str, Callable[[Stock], list[str]]]] = {
    **dict.fromkeys(("properties.get", "properties.update"), lambda stock: stock.properties),
    **dict.fromkeys(("calendar.get", "calendar.push", "reservations.create"), lambda stock: stock.properties),
    **dict.fromkeys(("reservations.get", "reservations.update"), lambda stock: stock.reservations),
    **dict.fromkeys(("conversations.get", "messages.list", "messages.send"), lambda stock: stock.conversations),
    "properties.delete": lambda stock: stock.doomed_properties,
    "reservations.cancel": lambda stock: stock.doomed_reservations,
}
