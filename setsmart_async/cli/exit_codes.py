"""How a command ends."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from setsmart_async.errors import (
    ApiError,
    AuthenticationError,
    CallError,
    ConfigurationError,
    DeadlineExceededError,
    InvalidResponseError,
    NotFoundError,
    Outcome,
    PermissionDeniedError,
    SetSmartError,
    StoreError,
    SyncIncompleteError,
    TransportError,
)


class ExitCode(IntEnum):
    """The exit code of every `setsmart` command."""

    DONE = 0
    """Everything that was asked for is done."""
    NOT_GENUINE = 1
    """`setsmart webhooks verify`: the delivery is forged, changed, or too old."""
    USAGE = 2
    """An option or a setting is missing or wrong, or the database is another account's: nothing was done."""
    KEY_REFUSED = 3
    """The API key is not accepted, or may not do this (401, 403)."""
    NO_CONNECTION = 4
    """The server can not be reached, or the connection to it failed."""
    SERVER_FAILED = 5
    """The server answered with an error, or with something unusable."""
    DATABASE_FAILED = 6
    """The local database can not be written to."""
    INCOMPLETE = 7
    """Not everything was seen. Nothing is lost: run it again."""
    NOT_FOUND = 8
    """There is no such record (404, 410)."""
    IN_DOUBT = 9
    """A create, a message or the like may have been done, and no answer says so: look before you repeat it."""
    THRESHOLD_MISSED = 10
    """`setsmart bench`: a threshold does not hold, or can not be judged."""
    INTERRUPTED = 130
    """Ctrl-C or SIGTERM. What is known of the work by then is said."""
    PIPE_CLOSED = 141
    """Whoever read the output has gone, as `head` does. 128 and the number of SIGPIPE, as shells have it."""


MEANINGS: Final = {
    ExitCode.DONE: "done",
    ExitCode.NOT_GENUINE: "webhook delivery not genuine",
    ExitCode.USAGE: "wrong usage or configuration",
    ExitCode.KEY_REFUSED: "API key refused",
    ExitCode.NO_CONNECTION: "server not reached",
    ExitCode.SERVER_FAILED: "server failed or unusable answer",
    ExitCode.DATABASE_FAILED: "local database failed",
    ExitCode.INCOMPLETE: "incomplete, nothing lost, run again",
    ExitCode.NOT_FOUND: "no such record",
    ExitCode.IN_DOUBT: "may have been done, look first",
    ExitCode.THRESHOLD_MISSED: "threshold of a bench missed",
    ExitCode.INTERRUPTED: "interrupted",
    ExitCode.PIPE_CLOSED: "output not read to its end",
}
"""Each code in a few words, for ``--help``."""


class CommandError(Exception):
    """A command ends here, with one line for the user."""

    def __init__(self, text: str, code: ExitCode) -> None:
        super().__init__(text)
        self.code = code


def code_for(error: SetSmartError) -> ExitCode:
    """The exit code that an error of the library ends a command with."""
    match error:
        case ConfigurationError():
            return ExitCode.USAGE
        case StoreError():
            return ExitCode.DATABASE_FAILED
        case AuthenticationError() | PermissionDeniedError():
            return ExitCode.KEY_REFUSED
        case CallError() if _is_in_doubt(error):
            return ExitCode.IN_DOUBT
        case NotFoundError():
            return ExitCode.NOT_FOUND
        case TransportError() | DeadlineExceededError():
            return ExitCode.NO_CONNECTION
        case ApiError() | InvalidResponseError():
            return ExitCode.SERVER_FAILED
        case SyncIncompleteError(__cause__=InvalidResponseError()):
            return ExitCode.SERVER_FAILED  # running it again meets the same answer
        case SyncIncompleteError():
            return ExitCode.INCOMPLETE
        case _:
            return ExitCode.SERVER_FAILED


def _is_in_doubt(error: CallError) -> bool:
    """Whether a write that happens again when it is repeated may have been done."""
    is_once_only = error.operation is not None and not error.operation.startswith(("GET ", "PUT ", "DELETE "))
    return is_once_only and error.outcome in (Outcome.UNKNOWN, Outcome.APPLIED)
