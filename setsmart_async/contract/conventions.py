"""What holds for every endpoint: documented by SetSmart or assumed, and how to change it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs


@attrs.frozen
class Convention:
    """One rule of how the API is spoken to."""

    topic: str
    rule: str
    documented: bool = False
    """False: provisional, assumed from the field's conventions."""
    override: str = ""
    """How a server that differs is told; empty: nothing needs to be told, what differs is read or refused."""


CONVENTIONS: Final = (
    Convention("address", "``https://api.setsmart.com/v1``, HTTPS only", True, 'SetSmart(base_url="...")'),
    Convention("API key", "header ``X-API-Key``", True, 'Dialect(api_key_header="...")'),
    Convention("quota", "``X-RateLimit-Limit``, ``-Remaining``, ``-Reset`` (unix seconds)", True),
    Convention("quota", "``RateLimit-*``, IETF ``RateLimit``; reset in milliseconds or seconds from now; no headers"),
    Convention("quota", "``Retry-After`` on 429 and 503, in seconds or as a date"),
    Convention("quota", "the window's length and kind: nothing is assumed"),
    Convention("statuses", "200, 400, 401, 403, 404, 429, 500", True),
    Convention("statuses", "201, 202, 204; 409, 410, 422; other 4xx and 5xx"),
    Convention(
        "statuses",
        "503 with ``Retry-After`` may have done something",
        override="Dialect(rejects_with_503=True)",
    ),
    Convention("errors", "a body with a format: which one is not documented, so that those of the field are read"),
    Convention("records", "one record stands bare in the answer", True, 'Dialect(record_key="...")'),
    Convention("records", "or under ``data``", override='Dialect(record_key="...")'),
    Convention("records", "unknown fields are kept in ``extra`` and sent back with a whole record"),
    Convention("records", "unknown values of ``status`` and its kin are kept"),
    Convention("lists", "a list lists all", True),
    Convention(
        "lists", "bare, or under ``data``, ``items``, ``results``, its name", override='Dialect(items_key="...")'
    ),
    Convention("pages", "cursor in ``cursor``", override='Dialect(cursor_parameter="...")'),
    Convention("pages", "number in ``page``", override='Dialect(page_parameter="...")'),
    Convention("pages", "size in ``limit``", override='Dialect(page_size_parameter="...")'),
    Convention("pages", "the way on: a cursor, a link, ``Link``, a number, an offset, whichever the server shows"),
    Convention("updates", "``PUT`` updates", True),
    Convention("updates", "``PUT`` merges what is sent", override='Dialect(update_style="replace")'),
    Convention("updates", "null clears a field"),
    Convention("money", "a decimal text in the currency's major unit", override='Dialect(money="number")'),
    Convention("days", "stays are half-open, ``[check_in, check_out)``; calendar ranges include both ends"),
    Convention("times", "RFC 3339 with an offset; sent in UTC"),
    Convention("creates", "no idempotency keys", override='Dialect(idempotency_header="Idempotency-Key")'),
    Convention("calendar", "ranges under ``days``", override='Dialect(calendar_key="...")'),
    Convention("webhooks", "Standard Webhooks 1.0", override="SignatureScheme(...), see docs/webhooks.md"),
    Convention("webhooks", "deliveries are signed: advice to verify", True),
)
"""What holds for every endpoint, by topic."""

DOCUMENTED_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "properties": frozenset({"id", "name", "address", "bedrooms", "bathrooms", "max_guests", "status"}),
}
"""By resource the fields that SetSmart documents; every other one is provisional."""
