"""create_many, update_many, delete_many: a result for each, and wrong names told before anything is sent."""

from typing import Any, cast

import pytest
from resources.fake_engine import FakeEngine, always, run

from setsmart_async import (
    CallOptions,
    ConflictError,
    NewProperty,
    NotFoundError,
    Property,
    PropertyChanges,
    Reservation,
    Result,
)
from setsmart_async.engine.call import Call
from setsmart_async.resources.reservations import Reservations
from setsmart_async.wire import Json, decode_json

HOME: NewProperty = {"name": "Villa", "address": "1 Shore Road", "bedrooms": 3, "bathrooms": 2, "max_guests": 6}


def home(name: str) -> NewProperty:
    return {**HOME, "name": name}


def refusing(call: Call[Any]) -> Json:
    body = decode_json(call.body) if call.body else {}
    assert isinstance(body, dict)
    if body.get("name") == "Taken" or "taken" in call.target:
        raise ConflictError(409)
    if "gone" in call.target:
        raise NotFoundError(404)
    return {"id": call.target.rpartition("/")[2].replace("properties", f"id of {body.get('name')}"), "name": "Villa"}


def test_every_new_record_has_a_result_with_its_place() -> None:
    async def main() -> list[Result[Property]]:
        new = [home("A"), home("Taken"), home("C")]
        return [result async for result in FakeEngine(refusing).properties().create_many(new)]

    found = sorted(run(main()), key=lambda result: result.index)
    assert [(result.index, result.id, type(result.error)) for result in found] == [
        (0, "id of A", type(None)),
        (1, "", ConflictError),
        (2, "id of C", type(None)),
    ]
    assert found[0].unwrap().id == "id of A"
    with pytest.raises(ConflictError):
        found[1].unwrap()


def test_every_change_has_a_result_under_its_id() -> None:
    async def main() -> dict[str, Result[Property]]:
        changes: dict[str, PropertyChanges] = {"a": {"max_guests": 8}, "taken": {"name": "B"}, "..": {"name": "C"}}
        engine = FakeEngine(refusing)
        found = {result.id: result async for result in engine.properties().update_many(changes)}
        assert engine.body(0) == {"max_guests": 8}
        return found

    found = run(main())
    assert found["a"].unwrap().id == "a"
    assert isinstance(found["taken"].error, ConflictError)
    assert isinstance(found[".."].error, ValueError)


def test_every_deletion_has_a_result_whose_value_is_nothing() -> None:
    async def main() -> dict[str, Result[None]]:
        return {result.id: result async for result in FakeEngine(refusing).properties().delete_many(["a", "gone"])}

    found = run(main())
    found["a"].unwrap()
    assert found["a"].error is None
    with pytest.raises(NotFoundError):
        found["gone"].unwrap()


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a typing error": ({**HOME, "bedroms": 3}, "NewProperty has no field 'bedroms'; there are address,.*extra"),
    "something missing": ({"name": "Villa", "address": "x"}, "NewProperty needs bathrooms, bedrooms, max_guests"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_names_are_told_before_anything_is_sent(case: str) -> None:
    fields, message = WRONG[case]
    engine = always({"id": "a", "name": "Villa"})
    with pytest.raises(TypeError, match=message):
        run(engine.properties().create(**fields))

    async def main() -> list[Result[Property]]:
        new = [cast(NewProperty, fields), HOME]
        return [result async for result in engine.properties().create_many(new)]

    wrong, right = sorted(run(main()), key=lambda result: result.index)
    assert isinstance(wrong.error, ValueError)
    assert right.error is None
    assert len(engine.calls) == 1


def test_an_unknown_change_is_told_too() -> None:
    engine = always({"id": "a", "name": "Villa"})
    with pytest.raises(TypeError, match="PropertyChanges has no field 'guests'"):
        run(engine.properties().update("a", guests=3))  # type: ignore[call-arg]  # meant to fail
    assert engine.calls == []


def test_what_the_library_does_not_know_goes_through_extra_and_overrides_nothing() -> None:
    engine = always({"id": "a", "name": "Villa"})
    run(engine.properties().update("a", name="Villa", extra={"pool": True, "name": "no"}))
    assert engine.body() == {"name": "Villa", "pool": True}


def test_work_in_bulk_does_not_count_waiting_for_quota() -> None:
    engine = always({"id": "a", "name": "Villa"})

    async def main() -> None:
        properties = engine.properties(options=CallOptions(deadline=3.0))
        async for _ in properties.create_many([HOME]):
            pass
        async for _ in properties.update_many({"a": {"name": "B"}}):
            pass
        async for _ in properties.delete_many(["a"]):
            pass

    run(main())
    assert [(call.options.queueing_counts, call.options.deadline) for call in engine.calls] == [(False, 3.0)] * 3


def test_a_stay_without_a_night_is_a_result_among_others() -> None:
    stay: Json = {"id": "r", "property_id": "p", "check_in": "2026-01-01", "check_out": "2026-01-02"}
    engine = always(stay)
    from datetime import date

    async def main() -> list[Result[Reservation]]:
        first, second = date(2026, 1, 1), date(2026, 1, 2)
        return [
            result
            async for result in engine.lend(Reservations).create_many(
                [
                    {"property_id": "p", "check_in": second, "check_out": first},
                    {"property_id": "p", "check_in": first, "check_out": second},
                ]
            )
        ]

    wrong, right = sorted(run(main()), key=lambda result: result.index)
    assert isinstance(wrong.error, ValueError)
    assert right.unwrap().nights == 1
