"""The example service as a process of its own, on a socket that listens before it starts: no port is guessed."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
from aiohttp import ClientSession, TCPConnector

from setsmart_async.sandbox.api import SANDBOX_API_KEY

EXAMPLES = Path(__file__).parents[2] / "examples"
SECRET = "whsec_c2VydmljZS1zZXJ2aWNlLXNlcnZpY2UtMzItYnl0ZXM="
BAD_SIGNS = ("Traceback", "Warning", "never retrieved", "was never awaited", "Unclosed", "was destroyed", "leaked")


@attrs.define
class RunningService:
    """`uvicorn service.app:app`, and a visitor's browser."""

    url: str
    port: int
    process: asyncio.subprocess.Process
    visitor: ClientSession

    async def get(self, path: str) -> tuple[int, object]:
        async with self.visitor.get(self.url + path) as response:
            return response.status, await response.json(content_type=None)

    async def post(self, path: str, body: object) -> tuple[int, object]:
        async with self.visitor.post(self.url + path, json=body) as response:
            return response.status, await response.json(content_type=None)

    async def quota(self) -> dict[str, int]:
        """What /ready says, in numbers."""
        async with self.visitor.get(self.url + "/ready") as response:
            told = json.loads(await response.read())
        return {"status": response.status, **told}

    async def a_request_left_open(self, path: str) -> asyncio.StreamWriter:
        """Asks, and waits for no answer."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
        await writer.drain()
        return writer

    async def stop(self) -> tuple[int, str]:
        """SIGTERM; the exit code and all that it has written."""
        self.process.send_signal(signal.SIGTERM)
        _, written = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, written.decode()


def listening() -> socket.socket:
    """A socket for a service; connections to it wait until that is up."""
    return socket.create_server(("127.0.0.1", 0), backlog=1024)


@asynccontextmanager
async def running_service(
    sandbox_url: str, folder: Path, accepting: socket.socket, *, grace: int = 20, sync_every: float = 900
) -> AsyncIterator[RunningService]:
    """A process, with warnings shown; killed at the end if it still runs."""
    port = int(accepting.getsockname()[1])
    environment = {
        **os.environ,
        "SETSMART_BASE_URL": sandbox_url,
        "SETSMART_API_KEY": SANDBOX_API_KEY,
        "SETSMART_WEBHOOK_SECRET": SECRET,
        "SERVICE_DATABASE": f"sqlite:///{folder}/homes.db",
        "SERVICE_REPLAY_DATABASE": f"sqlite:///{folder}/replay.db",
        "SERVICE_SYNC_EVERY": str(sync_every),
    }
    fd = accepting.fileno()
    command = [sys.executable, "-W", "always", "-m", "uvicorn", "--app-dir", str(EXAMPLES), "service.app:app"]
    command += ["--fd", str(fd), "--no-access-log", "--timeout-graceful-shutdown", str(grace)]
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, pass_fds=[fd], stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    accepting.close()
    try:
        async with ClientSession(connector=TCPConnector(limit=0)) as visitor:
            yield RunningService(f"http://127.0.0.1:{port}", port, process, visitor)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
