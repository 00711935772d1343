"""The README's programs run as written, against a sandbox of their own."""

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi
from setsmart_async.sandbox.seed import seed_properties
from setsmart_async.sandbox.server import SandboxServer

README = Path(__file__).parent.parent / "README.md"
PROGRAMS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


async def run(program: str) -> tuple[int | None, str, str]:
    async with SandboxServer(SandboxApi(seed_properties(50))) as server:
        environment = {**os.environ, "SETSMART_BASE_URL": server.url, "SETSMART_API_KEY": SANDBOX_API_KEY}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "error", "-c", program,
            env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


def test_the_first_program_does_what_it_says() -> None:
    code, out, err = asyncio.run(run(PROGRAMS[0]))
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("prop_")
    assert any("Beachfront Villa" in line and "max_guests=8" in line for line in lines)
    assert any(line.startswith("prop_unknown SetSmart answered 404") for line in lines)
    assert "limit=100" in lines[-1]


@pytest.mark.parametrize("program", PROGRAMS[1:])
def test_every_other_program_runs(program: str) -> None:
    code, _, err = asyncio.run(run(program))
    assert (code, err) == (0, "")
