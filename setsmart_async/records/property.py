"""A property: one home that guests can book."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

import attrs

from setsmart_async.records.open_enum import OpenEnum


class PropertyStatus(OpenEnum, members=("active", "inactive", "draft", "archived")):
    """A property's status. *Documented:* ``active``. *Provisional:* the others; unknown ones are kept."""

    __slots__ = ()
    ACTIVE: ClassVar[PropertyStatus]
    INACTIVE: ClassVar[PropertyStatus]
    DRAFT: ClassVar[PropertyStatus]
    ARCHIVED: ClassVar[PropertyStatus]


@attrs.frozen(kw_only=True)
class Property:
    """One home. Fields are documented by SetSmart unless marked *provisional*.

    A field that the server leaves out or sends as null is None. Hashing leaves `extra` out.
    """

    id: str
    """Opaque, such as ``prop_123``."""
    name: str
    """The listing's title."""
    address: str | None = None
    """Postal address, one line."""
    bedrooms: int | None = None
    """Number of bedrooms; 0 for a studio."""
    bathrooms: float | None = None
    """Number of bathrooms; 1.5 means one full and one half bath."""
    max_guests: int | None = None
    """How many guests may stay at once."""
    status: PropertyStatus | None = None
    """Compares with its text; `PropertyStatus.known` tells new values apart."""
    timezone: str | None = None
    """IANA name, such as ``Europe/Oslo``. *Provisional.*"""
    currency: str | None = None
    """ISO 4217 code of the property's prices. *Provisional.*"""
    created_at: datetime | None = None
    """UTC. *Provisional.*"""
    updated_at: datetime | None = None
    """UTC. *Provisional.*"""
    extra: Mapping[str, object] = attrs.field(factory=dict[str, object], hash=False, repr=False)
    """Fields of the answer that this version does not know, as they came; sent back with the whole record."""
