"""The guard bites: here, under asyncio, and in the Pythons that a test starts."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import loopback
import pytest
from loopback import OffLoopbackError

ELSEWHERE = "192.0.2.1"  # RFC 5737: documentation only, routed nowhere


@pytest.fixture
def refused() -> Iterator[list[str]]:
    """The attempts that this test makes on purpose, forgotten before the suite's own guard looks."""
    before = len(loopback.attempts)
    try:
        yield loopback.attempts
    finally:
        del loopback.attempts[before:]


@pytest.mark.usefixtures("refused")
@pytest.mark.parametrize("host", ["api.setsmart.com", "API.SETSMART.COM.", "example.com", "localhost.example.com"])
@pytest.mark.parametrize(
    "look_up", [lambda host: socket.getaddrinfo(host, 443), socket.gethostbyname, socket.gethostbyaddr]
)
def test_no_name_is_looked_up(look_up: Callable[[str], object], host: str) -> None:
    with pytest.raises(OffLoopbackError, match="tests stay on loopback"):
        look_up(host)


@pytest.mark.usefixtures("refused")
def test_no_socket_leaves() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
        with pytest.raises(OffLoopbackError):
            tcp.connect((ELSEWHERE, 443))
        with pytest.raises(OffLoopbackError):
            tcp.connect_ex((ELSEWHERE, 443))
        with pytest.raises(OffLoopbackError):
            tcp.connect(("api.setsmart.com", 443))
        with pytest.raises(OffLoopbackError):
            tcp.bind(("0.0.0.0", 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        with pytest.raises(OffLoopbackError):
            udp.sendto(b"x", (ELSEWHERE, 53))
        with pytest.raises(OffLoopbackError):
            udp.sendto(b"x", 0, ("api.setsmart.com", 53))
        with pytest.raises(OffLoopbackError):
            udp.sendmsg([b"x"], [], 0, (ELSEWHERE, 53))


@pytest.mark.usefixtures("refused")
@pytest.mark.parametrize("host", [ELSEWHERE, "api.setsmart.com"])
def test_asyncio_does_not_leave(host: str) -> None:
    async def leave() -> None:
        await asyncio.open_connection(host, 443)

    with pytest.raises(OffLoopbackError):
        asyncio.run(leave())


def test_an_attempt_is_remembered_though_the_error_is_swallowed(refused: list[str]) -> None:
    before = len(refused)
    with contextlib.suppress(Exception):
        socket.getaddrinfo("api.setsmart.com", 443)
    assert refused[before:] == ["socket.getaddrinfo of 'api.setsmart.com'"]


def test_loopback_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(("localhost", server.getsockname()[1])).close()
    if hasattr(socket, "AF_UNIX"):
        with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
            monkeypatch.chdir(tmp_path)  # the path of such a socket may be no longer than 107 bytes
            server.bind("s")
            server.listen()
            client.connect("s")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "::1%lo", "localhost", "LocalHost.", b"127.0.0.1"])
def test_these_are_loopback(host: str | bytes) -> None:
    assert loopback.is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "169.254.169.254", "127.0.0.1.nip.io", "", None])
def test_these_are_not(host: str | None) -> None:
    assert not loopback.is_loopback(host)


def test_a_name_that_never_exists_fails_as_a_lookup_does() -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("nowhere.invalid", 443)


def test_a_python_that_a_test_starts_is_guarded_too() -> None:
    code = "import socket; socket.getaddrinfo('api.setsmart.com', 443)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "OffLoopbackError" in done.stderr


def test_settings_from_outside_are_gone() -> None:
    assert not [name for name in os.environ if name.startswith("SETSMART_")]
