"""A client for one command: made of its settings, and able to say what is known when the command is broken off."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Final, TypeVar

import attrs
from cyclopts import Parameter

from setsmart_async.cli.exit_codes import CommandError, ExitCode
from setsmart_async.cli.settings import current
from setsmart_async.client import SetSmart
from setsmart_async.errors import ConfigurationError, Outcome, SetSmartError, TransportError
from setsmart_async.observer import AttemptEnded, AttemptStarted, Event

T = TypeVar("T")

BaseUrlOption = Annotated[
    str | None,
    Parameter(name="--base-url", help="This server instead of production or SETSMART_BASE_URL.", show_default=False),
]
Work = Callable[[SetSmart], Awaitable[T]]
"""What a command does with its client."""

_REPEATED_WITHOUT_HARM: Final = ("PUT ", "DELETE ")


def new_client(base_url: str | None, *, observer: Callable[[Event], None] | None = None) -> SetSmart:
    """A client with the command's settings. Raises `ConfigurationError`."""
    return SetSmart(base_url=base_url, dialect=current().dialect, observer=observer)


def run_with_client(work: Work[T], base_url: str | None) -> T:
    """Do the work with a client of its own, in an event loop of its own; what it gives.

    Raises `CommandError` when interrupted, with what is known of the writes by then; `ConfigurationError` for
    arguments that the library refuses; and the errors of a call, those of a connection with the server's address.
    """
    activity = Activity()
    try:
        return asyncio.run(_worked(work, base_url, activity))
    except KeyboardInterrupt:
        raise CommandError(activity.when_interrupted(), ExitCode.INTERRUPTED) from None


async def _worked(work: Work[T], base_url: str | None, activity: Activity) -> T:
    async with new_client(base_url, observer=activity) as client:
        try:
            return await work(client)
        except TransportError as error:
            error.args = (f"{client.origin}: {error.args[0]}", *error.args[1:])
            raise
        except ValueError as problem:
            if isinstance(problem, SetSmartError):
                raise
            raise ConfigurationError(str(problem)) from None


@attrs.define
class Activity:
    """What the client's writes have come to, as far as can be known. An observer."""

    under_way: str | None = None
    """The write that the server may have got and has not answered."""
    in_doubt: str | None = None
    """A write whose last attempt ended without the server's word on it."""
    written: int = 0
    """Writes that the server has confirmed."""

    def __call__(self, event: Event) -> None:
        """See `Observer`."""
        match event:
            case AttemptStarted(operation=operation) if not operation.startswith("GET "):
                self.under_way = operation
            case AttemptEnded(operation=operation, status=status, outcome=outcome) if not operation.startswith("GET "):
                self.under_way = None
                confirmed = status is not None and status < 300
                unknown = outcome is Outcome.UNKNOWN or (status is not None and status >= 500)
                self.written += confirmed
                self.in_doubt = operation if unknown else None
            case _:
                pass

    def when_interrupted(self) -> str:
        """A sentence for the user."""
        doubtful = self.under_way or self.in_doubt
        if doubtful is None:
            done = f"{self.written} request(s) were done." if self.written else "Nothing was changed."
            return f"interrupted. {done}"
        done = f" {self.written} request(s) before it were done." if self.written else ""
        if doubtful.startswith(_REPEATED_WITHOUT_HARM):
            return (
                f"interrupted while {doubtful} was under way: it may have been done.{done} "
                "To be sure run the same command again, which does no harm."
            )
        return (
            f"interrupted while {doubtful} was under way: it may have been done.{done} "
            "Look before you repeat it, or it may happen twice."
        )
