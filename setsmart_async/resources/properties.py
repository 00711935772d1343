"""Properties: the homes of an account. Endpoints documented; filters and paging provisional."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Unpack

from setsmart_async.config import CallOptions
from setsmart_async.contract import (
    PROPERTIES_CREATE,
    PROPERTIES_DELETE,
    PROPERTIES_GET,
    PROPERTIES_LIST,
    PROPERTIES_UPDATE,
    Dialect,
)
from setsmart_async.engine.engine import Engine
from setsmart_async.records.property import Property
from setsmart_async.records.unset import Unset
from setsmart_async.resources.fields import Creatable, Writable
from setsmart_async.resources.pages import Listing
from setsmart_async.resources.resource import Resource, ResourceOperations

_OPERATIONS: Final = ResourceOperations(
    name="properties",
    list=PROPERTIES_LIST,
    get=PROPERTIES_GET,
    create=PROPERTIES_CREATE,
    update=PROPERTIES_UPDATE,
    delete=PROPERTIES_DELETE,
)


class _Described(Creatable):
    name: str
    address: str
    bedrooms: int
    bathrooms: float
    max_guests: int


class NewProperty(_Described, total=False):
    """The fields of a new `Property`; see there. The first five are needed."""

    status: str | Unset
    timezone: str | Unset
    currency: str | Unset


class PropertyChanges(Writable, total=False):
    """What `Properties.update` can change; None clears a field."""

    name: str | Unset
    address: str | Unset | None
    bedrooms: int | Unset | None
    bathrooms: float | Unset | None
    max_guests: int | Unset | None
    status: str | Unset
    timezone: str | Unset | None
    currency: str | Unset | None


class Properties(Resource[Property, NewProperty, PropertyChanges]):
    """The account's properties. Every method raises the errors of a call, see `setsmart_async.errors`."""

    _new = NewProperty
    _changes = PropertyChanges

    def __init__(self, engine: Engine, options: CallOptions, dialect: Dialect) -> None:
        super().__init__(Property, _OPERATIONS, engine, options, dialect)

    def list(
        self,
        *,
        status: str | None = None,
        updated_since: datetime | None = None,
        page_size: int | None = None,
        cursor: str | None = None,
    ) -> Listing[Property]:
        """The properties, to be walked: ``async for``, `Listing.pages`, `Listing.all`, `Listing.first`.

        Filters and paging are provisional. `page_size` is in records; the server may give fewer. `cursor` is a
        `Page.next_cursor` of an earlier walk with the same filters.
        """
        return self._list({"status": status, "updated_since": updated_since}, page_size, cursor)

    async def create(self, **fields: Unpack[NewProperty]) -> Property:
        """Create a property from its `NewProperty` fields, and return it as the server has it.

        Never sent twice: an error whose `outcome` is ``unknown`` means that the property may exist. It is only where
        the server honours idempotency keys (`Dialect.idempotency_header`).
        """
        return await self._create(fields)

    async def update(self, id: str, **changes: Unpack[PropertyChanges]) -> Property:  # noqa: A002 - the API's own name
        """Change what is passed, and return the property as the server has it; None clears a field.

        Whether the server merges or replaces is not documented: see `Dialect.update_style`.
        """
        return await self._update(id, changes)
