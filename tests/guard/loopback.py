"""No test leaves this machine: name lookups and sockets off loopback fail at once.

An audit hook hears them below the `socket` module, whoever calls, and cannot be removed. One thing happens
before it is asked: a socket method that was given a name looks it up; so those methods are wrapped.
`sitecustomize.py` beside this file installs both in every Python that a test starts.
"""

import ipaddress
import socket
import sys
from collections.abc import Callable
from typing import Any

_LOOKUPS = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"}
_ADDRESSED = {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind"}
_METHODS = ("connect", "connect_ex", "sendto", "sendmsg", "bind")
_installed = False

attempts: list[str] = []
"""What this process was refused; a test that swallowed the error is failed by it all the same."""


class OffLoopbackError(AssertionError):
    """Not an OSError, so that no code under test takes it for a network that is down."""


def install() -> None:
    """Guard this process from now on."""
    global _installed  # noqa: PLW0603  once for a process, as the hook itself
    if not _installed:
        for name in _METHODS:
            setattr(socket.socket, name, _checked(getattr(socket.socket, name), name))
        sys.addaudithook(_hear)
        _installed = True


def is_loopback(host: object) -> bool:
    """Whether this name or address stays on this machine without asking anybody."""
    if isinstance(host, bytes | bytearray):
        host = host.decode("ascii", "replace")
    if not isinstance(host, str):
        return False
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _checked(method: Callable[..., Any], name: str) -> Callable[..., Any]:
    def checked(sock: socket.socket, *args: Any) -> Any:  # noqa: ANN401  whatever the method takes
        address = args[-1] if args and isinstance(args[-1], tuple) else None  # in each of them it comes last
        _address(f"socket.{name}", sock, address)
        return method(sock, *args)

    return checked


def _hear(event: str, args: tuple[Any, ...]) -> None:
    if event in _LOOKUPS:
        _lookup(event, args[0][0] if event == "socket.getnameinfo" else args[0])
    elif event in _ADDRESSED:
        _address(event, *args[:2])


def _lookup(event: str, host: object) -> None:
    if not host or is_loopback(host):  # no host: this machine's own addresses
        return
    if isinstance(host, bytes):  # as httpx's backend asks
        host = host.decode("ascii", "replace")
    if isinstance(host, str) and host.lower().rstrip(".").endswith(".invalid"):
        # The name that never exists (RFC 6761): answered as a resolver would, without asking one.
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    _refuse(event, host)


def _address(event: str, sock: socket.socket, address: object) -> None:
    if not isinstance(address, tuple):  # a path (AF_UNIX), or none: the socket is connected already
        return
    if sock.family not in {socket.AF_INET, socket.AF_INET6} or not is_loopback(address[0]):
        _refuse(event, address[0])


def _refuse(event: str, target: object) -> None:
    attempt = f"{event} of {target!r}"
    attempts.append(attempt)
    raise OffLoopbackError(
        f"{attempt}: tests stay on loopback. Use the memory transport, a sandbox on 127.0.0.1, "
        f"or a name under .invalid where a lookup should fail."
    )
