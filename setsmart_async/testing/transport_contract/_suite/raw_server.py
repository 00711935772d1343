"""A server that misbehaves on purpose: it speaks bytes, counts what comes, and plays a script for each connection."""

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Final, Self

import attrs

from setsmart_async import HttpRequest, HttpResponse, Origin

_PATIENCE = 20.0
"""Seconds that the server waits for anything: longer than any test, so that a hang is the client's."""


@attrs.frozen
class Received:
    """One request as it stood on the wire."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    connection: int
    """Which connection brought it; 1 is the first."""

    def header(self, name: str) -> list[str]:
        return [value for known, value in self.headers if known.lower() == name.lower()]


class Peer:
    """The server's end of one connection."""

    def __init__(self, server: "RawServer", sock: socket.socket, number: int) -> None:
        self._server = server
        self._sock = sock
        self._unread = b""
        self.number = number

    def request(self) -> Received | None:
        """Wait for the next request, body included; None when the client hangs up instead."""
        try:
            while b"\r\n\r\n" not in self._unread:
                if not self._more():
                    return None
            head, _, self._unread = self._unread.partition(b"\r\n\r\n")
            line, *fields = head.decode("latin-1").split("\r\n")
            method, target, _ = line.split(" ")
            headers = tuple((name, value.strip()) for name, _, value in (field.partition(":") for field in fields))
            length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
            while len(self._unread) < length:
                if not self._more():
                    return None
        except OSError:
            return None
        body, self._unread = self._unread[:length], self._unread[length:]
        received = Received(method, target, headers, body, self.number)
        self._server.requests.append(received)
        return received

    def requests(self) -> Iterator[Received]:
        """One request after the other, until the client hangs up."""
        while (received := self.request()) is not None:
            yield received

    def send(self, data: bytes) -> None:
        with contextlib.suppress(OSError):  # the client may hang up before the end of the bad news
            self._sock.sendall(data)

    def drip(self, data: bytes, every: float) -> None:
        """A byte at a time, `every` so many seconds, until the client hangs up."""
        for place in range(len(data)):
            self.send(data[place : place + 1])
            if self.wait_for_hang_up(every):
                return

    def wait_for_hang_up(self, timeout: float = _PATIENCE) -> bool:
        """Send nothing more; whether the client has hung up within so many seconds."""
        try:
            self._sock.settimeout(timeout)
            while self._more():
                pass
        except TimeoutError:
            self._sock.settimeout(_PATIENCE)
            return False
        except OSError:
            pass
        return True

    def read_nothing(self, seconds: float) -> None:
        """Leave what comes where it is for so many seconds."""
        self._server.stopping.wait(seconds)

    def reset(self) -> None:
        """Break the connection with a RST."""
        with contextlib.suppress(OSError):
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        self._sock.close()

    def _more(self) -> bool:
        data = self._sock.recv(65536)
        self._unread += data
        return bool(data)


Script = Callable[[Peer], None]
"""What the server does with a connection; when it returns, the connection is closed."""


class RawServer:
    """Serves on loopback, each connection in a thread of its own, until the `with` block ends."""

    def __init__(self, script: Script, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self._script = script
        self._tls = tls
        self._listener = socket.create_server((host, 0), backlog=512)
        self._threads: list[threading.Thread] = []
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.stopping = threading.Event()
        self.connections = 0
        self.requests: list[Received] = []
        self.host, self.port = host, self._listener.getsockname()[1]

    @property
    def origin(self) -> Origin:
        return Origin("http" if self._tls is None else "https", self.host, self.port, "/v1")

    @property
    def open_connections(self) -> int:
        """How many are open, as far as the server has noticed."""
        with self._lock:
            return len(self._sockets)

    def all_closed(self, within: float = 2.0) -> bool:
        """Whether the client has let go of every connection, or does within so many seconds."""
        until = time.monotonic() + within
        while self.open_connections and time.monotonic() < until:
            time.sleep(0.002)
        return not self.open_connections

    def hang_up(self) -> None:
        """Break every connection, whatever its script is at."""
        with self._lock:
            for sock in self._sockets:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        _SERVING.append(self)
        accepting = threading.Thread(target=self._accept, daemon=True)
        self._threads.append(accepting)
        accepting.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _SERVING.remove(self)
        self.stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
        for thread in self._threads:
            thread.join(_PATIENCE)

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what is sent apart arrives apart
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(sock, self.connections), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        if self._tls is not None:
            sock = self._tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        sock.settimeout(_PATIENCE)
        with self._lock:
            self._sockets.add(sock)
        try:
            if isinstance(sock, ssl.SSLSocket):
                sock.do_handshake()
            self._script(Peer(self, sock, number))
        except OSError:  # the handshake failed: what some tests want
            pass
        finally:
            with self._lock:
                self._sockets.discard(sock)
            sock.close()


_SERVING: Final[list[RawServer]] = []


def hang_up() -> None:
    """Break every connection of every server: what waits for them in a thread, where nothing cancels it, goes on."""
    for server in _SERVING:
        server.hang_up()


def written(answer: HttpResponse) -> bytes:
    """An answer as a well-behaved server writes it; its length is added."""
    fields = [*answer.headers.pairs(), ("content-length", str(len(answer.body)))]
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"HTTP/1.1 {answer.status} Any\r\n{head}\r\n".encode() + answer.body


def answering(handler: Callable[[HttpRequest], HttpResponse], *, after: float = 0.0) -> Script:
    """Answer every request, `after` so many seconds, as the handler says."""

    def script(peer: Peer) -> None:
        for received in peer.requests():
            request = HttpRequest(
                method=received.method,
                origin=Origin("http", "127.0.0.1", 1),
                target=received.target.removeprefix("/v1"),
                headers=dict(received.headers),
                body=received.body,
            )
            if after and peer.wait_for_hang_up(after):
                return
            peer.send(written(handler(request)))

    return script
