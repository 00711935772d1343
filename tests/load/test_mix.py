"""Which operations, and how often each."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setsmart_async.contract import CONTRACT
from setsmart_async.errors import ConfigurationError
from setsmart_async.load.mix import DEFAULT, OFFERED, Mix
from setsmart_async.load.operations import _CALLS
from setsmart_async.priority import Priority


@given(st.dictionaries(st.sampled_from(OFFERED), st.integers(1, 1000), min_size=1))
def test_what_is_written_is_read(weights: dict[str, int]) -> None:
    mix = Mix.parse(",".join(f"{name}={weight}" for name, weight in weights.items()))
    assert {entry.operation: entry.weight for entry in mix.entries} == weights
    assert Mix.parse(str(mix)) == mix
    assert sum(mix.share(name) for name in weights) == pytest.approx(1.0)


def test_a_priority_stands_behind_the_operation() -> None:
    mix = Mix.parse("properties.get@interactive=1, properties.get=3")
    assert [entry.priority for entry in mix.entries] == [Priority.INTERACTIVE, Priority.NORMAL]
    assert [entry.name for entry in mix.entries] == ["properties.get@interactive", "properties.get"]
    assert mix.share("properties.get") == 1.0


def test_calls_are_drawn_by_weight_and_repeated_by_seed() -> None:
    mix = Mix.parse("properties.get=80,properties.list=15,properties.update=5")
    chooser = mix.chooser(Random(3))
    drawn = Counter(chooser.next().operation for _ in range(20_000))
    assert drawn["properties.get"] / 20_000 == pytest.approx(0.80, abs=0.01)
    assert drawn["properties.update"] / 20_000 == pytest.approx(0.05, abs=0.01)
    again, once_more = mix.chooser(Random(3)), mix.chooser(Random(3))
    assert [again.next() for _ in range(50)] == [once_more.next() for _ in range(50)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "names no operation"),
        ("properties.get", "not of the form"),
        ("properties.get=-1", "not of the form"),
        ("properties.get=0", "more than 0"),
        ("properties.fly=1", "no operation 'properties.fly'; there are properties.list"),
        ("webhooks.create=1", "no operation 'webhooks.create'"),
        ("properties.get@urgent=1", "no priority 'urgent'; there are interactive, normal, bulk"),
        ("properties.get=1,properties.get=2", "twice"),
        ("properties.get=1,properties.get@normal=2", "twice"),
    ],
)
def test_what_can_not_be_meant_is_an_error_that_says_so(text: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        Mix.parse(text)


def test_every_operation_of_the_contract_is_offered_but_for_subscriptions() -> None:
    assert set(OFFERED) == set(_CALLS) == {name for name in CONTRACT if not name.startswith("webhooks.")}
    assert all(CONTRACT[entry.operation].documented for entry in Mix.parse(DEFAULT).entries)
