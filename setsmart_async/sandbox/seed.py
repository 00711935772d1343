"""Real listings to begin with: see LISTINGS.md for where they come from."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import count as count_from
from pathlib import Path
from typing import Final
from zlib import crc32

from setsmart_async.errors import ConfigurationError
from setsmart_async.sandbox.timestamps import rfc3339
from setsmart_async.wire import JsonObject

LISTINGS: Final = 3_000
"""How many listings are shipped."""

_FILE: Final = Path(__file__).with_name("listings.csv.gz")
_FIRST_CREATION: Final = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp())
_FOUR_YEARS: Final = 4 * 365 * 86_400
_ONE_IN_SO_MANY_IS_INACTIVE: Final = 25


def seed_properties(count: int) -> Iterator[JsonObject]:
    """So many properties as the API would send them, the same ones each time.

    The shipped listings first. More than those are the same homes over again, each with an id and a name of its own:
    ``prop_42932_2`` is the second ``prop_42932``. Raises `ConfigurationError` for a count below 0.
    """
    if count < 0:
        raise ConfigurationError("The sandbox can not be seeded with fewer than 0 properties.")
    return _grown(count)


def _grown(count: int) -> Iterator[JsonObject]:
    listings = _listings()
    for number in count_from(1):
        for listing in listings:
            if count == 0:
                return
            count -= 1
            if number == 1:
                yield dict(listing)
            else:
                yield {**listing, "id": f"{listing['id']}_{number}", "name": f"{listing['name']} ({number})"}


@lru_cache(maxsize=1)
def _listings() -> tuple[JsonObject, ...]:
    with gzip.open(_FILE, "rt", encoding="utf-8", newline="") as file:
        return tuple(_property(row) for row in csv.DictReader(file))


def _property(row: dict[str, str]) -> JsonObject:
    # What the listings do not say is made up from the id, so that it is the same each time.
    chance = crc32(row["id"].encode())
    updated_at = datetime.fromisoformat(row["last_scraped"]).replace(tzinfo=UTC).timestamp() + chance % 86_400
    fields: JsonObject = {
        "id": f"prop_{row['id']}",
        "name": row["name"],
        "address": f"{row['neighbourhood']}, Oslo",
        "bedrooms": int(row["bedrooms"]) if row["bedrooms"] else None,
        # No bathrooms: the listings do not have them, and a real API leaves out what it does not know.
        "max_guests": int(row["accommodates"]),
        "status": "active" if chance % _ONE_IN_SO_MANY_IS_INACTIVE else "inactive",
        "timezone": "Europe/Oslo",
        "currency": "NOK",
        "room_type": row["room_type"],
        "minimum_nights": int(row["minimum_nights"]),
    }
    if row["price"]:
        fields["nightly_price"] = f"{Decimal(row['price']):.2f}"
    fields["created_at"] = rfc3339(_FIRST_CREATION + chance % _FOUR_YEARS)
    fields["updated_at"] = rfc3339(updated_at)
    return fields
