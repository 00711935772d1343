"""The sandbox's store: order, walks that stay exact while it changes, and what it keeps to itself."""

from collections.abc import Callable, Iterable
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setsmart_async.errors import ConfigurationError
from setsmart_async.sandbox.listing import read_list_query
from setsmart_async.sandbox.resources.properties import FILTERS
from setsmart_async.sandbox.store import RecordStore
from setsmart_async.sandbox.timestamps import rfc3339
from setsmart_async.wire import JsonObject

NOW = 1_700_000_000.0


def homes(number: int) -> list[JsonObject]:
    return [{"id": f"prop_{index}", "name": f"Home {index}"} for index in range(number)]


def ids(records: Iterable[JsonObject]) -> list[str]:
    return [str(record["id"]) for record in records]


def test_what_it_is_seeded_with_stays_as_it_is_and_in_order() -> None:
    seeds: list[JsonObject] = [{"id": "b", "x": [1, None]}, {"id": "a", "name": None}]
    store = RecordStore(seeds)
    assert list(store) == seeds
    assert len(store) == 2
    assert store.get("a") == {"id": "a", "name": None}
    assert store.get("c") is None


@pytest.mark.parametrize("seeds", [[{"name": "no id"}], [{"id": 7}], [{"id": ""}], [{"id": "a"}, {"id": "a"}]])
def test_seeds_without_an_id_of_their_own_are_refused(seeds: list[JsonObject]) -> None:
    with pytest.raises(ConfigurationError, match="id"):
        RecordStore(seeds)


def test_a_created_record_comes_last_with_id_and_times_of_its_own() -> None:
    store = RecordStore(homes(2))
    record = store.create({"name": "New", "id": "prop_0", "created_at": "then", "updated_at": "then"}, NOW)
    assert record == {
        "id": record["id"],
        "name": "New",
        "created_at": "2023-11-14T22:13:20Z",
        "updated_at": "2023-11-14T22:13:20Z",
    }
    assert record["id"] not in ("prop_0", "prop_1")
    assert ids(store) == ["prop_0", "prop_1", record["id"]]
    assert store.get("prop_0") == homes(1)[0]


def test_new_ids_are_never_taken_and_never_given_twice() -> None:
    store = RecordStore([{"id": "prop_new_1"}, {"id": "prop_new_3"}])
    given_out = [str(store.create({}, NOW)["id"]) for _ in range(3)]
    store.delete(given_out[-1])
    given_out.append(str(store.create({}, NOW)["id"]))
    assert len({*given_out, "prop_new_1", "prop_new_3"}) == 6


def test_merging_changes_what_is_named_and_the_time() -> None:
    store = RecordStore([{"id": "a", "name": "A", "room": "x", "created_at": "then", "updated_at": "then"}])
    before = store.get("a")
    assert store.merge("a", {"name": "B", "id": "z", "created_at": "now"}, NOW) == {
        "id": "a", "name": "B", "room": "x", "created_at": "then", "updated_at": rfc3339(NOW),
    }  # fmt: skip
    assert before == {"id": "a", "name": "A", "room": "x", "created_at": "then", "updated_at": "then"}
    assert store.merge("z", {}, NOW) is None


def test_replacing_keeps_nothing_but_id_and_creation() -> None:
    store = RecordStore([*homes(1), {"id": "a", "name": "A", "room": "x", "created_at": "then"}, {"id": "b"}])
    assert store.replace("a", {"name": "B", "id": "z"}, NOW) == {
        "id": "a", "created_at": "then", "name": "B", "updated_at": rfc3339(NOW),
    }  # fmt: skip
    assert ids(store) == ["prop_0", "a", "b"]
    assert store.replace("z", {}, NOW) is None


def test_deleting_removes_one_record_once() -> None:
    store = RecordStore(homes(3))
    assert [store.delete("prop_1"), store.delete("prop_1"), store.delete("nope")] == [True, False, False]
    assert ids(store) == ["prop_0", "prop_2"]
    assert store.get("prop_2") == homes(3)[2]
    assert store.get("prop_1") is None


def test_filters_let_through_what_they_say_and_see_each_change() -> None:
    store = RecordStore(
        [
            {"id": "a", "status": "active", "updated_at": "2024-01-01T00:00:00Z"},
            {"id": "b", "status": "inactive", "updated_at": "2024-01-02T00:00:00"},  # no offset: taken as UTC
            {"id": "c", "status": "active", "updated_at": "some day"},
            {"id": "d"},
        ]
    )

    def selected(status: str | None = None, since: str | None = None) -> list[str]:
        asked = {name: text for name, text in (("status", status), ("updated_since", since)) if text is not None}
        query = read_list_query(asked, FILTERS)
        return ids(store.select(query.key, query.matches).records)

    since = "2024-01-01T00:00:00Z"
    assert selected("active") == ["a", "c"]
    assert selected(since=since) == ["a", "b"]
    assert selected(since="2024-01-01T00:00:00.000001Z") == ["b"]
    assert selected("active", since) == ["a"]
    store.merge("d", {"status": "active"}, NOW + 1e8)
    assert selected("active", since) == ["a", "d"]
    assert selected("active") == ["a", "c", "d"]
    store.delete("a")
    assert selected("active") == ["c", "d"]
    store.create({"status": "active"}, NOW)
    assert len(selected("active")) == 3


def test_many_different_filters_are_not_all_remembered() -> None:
    store = RecordStore(homes(3))
    for day in range(1, 29):
        store.select(("day", day), lambda record: True)
    assert len(store._selections) <= 8


def walk(store: RecordStore, size: int, between: Callable[[], None]) -> list[str]:
    """All pages from the first to the last, something happening between them."""
    seen: list[str] = []
    position = -1
    for _ in range(1_000):
        page = store.select().after(position, size)
        assert len(page.records) <= size
        seen.extend(ids(page.records))
        if not page.positions:
            return seen
        position = page.positions[-1]
        between()
    raise AssertionError("the walk does not end")


Change = tuple[str, int]
changes = st.lists(st.lists(st.tuples(st.sampled_from(["create", "delete", "merge"]), st.integers(0, 99))), max_size=30)


@given(number=st.integers(0, 30), size=st.integers(1, 7), changing=changes)
def test_a_walk_by_position_misses_nothing_and_repeats_nothing(
    number: int, size: int, changing: list[list[Change]]
) -> None:
    store = RecordStore(homes(number))
    batches = iter(changing)
    ever, always = set(ids(store)), set(ids(store))
    moment = count(int(NOW))

    def change() -> None:
        for what, which in next(batches, []):
            present = ids(store)
            if what == "create":
                ever.add(str(store.create({}, next(moment))["id"]))
            elif present and what == "delete":
                always.discard(present[which % len(present)])
                store.delete(present[which % len(present)])
            elif present:
                store.merge(present[which % len(present)], {"name": "other"}, next(moment))

    seen = walk(store, size, change)
    assert len(seen) == len(set(seen))
    assert always <= set(seen) <= ever
    # What was created during the walk, and is still there, comes too: new records stand at the end.
    assert set(ids(store)) <= set(seen)
    # In the order of creation.
    order = {identifier: place for place, identifier in enumerate(ids(store))}
    still_there = [order[identifier] for identifier in seen if identifier in order]
    assert still_there == sorted(still_there)


@given(
    number=st.integers(0, 30), actions=st.lists(st.tuples(st.sampled_from(["create", "delete"]), st.integers(0, 99)))
)
def test_it_is_an_ordered_table(number: int, actions: list[Change]) -> None:
    store = RecordStore(homes(number))
    model = {str(home["id"]): home for home in homes(number)}
    for what, which in actions:
        if what == "create":
            record = store.create({"name": str(which)}, NOW)
            model[str(record["id"])] = record
        else:
            identifier = [*model, "nope"][which % (len(model) + 1)]
            assert store.delete(identifier) == (model.pop(identifier, None) is not None)
    assert list(store) == list(model.values())
    assert [store.get(identifier) for identifier in model] == list(model.values())
    selection = store.select()
    assert list(selection.positions) == sorted(set(selection.positions))
    assert list(selection.records) == list(model.values())
