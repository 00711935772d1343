"""Every call of a mix, against a sandbox in memory: each is one request, and each goes well."""

import asyncio
from random import Random

import pytest

from setsmart_async.errors import ConfigurationError
from setsmart_async.load.mix import OFFERED, Mix, MixEntry
from setsmart_async.load.operations import Operations
from setsmart_async.sandbox.api import SandboxApi
from setsmart_async.testing import FakeSetSmart, fake_property


class Stocked(FakeSetSmart):
    """With homes, stays and conversations."""

    def __init__(self) -> None:
        super().__init__(limit=1_000_000)
        full = SandboxApi(300, reservations=40, quota=self.sandbox.quota, clock=self.clock)
        self._engine._transport._handler = full.handle  # type: ignore[attr-defined]  # another server behind the fake
        self.sandbox = full


def test_every_operation_is_one_request_that_goes_well() -> None:
    async def main() -> None:
        fake = Stocked()
        mix = Mix.parse(",".join(f"{name}=1" for name in OFFERED))
        operations = Operations(fake, Random(5))
        await operations.gather(mix, 1_000)
        for name in OFFERED:
            for _ in range(10):
                before = fake.sandbox.statistics.by_operation[name]
                requests = fake.sandbox.statistics.requests
                await operations.perform(MixEntry(name, 1.0))
                assert fake.sandbox.statistics.by_operation[name] == before + 1, name
                assert fake.sandbox.statistics.requests == requests + 1, name
        assert set(fake.sandbox.statistics.by_status) <= {200, 201, 204}

    asyncio.run(main())


def test_what_others_call_with_is_never_deleted() -> None:
    async def main() -> None:
        fake = Stocked()
        mix = Mix.parse("properties.get=1,properties.delete=1,properties.create=1")
        operations = Operations(fake, Random(5))
        await operations.gather(mix, 200)
        for _ in range(95):
            await operations.perform(MixEntry("properties.delete", 1.0))
            await operations.perform(MixEntry("properties.get", 1.0))
        assert 404 not in fake.sandbox.statistics.by_status

    asyncio.run(main())


def test_two_runs_book_other_nights() -> None:
    async def main() -> None:
        fake = Stocked()
        for _ in range(2):
            operations = Operations(fake, Random(5))
            await operations.gather(Mix.parse("reservations.create=1"), 10)
            for _ in range(250):
                await operations.perform(MixEntry("reservations.create", 1.0))
        assert 409 not in fake.sandbox.statistics.by_status

    asyncio.run(main())


@pytest.mark.parametrize("operation", ["reservations.get", "messages.send", "reservations.cancel"])
def test_an_operation_that_the_sandbox_holds_nothing_for_is_named(operation: str) -> None:
    operations = Operations(FakeSetSmart(fake_property()), Random(1))
    with pytest.raises(ConfigurationError, match=f"holds nothing for {operation}"):
        asyncio.run(operations.gather(Mix.parse(f"properties.list=1,{operation}=1"), 10))
