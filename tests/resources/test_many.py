"""Many calls at once: every result, bounded, and nothing left behind."""

import asyncio
import gc
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator
from contextlib import aclosing
from typing import Any, TypeVar

import attrs
import pytest

from setsmart_async import NotFoundError, Result, SetSmartError
from setsmart_async.resources.many import as_completed

T = TypeVar("T")


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The result, once it is sure that no task and no error was left behind."""

    async def watched() -> T:
        complaints: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
        result = await main()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        gc.collect()  # now asyncio complains of errors that nobody has looked at
        assert complaints == []
        return result

    return asyncio.run(watched())


@attrs.define
class Work:
    """Work that ends when it is told to, and counts itself."""

    gates: dict[int, asyncio.Event] = attrs.field(factory=dict[int, asyncio.Event])
    running: int = 0
    most: int = 0
    started: list[int] = attrs.field(factory=list[int])
    cancelled: list[int] = attrs.field(factory=list[int])

    async def __call__(self, item: int) -> int:
        self.started.append(item)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.gates.setdefault(item, asyncio.Event()).wait()
        except asyncio.CancelledError:
            self.cancelled.append(item)
            raise
        finally:
            self.running -= 1
        return item * 10

    def finish(self, item: int) -> None:
        self.gates.setdefault(item, asyncio.Event()).set()


def completed(
    items: Iterable[int], work: Callable[[int], Coroutine[Any, Any, T]], concurrency: int
) -> AsyncGenerator[T, None]:
    return as_completed(items, work, concurrency=concurrency)


async def turns(number: int = 10) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


@pytest.mark.parametrize("concurrency", [1, 2, 7, 100])
def test_every_result_comes_and_the_bound_is_kept(concurrency: int) -> None:
    async def main() -> None:
        work = Work()
        for item in range(20):
            work.finish(item)
        results = [result async for result in completed(range(20), work, concurrency)]
        assert sorted(results) == [item * 10 for item in range(20)]
        assert work.most <= concurrency
        assert sorted(work.started) == list(range(20))

    run(main)


def test_as_many_as_allowed_are_under_way_and_no_more() -> None:
    async def main() -> None:
        work = Work()
        async with aclosing(completed(range(10), work, 3)) as results:
            waiting = asyncio.ensure_future(anext(results))
            await turns()
            assert work.started == [0, 1, 2]
            work.finish(1)
            assert await waiting == 10
            waiting = asyncio.ensure_future(anext(results))
            await turns()
            assert work.started == [0, 1, 2, 3]
            work.finish(0)
            assert await waiting == 0

    run(main)


def test_results_come_as_they_are_ready() -> None:
    async def main() -> None:
        work = Work()
        order: list[int] = []
        async with aclosing(completed(range(3), work, 3)) as results:
            for item in (2, 0, 1):
                work.finish(item)
                order.append(await anext(results))
        assert order == [20, 0, 10]

    run(main)


def test_nothing_in_nothing_out() -> None:
    async def main() -> None:
        assert [result async for result in completed([], Work(), 5)] == []

    run(main)


@pytest.mark.parametrize("concurrency", [0, -1])
def test_a_bound_that_lets_nothing_through_is_refused(concurrency: int) -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match="concurrency"):
            async for _ in completed([1], Work(), concurrency):
                pass

    run(main)


def test_items_are_taken_only_as_they_are_worked_on() -> None:
    taken: list[int] = []

    def endless() -> Iterator[int]:
        while True:
            taken.append(len(taken))
            yield taken[-1]

    async def main() -> None:
        work = Work()
        work.finish(0)
        async with aclosing(completed(endless(), work, 2)) as results:
            assert await anext(results) == 0
        assert len(taken) <= 3

    run(main)


def test_when_the_iteration_is_left_what_is_under_way_is_cancelled_and_awaited() -> None:
    async def main() -> None:
        work = Work()
        work.finish(0)
        async with aclosing(completed(range(10), work, 4)) as results:
            async for result in results:
                assert result == 0
                break
        assert sorted(work.cancelled) == [1, 2, 3]
        assert work.running == 0

    run(main)


def test_a_cancelled_caller_leaves_nothing_under_way() -> None:
    async def main() -> None:
        work = Work()

        async def consume() -> None:
            async for _ in completed(range(10), work, 4):
                pass

        caller = asyncio.create_task(consume())
        await turns()
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        assert sorted(work.cancelled) == [0, 1, 2, 3]

    run(main)


def test_an_error_of_the_work_ends_it_and_the_others_are_cancelled() -> None:
    async def main() -> None:
        cancelled: list[int] = []

        async def work(item: int) -> int:
            if item < 2:
                raise RuntimeError(f"item {item}")
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append(item)
                raise
            return item

        with pytest.raises(RuntimeError, match="item"):
            async for _ in completed(range(4), work, 4):
                pass
        assert sorted(cancelled) == [2, 3]

    run(main)


def test_an_error_of_the_items_ends_it_and_the_others_are_cancelled() -> None:
    def broken() -> Iterator[int]:
        yield 0
        yield 1
        raise RuntimeError("no more")

    async def main() -> None:
        work = Work()
        with pytest.raises(RuntimeError, match="no more"):
            async for _ in completed(broken(), work, 5):
                pass

    run(main)


def test_a_result_unwraps_to_its_value_or_raises_its_error() -> None:
    assert Result(id="a", value=3).unwrap() == 3
    error = NotFoundError(404)
    with pytest.raises(NotFoundError) as caught:
        Result[int](id="a", error=error).unwrap()
    assert caught.value is error
    assert isinstance(error, SetSmartError)


@pytest.mark.parametrize("value", [0, "", [], False])
def test_an_empty_value_is_a_value(value: object) -> None:
    assert Result(id="a", value=value).unwrap() is value
