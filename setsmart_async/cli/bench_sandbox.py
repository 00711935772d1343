"""A sandbox for one run of `setsmart bench`: in a process of its own, so that it takes no time of the generator's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import attrs

from setsmart_async.cli.exit_codes import CommandError, ExitCode
from setsmart_async.sandbox.quota import QuotaRule

_CODE = "import sys; from setsmart_async.cli.bench_sandbox import serve; sys.exit(serve(sys.argv[1:]))"
_SECONDS_TO_END = 5.0


@attrs.frozen
class StartedSandbox:
    """Where it is."""

    base_url: str
    api_key: str


@contextmanager
def sandbox_process(rule: QuotaRule) -> Generator[StartedSandbox, None, None]:
    """Start one, and end it with the block. Raises `CommandError` when it does not start."""
    options = ["--limit", str(rule.limit), "--window", f"{rule.window:.6f}s", "--algorithm", rule.algorithm]
    command = [sys.executable, "-c", _CODE, "--port", "0", "--page-size", "20", *options]
    with subprocess.Popen(  # noqa: S603 - this Python, and arguments that were checked
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - both are pipes
        said = dict(word.partition("=")[::2] for word in process.stdout.readline().split()[1:])
        try:
            if "SETSMART_BASE_URL" not in said:
                raise CommandError("The sandbox did not start: `setsmart sandbox` says why.", ExitCode.SERVER_FAILED)
            yield StartedSandbox(said["SETSMART_BASE_URL"], said["SETSMART_API_KEY"])
        finally:
            process.stdin.close()  # which ends it
            try:
                process.wait(_SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                process.kill()


def serve(options: Sequence[str]) -> int:
    """In the process of its own: `setsmart sandbox`, until stdin ends, which it does when the parent dies, too."""
    from setsmart_async.cli.app import run

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C goes to both, and the run is to end first
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    return run(["sandbox", *options])


def _end_with_stdin() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)
