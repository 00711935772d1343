"""`setsmart …` as a user runs it: in this process, and in one of its own."""

import asyncio
import json
import os
import sqlite3
import ssl
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import attrs

from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi
from setsmart_async.sandbox.server import SandboxServer


def setsmart(sigint: str = "signal.default_int_handler") -> tuple[str, ...]:
    """The command as a terminal starts it, or with SIGINT ignored, as shells do to `setsmart ... &`."""
    code = "import signal, sys; from setsmart_async.cli import main"
    return (sys.executable, "-c", f"{code}; signal.signal(signal.SIGINT, {sigint}); sys.exit(main())")


SETSMART = setsmart()
IN_THE_BACKGROUND = setsmart("signal.SIG_IGN")


@contextmanager
def served(api: SandboxApi, *, ssl_context: ssl.SSLContext | None = None) -> Iterator[str]:
    """A base URL where the API is served, from a thread: the command has an event loop of its own."""
    url: list[str] = []
    started = threading.Event()
    loop = asyncio.new_event_loop()
    ended = asyncio.Event()

    async def serve() -> None:
        async with SandboxServer(api, ssl_context=ssl_context) as server:
            url.append(server.url)
            started.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert started.wait(10)
        yield url[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


@attrs.frozen
class RunningSandbox:
    """`setsmart sandbox` in a process of its own."""

    process: "subprocess.Popen[str]"
    exports: str
    """What it printed for others to use it."""

    @property
    def environment(self) -> dict[str, str]:
        words = self.exports.removeprefix("export ").split()
        return dict(word.split("=", 1) for word in words)

    def stats(self) -> dict[str, Any]:
        address = self.environment["SETSMART_BASE_URL"].removesuffix("/v1") + "/_sandbox/stats"
        with urllib.request.urlopen(address) as answered:
            found: dict[str, Any] = json.load(answered)
            return found


@contextmanager
def sandbox(*arguments: str, command: Sequence[str] = SETSMART) -> Iterator[RunningSandbox]:
    """Start one on a free port, and end it with the block."""
    command = [*command, "sandbox", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield RunningSandbox(process, process.stdout.readline().strip())
        finally:
            process.kill()


def start(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    directory: Path,
    *,
    command: Sequence[str] = SETSMART,
) -> "subprocess.Popen[str]":
    """`setsmart …` in a process of its own."""
    return subprocess.Popen(
        [*command, *arguments],
        env={**os.environ, **environment},
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def rows(path: Path) -> int:
    """How many are committed; 0 while there is no table yet."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            count: int = connection.execute("SELECT count(*) FROM properties").fetchone()[0]
            return count
    except sqlite3.OperationalError:
        return 0


def key_in_environment() -> dict[str, str]:
    return {"SETSMART_API_KEY": SANDBOX_API_KEY}
