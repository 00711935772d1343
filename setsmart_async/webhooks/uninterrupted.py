"""Work that is finished though its caller is cancelled: a claim that was taken has to be given back."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def uninterrupted(work: Coroutine[Any, Any, T]) -> tuple[T, bool]:
    """The work's value, and whether the caller was cancelled meanwhile: then it raises `CancelledError` itself."""
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
    if cancelled and (task.cancelled() or task.exception() is not None):
        raise asyncio.CancelledError  # which the work's own failure must not replace
    return task.result(), cancelled


async def finished(work: Coroutine[Any, Any, T]) -> T:
    """The work's value; raises `CancelledError` after it when the caller was cancelled meanwhile."""
    value, cancelled = await uninterrupted(work)
    if cancelled:
        raise asyncio.CancelledError
    return value
