"""Requests under way: each ends in time, and all of them when their transport closes.

A request is ended by cancelling its task, for that reaches whatever it waits for. So one timer serves all of a
transport's requests, and closing leaves none behind. What comes back out is an error of ours, never the
cancellation, unless somebody else cancelled the task too.
"""

from __future__ import annotations

import asyncio
import os
from math import inf

import attrs

from setsmart_async.errors import (
    AttemptTimeoutError,
    BodyTruncatedError,
    ClientClosedError,
    ConnectionLostError,
    ForkedClientError,
    Outcome,
    Phase,
    TransportError,
    WrongEventLoopError,
)
from setsmart_async.transports.body import outcome_of_lost_body
from setsmart_async.transports.connections import Loan


@attrs.define(eq=False)
class Sending:
    """One request under way: how far it has come, and what has ended it."""

    task: asyncio.Task[object]
    due: float
    """The loop's time at which it ends."""
    timeout: float | None
    earlier_cancellations: int
    """How often its task had been cancelled before it began."""
    has_left: bool = False
    """Whether the server can have seen a byte of it."""
    connection: Loan | None = None
    """What carries it, where that can be told."""
    is_reused: bool = True
    """Whether its connection may have carried requests before."""
    status: int | None = None
    """The answer's, when its header has come."""
    is_read: bool = False
    """Whether the answer's last byte has come."""
    ended_by: TransportError | ClientClosedError | None = None

    @property
    def outcome(self) -> Outcome:
        """What the request did on the server, if it failed now."""
        if self.status is not None:
            return outcome_of_lost_body(self.status)
        return Outcome.UNKNOWN if self.has_left else Outcome.NOT_SENT

    def end(self, error: TransportError | ClientClosedError) -> None:
        """End it now, wherever it waits, with this error."""
        if self.ended_by is None:
            self.ended_by = error
            self.task.cancel()

    def carried_by(self, connection: Loan) -> None:
        """It leaves now, on this connection."""
        self.connection, self.has_left, self.is_reused = connection, True, connection.is_reused

    def error(self) -> TransportError | ClientClosedError | None:
        """The error that it was ended with; None when it was not, or when its caller cancels it as well."""
        if self.ended_by is None:
            return None
        error, self.ended_by = self.ended_by, None
        return None if self.task.uncancel() > self.earlier_cancellations else error

    def lost(self) -> TransportError:
        """The error for a connection that broke by now."""
        if self.status is not None:
            return BodyTruncatedError("The answer's body ends early or is malformed.", outcome=self.outcome)
        return ConnectionLostError(
            "The connection broke before an answer came.",
            outcome=self.outcome,
            reused=self.is_reused,
        )

    def late(self) -> TransportError:
        """The error for taking too long."""
        what = "complete answer" if self.has_left else "connection"
        phase: Phase = "read" if self.status is not None else "send" if self.has_left else "connect"
        return AttemptTimeoutError(f"No {what} within {self.timeout:g} s.", outcome=self.outcome, phase=phase)


class UnderWay:
    """The requests that one transport has under way, all in one event loop."""

    def __init__(self) -> None:
        self._sendings: dict[asyncio.Task[object] | None, Sending] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = 0
        self._closed = False
        self._emptied = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = inf

    def begin(self, timeout: float | None) -> Sending:
        """A request of the current task, to end `timeout` seconds from now; `finish` must follow.

        Raises `ClientClosedError`, `WrongEventLoopError` and `ForkedClientError`.
        """
        if self._closed:
            raise ClientClosedError
        loop = self._bound_loop()
        task = asyncio.current_task(loop)
        assert task is not None  # noqa: S101 - coroutines of asyncio run in tasks
        due = inf if timeout is None else loop.time() + timeout
        sending = self._sendings[task] = Sending(task, due, timeout, task.cancelling())
        if due < self._timer_due:
            self._ring_at(loop, due)
        return sending

    def finish(self, sending: Sending) -> None:
        """The request has its answer or its error."""
        del self._sendings[sending.task]
        if sending.ended_by is not None:
            sending.error()  # ended, and done all the same: the cancellation is taken back
        if self._closed and not self._sendings:
            self._emptied.set()

    def current(self) -> Sending:
        """The current task's request."""
        return self._sendings[asyncio.current_task(self._loop)]

    def connection_lost(self, connection: Loan) -> None:
        """End the request that still waits for an answer on this connection, which is gone."""
        for sending in self._sendings.values():
            if sending.connection is connection and not sending.is_read:
                sending.end(sending.lost())

    async def close(self) -> None:
        """Let nothing begin any more, and end what is under way.

        Raises `WrongEventLoopError` and `ForkedClientError`.
        """
        if self._loop is not None and self._loop.is_closed():
            self._sendings.clear()  # their tasks ended with their loop
        elif self._loop is not None:
            self._bound_loop()
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for sending in self._sendings.values():
            sending.end(ClientClosedError(outcome=sending.outcome))
        if self._sendings:
            await self._emptied.wait()  # each of them needs a turn or two of the loop to let go of what it holds

    def _bound_loop(self) -> asyncio.AbstractEventLoop:
        """The running loop, which is the only one from the first request on."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # asyncio knows of forks: in a child this one does not run
            if self._loop is not None:
                raise ForkedClientError if os.getpid() != self._process else WrongEventLoopError
            self._loop, self._process = loop, os.getpid()
        return loop

    def _ring_at(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_due = loop.call_at(due, self._ring, loop), due

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        """End what is due. The timer is set for the next one only now: most requests are done long before."""
        self._timer, self._timer_due = None, inf
        now = loop.time()
        for sending in self._sendings.values():
            if sending.due <= now:
                sending.end(sending.late())
        due = min((sending.due for sending in self._sendings.values() if sending.ended_by is None), default=inf)
        if due < inf:
            self._ring_at(loop, due)
