"""A test of your own code, with SetSmart in memory: no network, no waiting, and things go wrong on purpose.

pip install 'setsmart_async[testing]'
pytest examples/test_free_beds.py
"""

import asyncio

import pytest

from setsmart_async import NotFoundError, SetSmart
from setsmart_async.testing import FakeSetSmart, fake_property


async def beds(setsmart: SetSmart, *home_ids: str) -> int:
    """The code under test: for how many guests there is room in these homes; homes that are gone have none."""
    room = 0
    async for result in setsmart.properties.get_many(home_ids):
        if not isinstance(result.error, NotFoundError):
            room += result.unwrap().max_guests or 0
    return room


@pytest.mark.parametrize("faults", [[], [429], [503, "reset"], ["bad_json"]], ids=str)
def test_every_home_counts_whatever_happens_on_the_way(faults: list[int | str]) -> None:
    """The library tries again by itself; the fake's clock jumps where it would wait."""
    setsmart = FakeSetSmart(
        fake_property(id="villa", max_guests=6), fake_property(id="hut", max_guests=2), faults=faults
    )
    assert asyncio.run(beds(setsmart, "villa", "hut", "gone")) == 8
    assert setsmart.faults.unmet == ()
