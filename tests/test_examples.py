"""The programs in examples/: short, with a first paragraph that says how to run them, and run here as it says."""

import ast
import asyncio
import csv
import io
import os
import socket
import sys
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from pathlib import Path

import pytest

from setsmart_async import AiohttpTransport, Dialect
from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi
from setsmart_async.sandbox.sender import WebhookSender
from setsmart_async.sandbox.server import SandboxServer
from setsmart_async.wire import JsonObject

EXAMPLES = Path(__file__).parents[1] / "examples"
PROGRAMS = sorted(EXAMPLES.glob("*.py"))
MOST_LINES = 40
SECRET = "whsec_ZXhhbXBsZS1leGFtcGxlLWV4YW1wbGUtMzItYnl0ZXM="


async def run(name: str, url: str, *arguments: str, folder: Path, given: str = "") -> tuple[int, list[str], str]:
    """The program in a process of its own: its exit code, lines and complaints."""
    process = await started(name, url, *arguments, folder=folder)
    out, err = await process.communicate(given.encode())
    assert process.returncode is not None
    return process.returncode, out.decode().splitlines(), err.decode()


async def started(name: str, url: str, *arguments: str, folder: Path) -> asyncio.subprocess.Process:
    own = {"SETSMART_BASE_URL": url, "SETSMART_API_KEY": SANDBOX_API_KEY, "SETSMART_WEBHOOK_SECRET": SECRET}
    pipe = asyncio.subprocess.PIPE
    command = ["-W", "error", str(EXAMPLES / name), *arguments]
    return await asyncio.create_subprocess_exec(
        sys.executable, *command, env={**os.environ, **own}, cwd=folder, stdin=pipe, stdout=pipe, stderr=pipe
    )


async def first_call(folder: Path) -> None:
    async with SandboxServer(SandboxApi(3)) as server:
        code, lines, err = await run("first_call.py", server.url, folder=folder)
    assert (code, err) == (0, "")
    assert " sleeps " in lines[0]
    assert lines[1] == "99 of 100 requests left"


async def homes_to_csv(folder: Path) -> None:
    api = SandboxApi(250)
    active = [record["id"] for record in api.properties if record["status"] == "active"]
    assert 200 < len(active) < 250
    async with SandboxServer(api) as server:
        code, lines, err = await run("homes_to_csv.py", server.url, "100000", folder=folder)
        assert (code, err) == (0, "")
        rows = list(csv.DictReader(lines))
        assert [row["id"] for row in rows] == active
        code, lines, err = await run("homes_to_csv.py", server.url, "0", folder=folder)
        assert (code, len(lines), err) == (0, 1, "")  # nothing has changed in the future


async def bulk_create(folder: Path) -> None:
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(["name", "address", "bedrooms", "bathrooms", "max_guests"])
    writer.writerows([[f"Hut {number}", "1 Shore Road", 2, 1.5, 4] for number in range(20)])
    writer.writerow(["", "", -1, 1, 1])
    api = SandboxApi(dialect=Dialect(idempotency_header="Idempotency-Key"))
    async with SandboxServer(api) as server:
        for _ in range(2):
            code, lines, err = await run("bulk_create.py", server.url, folder=folder, given=table.getvalue())
            assert (code, err) == (1, "")
            assert {line.partition(":")[0] for line in lines} == {f"line {number}" for number in range(2, 23)}
            assert [line[:32] for line in lines if "prop_" not in line] == ["line 22: SetSmart answered 400 ("]
    assert len(api.properties) == 20
    assert api.statistics.replayed == 20


async def a_test_of_ones_own(folder: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder)],
        *["-c", os.devnull, "-W", "error", str(EXAMPLES / "test_free_beds.py")],
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}, cwd=folder,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    assert "4 passed" in out.decode()


async def webhook_receiver(folder: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    subscription: JsonObject = {
        "id": "wh",
        "url": f"http://127.0.0.1:{port}/webhooks",
        "events": ["*"],
        "secret": SECRET,
    }
    api = SandboxApi(3, webhooks=[subscription])
    changed = next(iter(api.properties))
    async with (
        SandboxServer(api) as server,
        aclosing(AiohttpTransport()) as transport,
        WebhookSender(api, transport, retry_delays=[0.05] * 400) as sender,  # until it listens
    ):
        process = await started("webhook_receiver.py", server.url, str(port), folder=folder)
        assert api.tell is not None
        api.tell("property.updated", {"id": changed["id"]})
        await sender.drain()
        process.terminate()
        out, err = await process.communicate()
    assert f"property.updated Property(id='{changed['id']}'" in out.decode()
    assert (process.returncode, err.decode()) == (0, "")
    assert (folder / "webhooks.db").is_file()


RUN_HERE: dict[str, Callable[[Path], Coroutine[None, None, None]]] = {
    "bulk_create.py": bulk_create,
    "first_call.py": first_call,
    "homes_to_csv.py": homes_to_csv,
    "test_free_beds.py": a_test_of_ones_own,
    "webhook_receiver.py": webhook_receiver,
}
RUN_ELSEWHERE = {
    "many_accounts_on_dask.py": "tests/sync/test_on_dask.py",
    "warehouse_dlt.py": "tests/integrations/test_dlt.py",
}


@pytest.mark.parametrize("name", RUN_HERE)
def test_it_does_what_it_says(name: str, tmp_path: Path) -> None:
    asyncio.run(RUN_HERE[name](tmp_path))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
def test_it_is_short_and_says_how_to_run_it(program: Path) -> None:
    text = program.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    assert f"examples/{program.name}" in (ast.get_docstring(ast.parse(text)) or "")


def test_every_example_is_run_by_a_test() -> None:
    unknown = [program.name for program in PROGRAMS if program.name not in RUN_HERE | RUN_ELSEWHERE]
    assert not unknown, f"no test runs {', '.join(unknown)}: write one here for RUN_HERE, or name it in RUN_ELSEWHERE"
    for name, test in RUN_ELSEWHERE.items():
        if (EXAMPLES / name).exists():
            assert (EXAMPLES.parent / test).is_file(), f"{name} is said to be run by {test}, which is not there"
    missing = [name for name in RUN_HERE if not (EXAMPLES / name).is_file()]
    assert not missing
