"""The sandbox's calendars (provisional): what was pushed, under what is booked."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from setsmart_async.contract import CALENDAR_GET, CALENDAR_PUSH
from setsmart_async.sandbox.answers import FieldProblem, RefusedError, invalid
from setsmart_async.sandbox.checks import (
    Shape,
    amount,
    as_day,
    boolean,
    currency,
    day,
    refuse,
    required,
    text,
    whole_number,
)
from setsmart_async.sandbox.database import Shelf
from setsmart_async.sandbox.question import Operate, Question, Success, Tell
from setsmart_async.sandbox.resources.reservations import ReservationsResource, includes
from setsmart_async.sandbox.store import RecordStore
from setsmart_async.wire import Json, JsonObject

MOST_DAYS: Final = 731
"""The most days that one request may name: two years."""

SHAPE: Final = Shape(
    checks={
        "start_date": day,
        "end_date": day,
        "available": boolean,
        "nightly_rate": amount,
        "currency": currency,
        "min_stay": whole_number(1),
        "max_stay": whole_number(1),
        "closed_to_arrival": boolean,
        "closed_to_departure": boolean,
        "note": text(1_000),
    },
    required=("start_date", "end_date"),
)
_NO_CHANGE: Final = frozenset({"start_date", "end_date", "date", "reservation_id"})
_ONE_DAY: Final = timedelta(days=1)


class CalendarResource:
    """A day is what was pushed for it, over an open day at the listing's price; a booked night is not available."""

    def __init__(
        self,
        properties: RecordStore,
        reservations: ReservationsResource,
        tell: Tell,
        *,
        accepts_later: bool,
        shelf: Shelf | None = None,
    ) -> None:
        """What `shelf` holds was pushed in an earlier run."""
        self._properties = properties
        self._reservations = reservations
        self._tell = tell
        self._accepts_later = accepts_later
        self._shelf = shelf
        self._pushed: dict[str, dict[date, JsonObject]] = {}
        for key, fields in () if shelf is None else shelf.entries():
            property_id, _, day = key.rpartition(" ")
            assert isinstance(fields, dict)  # noqa: S101 - as it was written
            self._pushed.setdefault(property_id, {})[date.fromisoformat(day)] = fields

    @property
    def operations(self) -> dict[str, Operate]:
        """By the contract's name."""
        return {CALENDAR_GET.name: self.get, CALENDAR_PUSH.name: self.push}

    def get(self, question: Question) -> Success:
        """The days of a range, both ends included."""
        home = self._home(question)
        ends = [question.parameters.get(name) for name in ("start_date", "end_date")]
        names = zip(("start_date", "end_date"), ends, strict=True)
        refuse([required(name) if value is None else FieldProblem(name, "must be a date", "invalid_value")
                for name, value in names if as_day(value) is None])  # fmt: skip
        start, end = (as_day(value) for value in ends)
        assert start is not None and end is not None  # noqa: S101, PT018 - refused above
        _check_span(start, end, "end_date")
        taken = self._reservations.taken(question.identifier)
        days: list[Json] = [
            self._day(home, start + timedelta(days=number), taken) for number in range((end - start).days + 1)
        ]
        return Success(body={"data": days}, holds="records")

    def push(self, question: Question) -> Success:
        """Change ranges of days: all of them, or none."""
        self._home(question)
        ranges = question.fields.get("days")
        if not isinstance(ranges, list) or not ranges:
            raise invalid([required("days")])
        changes = [_change(value, number) for number, value in enumerate(ranges)]
        if sum((end - start).days + 1 for start, end, _ in changes) > MOST_DAYS:
            refuse([FieldProblem("days", f"may name {MOST_DAYS} days in all", "invalid_value")])
        before = self._pushed.get(question.identifier, {})
        changed: dict[date, JsonObject] = {}
        for start, end, fields in changes:
            for number in range((end - start).days + 1):
                each = start + timedelta(days=number)
                changed[each] = {**changed.get(each, before.get(each, {})), **fields}
        if self._shelf is not None:
            self._shelf.write((f"{question.identifier} {each}", fields) for each, fields in changed.items())
        self._pushed[question.identifier] = {**before, **changed}
        self._tell("calendar.updated", {"property_id": question.identifier})
        status = 202 if self._accepts_later else 200
        return Success(body={"updated_days": len(changed)}, holds="nothing", status=status)

    def _home(self, question: Question) -> JsonObject:
        home = self._properties.get(question.identifier)
        if home is None:
            raise RefusedError(404, "not_found", "There is no property with this id.")
        return home

    def _day(self, home: JsonObject, day: date, taken: list[JsonObject]) -> JsonObject:
        text = day.isoformat()
        pushed = self._pushed.get(str(home["id"]), {}).get(day, {})
        stay = next((one for one in taken if includes(one, text)), None)
        found: JsonObject = {
            "date": text,
            "available": True,
            "nightly_rate": home.get("nightly_price"),
            "currency": home.get("currency"),
            "min_stay": home.get("minimum_nights", 1),
            **pushed,
        }
        if stay is not None:
            found |= {"available": False, "reservation_id": stay["id"]}
        return found


def _change(value: Json, number: int) -> tuple[date, date, JsonObject]:
    """One range of a push: first day, last day, fields."""
    place = f"days[{number}]"
    if not isinstance(value, dict):
        raise invalid([FieldProblem(place, "must be an object", "invalid_type")])
    missing = [required(f"{place}.{name}") for name in SHAPE.required if value.get(name) is None]
    problems = [FieldProblem(f"{place}.{one.field}", one.message, one.code) for one in SHAPE.problems(value)]
    refuse([*missing, *problems])
    start, end = as_day(value["start_date"]), as_day(value["end_date"])
    assert start is not None and end is not None  # noqa: S101, PT018 - refused above
    _check_span(start, end, f"{place}.end_date")
    return start, end, {name: field for name, field in value.items() if name not in _NO_CHANGE}


def _check_span(start: date, end: date, field: str) -> None:
    if end < start:
        refuse([FieldProblem(field, "must not be before start_date: both ends are included", "invalid_value")])
    if (end - start).days >= MOST_DAYS:
        refuse([FieldProblem(field, f"a range may have {MOST_DAYS} days", "invalid_value")])
