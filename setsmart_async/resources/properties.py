"""Properties: the homes of an account. Endpoints documented; filters and paging provisional."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

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
from setsmart_async.records.unset import UNSET, Unset
from setsmart_async.resources.pages import Listing
from setsmart_async.resources.resource import Resource, ResourceOperations

_OPERATIONS: Final = ResourceOperations(
    plural="properties",
    list=PROPERTIES_LIST,
    get=PROPERTIES_GET,
    create=PROPERTIES_CREATE,
    update=PROPERTIES_UPDATE,
    delete=PROPERTIES_DELETE,
)


class Properties(Resource[Property]):
    """The account's properties. Every method raises the errors of a call, see `setsmart_async.errors`."""

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

    async def create(
        self,
        *,
        name: str,
        address: str,
        bedrooms: int,
        bathrooms: float,
        max_guests: int,
        status: str | Unset = UNSET,
        timezone: str | Unset = UNSET,
        currency: str | Unset = UNSET,
        extra: Mapping[str, object] | None = None,
        idempotency_key: str | None = None,
    ) -> Property:
        """Create a property and return it as the server has it.

        Never sent twice: an error whose `outcome` is ``unknown`` means that the property may exist. It is only where
        the server honours idempotency keys (`Dialect.idempotency_header`); then `idempotency_key`, made up when left
        out, marks all that you send for one property. `extra` holds fields that this library does not know.
        """
        fields = {
            "name": name,
            "address": address,
            "bedrooms": bedrooms,
            "bathrooms": bathrooms,
            "max_guests": max_guests,
            "status": status,
            "timezone": timezone,
            "currency": currency,
        }
        return await self._create(fields, extra, idempotency_key)

    async def update(
        self,
        id: str,  # noqa: A002 - the API's own name for it
        *,
        name: str | Unset = UNSET,
        address: str | Unset | None = UNSET,
        bedrooms: int | Unset | None = UNSET,
        bathrooms: float | Unset | None = UNSET,
        max_guests: int | Unset | None = UNSET,
        status: str | Unset = UNSET,
        timezone: str | Unset | None = UNSET,
        currency: str | Unset | None = UNSET,
        extra: Mapping[str, object] | None = None,
    ) -> Property:
        """Change what is passed, and return the property as the server has it; None clears a field.

        Whether the server merges or replaces is not documented: see `Dialect.update_style`.
        """
        fields = {
            "name": name,
            "address": address,
            "bedrooms": bedrooms,
            "bathrooms": bathrooms,
            "max_guests": max_guests,
            "status": status,
            "timezone": timezone,
            "currency": currency,
        }
        return await self._update(id, fields, extra)
