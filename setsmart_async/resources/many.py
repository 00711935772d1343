"""Many calls at once, each with a result of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import Generic, TypeVar, cast

import attrs

from setsmart_async.errors import SetSmartError

I = TypeVar("I")  # noqa: E741 - the type of an input
T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Result(Generic[T]):
    """What became of one item among many: a value or an error."""

    id: str
    """Which record; empty for one that could not be created."""
    value: T | None = None
    error: SetSmartError | ValueError | None = None
    """A `ValueError` for an id that can be none, and for arguments that can not be meant."""
    index: int = 0
    """The item's place in what was passed, from 0."""

    def unwrap(self) -> T:
        """The value. Raises the error when there is one."""
        if self.error is not None:
            raise self.error
        return cast(T, self.value)  # a result without an error has the value, which is None for a delete


def results_of(
    items: Iterable[I],
    work: Callable[[I], Awaitable[T]],
    *,
    concurrency: int,
    id_of: Callable[[I], str] | None = None,
) -> AsyncGenerator[Result[T], None]:
    """Do the work for every item and yield a `Result` for each as they come; without `id_of`, the value's id."""

    async def one(numbered: tuple[int, I]) -> Result[T]:
        index, item = numbered
        name = "" if id_of is None else id_of(item)
        try:
            value = await work(item)
        except (SetSmartError, ValueError) as error:
            return Result(id=name, error=error, index=index)
        return Result(id=str(getattr(value, "id", "")) if id_of is None else name, value=value, index=index)

    return as_completed(enumerate(items), one, concurrency=concurrency)


async def as_completed(
    items: Iterable[I], work: Callable[[I], Awaitable[T]], *, concurrency: int
) -> AsyncGenerator[T, None]:
    """Do the work for every item, `concurrency` at once, and yield results as they come.

    Items are taken from the iterable only as fast as they are worked on. When the iteration is left, what is
    under way is cancelled and awaited. Raises `ValueError` for a `concurrency` below 1.
    """
    if concurrency < 1:
        raise ValueError("concurrency must be 1 or more.")

    async def one(item: I) -> T:
        return await work(item)

    rest = iter(items)
    running: set[asyncio.Task[T]] = set()
    try:
        while True:
            while len(running) < concurrency:
                try:
                    item = next(rest)
                except StopIteration:
                    break
                running.add(asyncio.create_task(one(item)))
            if not running:
                return
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                running.discard(task)
                yield task.result()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
