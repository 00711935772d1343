"""How much of the quota was used, window by window: counted by the sandbox, against the limit in its answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import attrs

from setsmart_async.wire import Json, JsonObject


@attrs.frozen(kw_only=True)
class QuotaWindow:
    """One window of the sandbox."""

    begin: float
    """Seconds from the begin of what was measured; negative for one that began before."""
    length: float
    """Seconds."""
    accepted: int
    """Requests that it let in, whoever sent them."""
    refused: int
    """Those that it answered with 429."""
    limit: int | None
    """The ``X-RateLimit-Limit`` of the time; None: no answer has said it."""
    whole: bool
    """Whether all of it was measured."""


@attrs.frozen
class QuotaUse:
    """The windows of a run."""

    windows: tuple[QuotaWindow, ...]
    others: int = 0
    """Requests of other clients during the run: the windows count them too."""

    @property
    def goodput(self) -> float | None:
        """Accepted requests against the quota of the whole windows, 1 for all of it; None: there was none of those."""
        whole = [window for window in self.windows if window.whole and window.limit]
        quota = sum(window.limit or 0 for window in whole)
        return sum(window.accepted for window in whole) / quota if quota else None


def windows_of(
    stats: JsonObject,
    live: JsonObject,
    *,
    looked_at: float,
    last_answer: float,
    measured: float,
    limits: Sequence[tuple[float, int]],
) -> tuple[QuotaWindow, ...]:
    """The sandbox's windows that overlap what was measured.

    All moments are seconds from the begin of what was measured: `looked_at`, when `live` was asked for, before
    `stats`; `last_answer`, after which nothing was sent; `limits`, from when on an answer said which limit. Where its
    windows lie on our clock follows from when its current one ends: its own clock may be anywhere.
    """
    rule = cast("JsonObject", live["rule"])
    length, ends_in = _number(rule["window"]), _number(live["window_ends_in"])
    shown = cast("list[JsonObject]", live["windows"])
    if not shown:
        return ()
    current = looked_at + ends_in - length
    latest = _number(shown[-1]["start"])
    # `used` is 0 when nothing was let in since the current window began: the latest one is that of the last answer.
    begin_of_latest = current
    while not live["used"] and begin_of_latest > last_answer:
        begin_of_latest -= length
    found: list[QuotaWindow] = []
    for window in cast("list[JsonObject]", stats["windows"]):
        begin = begin_of_latest + _number(window["start"]) - latest
        if begin + length <= 0 or begin >= measured:
            continue
        known = [limit for moment, limit in limits if moment < begin + length]
        found.append(
            QuotaWindow(
                begin=begin,
                length=length,
                accepted=int(_number(window["accepted"])),
                refused=int(_number(window["refused"])),
                limit=known[-1] if known else None,
                whole=begin >= 0 and begin + length <= measured,
            )
        )
    return tuple(found)


def _number(value: Json) -> float:
    assert isinstance(value, int | float)  # noqa: S101 - the sandbox's own figures
    return float(value)
