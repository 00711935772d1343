"""`setsmart …`: the library at the command line."""

from __future__ import annotations

import signal
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from types import FrameType

_LIBRARIES = {"cyclopts": "cli", "rich": "cli", "sqlalchemy": "sync"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit code, see `cli.exit_codes`. `arguments` are the process's own when left out.

    Whatever goes wrong in a way that is known is one line on stderr. An unexpected fault is a bug, and shows its
    traceback.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        with _terminated_as_interrupted():
            from setsmart_async.cli.app import run

            return run(arguments)
    except ModuleNotFoundError as missing:
        extra = _LIBRARIES.get((missing.name or "").partition(".")[0])
        if extra is None:
            raise
        print(f"setsmart needs the extra {extra!r}: pip install 'setsmart_async[{extra}]'", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        more = " What was done is kept; run the same command to go on." if "sync" in arguments else ""
        print(f"setsmart: interrupted.{more}", file=sys.stderr)
        return 130


@contextmanager
def _terminated_as_interrupted() -> Generator[None, None, None]:
    """Let SIGTERM end a command as Ctrl-C does: with everything closed, and the terminal as it was."""

    def end(_: int, frame: FrameType | None) -> None:
        interrupt = signal.getsignal(signal.SIGINT)
        if callable(interrupt):
            interrupt(signal.SIGINT, frame)  # asyncio's own, while it runs: cancels the command
        else:
            raise KeyboardInterrupt  # SIGINT is ignored, as behind a script's `setsmart ... &`

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
