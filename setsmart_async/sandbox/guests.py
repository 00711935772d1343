"""Made-up stays to begin with, their guests, and what was written: nobody's data, and the same each time.

Addresses end in example.com (RFC 2606), telephone numbers are of the range that is kept for fiction (555-01xx).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final
from zlib import crc32

from setsmart_async.errors import ConfigurationError
from setsmart_async.sandbox.timestamps import rfc3339
from setsmart_async.wire import Json, JsonObject

FIRST_DAY: Final = date(2024, 7, 1)
"""No stay begins earlier: the day after the listings were read."""

_FIRST_NAMES: Final = ("Ada", "Bo", "Chidi", "Dana", "Eli", "Femi", "Gro", "Hana", "Ivo", "Jun", "Kim", "Lea", "Mio")
_LAST_NAMES: Final = ("Ashe", "Birke", "Cloud", "Dale", "Elm", "Fjell", "Grove", "Hill", "Iris", "Lake", "Moss")
_HOMES: Final = (("nb", "NO"), ("en", "GB"), ("de", "DE"), ("fr", "FR"), ("sv", "SE"), ("pt-BR", "BR"), ("ja", "JP"))
_CHANNELS: Final = ("direct", "airbnb", "booking.com", "vrbo")
# Of 20 reservations so many.
_STATUSES: Final = ("confirmed",) * 15 + ("checked_out", "pending", "inquiry", "declined", "cancelled")
_PRICE: Final = Decimal("1200.00")
_WORDS: Final = (
    "Hello! We look forward to our stay. Is there a place to leave our luggage before check-in?",
    "Hello, and welcome! Yes, there is a locker in the hall; the code comes on the day.",
    "Thank you. We will be there at about four.",
    "Is there a shop nearby that is open on Sundays?",
    "There is one around the corner, open from nine to six.",
)
_HOUR: Final = 3_600
_DAY: Final = 86_400


def seed_reservations(properties: Iterable[JsonObject], count: int) -> Iterator[JsonObject]:
    """So many reservations of these homes, home by home in turn; no two of one home take the same night.

    Raises `ConfigurationError` for a count below 0, and when there is no home.
    """
    if count < 0:
        raise ConfigurationError("The sandbox can not be seeded with fewer than 0 reservations.")
    return _stays(properties, count)


def _stays(properties: Iterable[JsonObject], count: int) -> Iterator[JsonObject]:
    homes = list(properties) if count else []
    if count and not homes:
        raise ConfigurationError("The sandbox can not be seeded with reservations where it holds no property.")
    free_from = [FIRST_DAY] * len(homes)
    for number in range(count):
        place = number % len(homes)
        # What no listing says is made up from the number, so that it is the same each time.
        chance = crc32(b"stay %d" % number)
        check_in = free_from[place] + timedelta(days=chance % 12)
        check_out = check_in + timedelta(days=1 + (chance >> 4) % 9)
        free_from[place] = check_out
        yield _reservation(homes[place], number + 1, chance, check_in, check_out)


def _reservation(home: JsonObject, number: int, chance: int, check_in: date, check_out: date) -> JsonObject:
    status = _STATUSES[(chance >> 8) % len(_STATUSES)]
    price = home.get("nightly_price")
    nightly = Decimal(price) if isinstance(price, str) else _PRICE
    booked_at = datetime(check_in.year, check_in.month, check_in.day, tzinfo=UTC).timestamp()
    booked_at -= (1 + (chance >> 12) % 90) * _DAY - chance % _DAY
    changed_at = booked_at if status in ("inquiry", "pending") else booked_at + _HOUR
    found: JsonObject = {
        "id": f"res_{number}",
        "property_id": home["id"],
        "guest": _guest(number, chance),
        "status": status,
        "check_in": check_in.isoformat(),
        "check_out": check_out.isoformat(),
        "adults": 1 + (chance >> 6) % 4,
        "children": (chance >> 10) % 3,
        "infants": 0,
        "pets": 0,
        "total_amount": f"{nightly * (check_out - check_in).days:.2f}",
        "currency": home.get("currency") or "NOK",
        "channel": _CHANNELS[(chance >> 14) % len(_CHANNELS)],
        "confirmation_code": f"{chance:08X}",
        "created_at": rfc3339(booked_at),
        "updated_at": rfc3339(changed_at),
    }
    if status == "cancelled":
        found["cancelled_at"] = rfc3339(changed_at)
    return found


def _guest(number: int, chance: int) -> JsonObject:
    first = _FIRST_NAMES[(chance >> 3) % len(_FIRST_NAMES)]
    last = _LAST_NAMES[(chance >> 7) % len(_LAST_NAMES)]
    language, country = _HOMES[(chance >> 11) % len(_HOMES)]
    return {
        "id": f"guest_{number}",
        "first_name": first,
        "last_name": last,
        "email": f"{first}.{last}.{number}@example.com".lower(),
        "phone": f"+1 202 555 01{number % 100:02}",
        "language": language,
        "country": country,
    }


def seed_conversations(reservations: Iterable[JsonObject]) -> Iterator[JsonObject]:
    """One conversation for each reservation."""
    for number, stay in enumerate(reservations, start=1):
        identifier = f"conv_{number}"
        written = _written(identifier, str(stay.get("created_at")))
        guest = stay.get("guest")
        yield {
            "id": identifier,
            "reservation_id": stay["id"],
            "property_id": stay.get("property_id"),
            "guest_id": guest.get("id") if isinstance(guest, dict) else None,
            "channel": stay.get("channel"),
            "unread": _is_guests(len(written) - 1),
            "last_message_at": written[-1],
            "created_at": written[0],
            "updated_at": written[-1],
        }


def seed_messages(conversations: Iterable[JsonObject]) -> Iterator[JsonObject]:
    """What was written in each conversation: guest and host in turn, the guest first."""
    for conversation in conversations:
        identifier = str(conversation["id"])
        for place, moment in enumerate(_written(identifier, str(conversation.get("created_at")))):
            by_guest = _is_guests(place)
            attachments: list[Json] = []
            yield {
                "id": f"msg_{identifier.removeprefix('conv_')}_{place + 1}",
                "conversation_id": identifier,
                "direction": "inbound" if by_guest else "outbound",
                "sender": "guest" if by_guest else "host",
                "body": _WORDS[place],
                "channel": conversation.get("channel"),
                "status": "delivered",
                "attachments": attachments,
                "created_at": moment,
            }


def _is_guests(place: int) -> bool:
    return place % 2 == 0


def _written(identifier: str, begun: str) -> list[str]:
    """When each message of a conversation was written; the first when it was begun."""
    chance = crc32(identifier.encode())
    moment = datetime.fromisoformat(begun).timestamp()
    return [rfc3339(moment + place * (600 + chance % _HOUR)) for place in range(1 + chance % len(_WORDS))]
