"""The calendar: days read, and pushed as the fewest ranges."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from resources.fake_engine import FakeEngine, always, run

from setsmart_async import CalendarChange, Dialect, NotFoundError, PushedChunk
from setsmart_async.engine.call import Call
from setsmart_async.resources.calendar import Calendar
from setsmart_async.resources.calendar_ranges import CalendarRange, chunked, merged
from setsmart_async.wire import Json

FIRST = date(2026, 6, 1)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def test_days_are_asked_for_with_both_ends() -> None:
    days: list[Json] = [{"date": "2026-06-01", "available": True, "nightly_rate": "99.50", "currency": "EUR"}]
    engine = always({"days": days, "property_id": "prop_1"})
    [found] = run(engine.lend(Calendar).get("prop_1", start_date=FIRST, end_date=FIRST))
    assert (found.date, found.nightly_rate) == (FIRST, Decimal("99.50"))
    assert engine.requests == [("GET", "/properties/prop_1/calendar?start_date=2026-06-01&end_date=2026-06-01")]


def test_a_range_without_a_day_is_refused() -> None:
    engine = always([])
    with pytest.raises(ValueError, match="end_date must not be before"):
        run(engine.lend(Calendar).get("prop_1", start_date=day(1), end_date=day(0)))
    assert engine.calls == []


def test_equal_neighbours_are_one_range() -> None:
    engine = always({})
    changes = [CalendarChange(start_date=day(number), nightly_rate=Decimal(120)) for number in (0, 1, 2, 4)]
    [done] = run(engine.lend(Calendar).push("prop_1", changes))
    assert done == PushedChunk(property_id="prop_1", start_date=day(0), end_date=day(4), days=4)
    done.unwrap()
    assert engine.requests == [("PUT", "/properties/prop_1/calendar")]
    assert engine.body() == {
        "days": [
            {"start_date": "2026-06-01", "end_date": "2026-06-03", "nightly_rate": "120"},
            {"start_date": "2026-06-05", "end_date": "2026-06-05", "nightly_rate": "120"},
        ]
    }


def test_a_later_change_counts_and_none_clears() -> None:
    engine = always({})
    whole = CalendarChange(start_date=day(0), end_date=day(2), available=True, note="summer")
    closed = CalendarChange(start_date=day(1), available=False, min_stay=None, extra={"reason": "paint"})
    run(engine.lend(Calendar).push("prop_1", [whole, closed]))
    open_day = {"available": True, "note": "summer"}
    assert engine.body() == {
        "days": [
            {"start_date": "2026-06-01", "end_date": "2026-06-01", **open_day},
            {
                "start_date": "2026-06-02",
                "end_date": "2026-06-02",
                "available": False,
                "note": "summer",
                "min_stay": None,
                "reason": "paint",
            },
            {"start_date": "2026-06-03", "end_date": "2026-06-03", **open_day},
        ]
    }


def test_a_push_goes_in_chunks_one_after_the_other_and_a_failure_loses_no_other() -> None:
    def answer(call: Call[Any]) -> Json:
        assert call.body is not None
        if b"2026-06-11" in call.body:
            raise NotFoundError(404)
        return {}

    engine = FakeEngine(answer)
    year = CalendarChange(start_date=day(0), end_date=day(24), available=False)
    chunks = run(engine.lend(Calendar).push("prop_1", [year], chunk_days=10))
    assert [(chunk.start_date, chunk.end_date, chunk.days) for chunk in chunks] == [
        (day(0), day(9), 10),
        (day(10), day(19), 10),
        (day(20), day(24), 5),
    ]
    assert [type(chunk.error) for chunk in chunks] == [type(None), NotFoundError, type(None)]
    with pytest.raises(NotFoundError):
        chunks[1].unwrap()


def test_an_accepted_push_is_pending() -> None:
    [chunk] = run(always(b"", status=202).lend(Calendar).push("p", [CalendarChange(start_date=FIRST, note="x")]))
    assert chunk.pending
    assert chunk.error is None


def test_an_id_that_can_be_none_is_said_in_the_result() -> None:
    [chunk] = run(always({}).lend(Calendar).push("..", [CalendarChange(start_date=FIRST, note="x")]))
    assert isinstance(chunk.error, ValueError)


def test_nothing_to_change_asks_for_nothing() -> None:
    engine = always({})
    assert run(engine.lend(Calendar).push("prop_1", [])) == []
    assert engine.calls == []


@pytest.mark.parametrize("chunk_days", [0, -1])
def test_a_chunk_has_a_day(chunk_days: int) -> None:
    with pytest.raises(ValueError, match="chunk_days"):
        run(always({}).lend(Calendar).push("p", [CalendarChange(start_date=FIRST, note="x")], chunk_days=chunk_days))


def test_the_dialect_names_the_key_and_the_fields_and_the_form_of_money() -> None:
    engine = always({})
    dialect = Dialect(calendar_key="updates", fields={"calendar.nightly_rate": "price"}, money="number")
    run(
        engine.lend(Calendar, dialect=dialect).push(
            "p", [CalendarChange(start_date=FIRST, nightly_rate=Decimal("9.5"))]
        )
    )
    assert engine.body() == {"updates": [{"start_date": "2026-06-01", "end_date": "2026-06-01", "price": 9.5}]}


def test_many_properties_are_pushed_side_by_side_each_in_order() -> None:
    at_once = most = 0
    order: dict[str, list[str]] = {}

    class Slow(FakeEngine):
        async def run(self, call: Call[Any]) -> Any:  # noqa: ANN401 - as the engine's
            nonlocal at_once, most
            at_once, most = at_once + 1, max(most, at_once + 1)
            assert call.body is not None
            order.setdefault(call.target, []).append(call.body.decode())
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            at_once -= 1
            return await super().run(call)

    engine = Slow(lambda call: {})

    async def main() -> list[PushedChunk]:
        changes = {f"p{n}": [CalendarChange(start_date=day(0), end_date=day(5), min_stay=2)] for n in range(4)}
        return [chunk async for chunk in engine.lend(Calendar).push_many(changes, chunk_days=2, concurrency=3)]

    chunks = run(main())
    assert len(chunks) == 12
    assert most == 3
    assert all(bodies == sorted(bodies) for bodies in order.values())
    by_property = [[chunk for chunk in chunks if chunk.property_id == f"p{n}"] for n in range(4)]
    assert all([chunk.start_date for chunk in own] == [day(0), day(2), day(4)] for own in by_property)


REFUSED: dict[str, dict[str, Any]] = {
    "backwards": {"start_date": day(1), "end_date": day(0), "note": "x"},
    "too long": {"start_date": date(1, 1, 1), "end_date": date(9999, 12, 31), "note": "x"},
    "no change": {"start_date": day(1)},
}


@pytest.mark.parametrize("arguments", REFUSED.values(), ids=list(REFUSED))
def test_a_change_that_can_not_be_meant_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"end_date|ten years|at least one field"):
        CalendarChange(**arguments)


def test_the_last_day_of_all_can_be_changed() -> None:
    [only] = merged([CalendarChange(start_date=date(9999, 12, 31), note="x")])
    assert only.days == 1


changes_of_days = st.lists(
    st.builds(
        lambda start, length, available, rate: CalendarChange(
            start_date=day(start), end_date=day(start + length), available=available, **rate
        ),
        st.integers(0, 40),
        st.integers(0, 12),
        st.booleans(),
        st.sampled_from(cast("list[dict[str, Any]]", [{}, {"nightly_rate": Decimal(1)}, {"nightly_rate": None}])),
    ),
    max_size=8,
)


def by_day(ranges: Sequence[CalendarRange]) -> dict[date, Mapping[str, object]]:
    found: dict[date, Mapping[str, object]] = {}
    for each in ranges:
        for number in range(each.days):
            assert each.start_date + timedelta(days=number) not in found
            found[each.start_date + timedelta(days=number)] = each.fields
    return found


@given(changes_of_days, st.integers(1, 9))
def test_ranges_and_chunks_say_of_each_day_what_the_changes_said(changes: list[CalendarChange], most_days: int) -> None:
    told: dict[date, dict[str, object]] = {}
    for change in changes:
        for number in range((change.end_date - change.start_date).days + 1):
            told.setdefault(change.start_date + timedelta(days=number), {}).update(change.fields())
    ranges = merged(changes)
    assert by_day(ranges) == told
    touching = [
        (one, other)
        for one, other in pairwise(ranges)
        if other.start_date - one.end_date == timedelta(days=1) and one.fields == other.fields
    ]
    assert touching == []
    chunks = chunked(ranges, most_days)
    assert by_day([piece for chunk in chunks for piece in chunk]) == told
    assert all(0 < sum(piece.days for piece in chunk) <= most_days for chunk in chunks)
    assert len(chunks) == -(-len(told) // most_days)
