"""The suite as its users have it: what docs/transports.md shows, in a folder and a pytest of its own."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "transports.md"
BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL)
[TIMED] = [block for block in BLOCKS if "class Timed" in block]
[TWO_LINES] = [block for block in BLOCKS if "globals().update" in block]
[GAPS] = [block for block in BLOCKS if "GAPS = [" in block]

FORGETFUL = """
from setsmart_async import HttpResponse

class Forgetful(Timed):
    async def send(self, request, *, timeout):
        response = await super().send(request, timeout=timeout)
        return HttpResponse(status=response.status, headers=response.headers, body=response.body[:-1])

def timed(**settings):
    return Forgetful(AiohttpTransport(**settings))
"""


def outcome(folder: Path, tests: str, choice: str) -> tuple[int, str]:
    """What pytest says of this test file; no plugin but pytest's own is loaded."""
    (folder / "test_timed.py").write_text(tests, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", choice, "test_timed.py"]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


def test_a_transport_of_ones_own_is_held_to_the_contract(tmp_path: Path) -> None:
    code, said = outcome(tmp_path, TIMED + TWO_LINES, "r28 or r17 or r25")
    assert code == 0, said
    assert re.search(r"\d\d+ passed", said)


def test_what_it_does_not_keep_is_shown_with_its_values(tmp_path: Path) -> None:
    code, said = outcome(tmp_path, TIMED + FORGETFUL + TWO_LINES, "r25")
    assert code == 1, said
    assert "test_r25" in said
    assert re.search(r"^E +(AssertionError: )?assert b'.*' (==|in) ", said, re.MULTILINE), said


IMPATIENT = """
from setsmart_async.testing.transport_contract._suite import exchange
exchange._LONGEST = 2.0
"""
HANGING = """
import asyncio

class Hanging(Timed):
    async def send(self, request, *, timeout):
        if timeout < 1:
            await asyncio.sleep(3600)
        return await super().send(request, timeout=timeout)

def timed(**settings):
    return Hanging(AiohttpTransport(**settings))
"""
IN_A_THREAD = """
import asyncio, socket

class InAThread(Timed):
    async def send(self, request, *, timeout):
        if timeout < 1:
            with socket.create_connection((request.origin.host, request.origin.port)) as connection:
                await asyncio.wait_for(asyncio.to_thread(connection.recv, 1), timeout)
        return await super().send(request, timeout=timeout)

def timed(**settings):
    return InAThread(AiohttpTransport(**settings))
"""


@pytest.mark.parametrize(
    ("transport", "problem"), [(HANGING, "it hangs: no end"), (IN_A_THREAD, "TimeoutError came out")]
)
def test_one_that_does_not_end_fails_soon(tmp_path: Path, transport: str, problem: str) -> None:
    began = time.monotonic()
    code, said = outcome(tmp_path, TIMED + transport + IMPATIENT + TWO_LINES, "r09_a_stalled_answer and chunk")
    assert code == 1, said
    assert problem in said
    assert "2 failed" in said
    assert time.monotonic() - began < 18  # the server would have waited for 20 seconds, twice


UNBOUNDED = """
import asyncio, http.client

class Unbounded(Timed):
    async def send(self, request, *, timeout):
        return await asyncio.wait_for(asyncio.to_thread(self.read, request), timeout)

    def read(self, request):
        connection = http.client.HTTPConnection(request.origin.host, request.origin.port)
        connection.request(request.method, request.url, headers=dict(request.headers), body=request.body)
        answer = connection.getresponse()
        try:
            return HttpResponse(status=answer.status, body=answer.read())
        finally:
            connection.close()

def timed(**settings):
    return Unbounded(AiohttpTransport())
"""


def test_one_without_bounds_fails_and_takes_no_more_than_there_is(tmp_path: Path) -> None:
    code, said = outcome(tmp_path, TIMED + UNBOUNDED + TWO_LINES, "r18_r20 and endless and not tiny")
    assert code == 1, said
    assert "1 failed" in said
    assert "IncompleteRead came out, which is no TransportError" in said, said  # it has read the flood to its end


def test_a_gap_that_has_closed_is_a_failure(tmp_path: Path) -> None:
    with_gaps = TWO_LINES.replace("timed)))", "timed), gaps=GAPS))")
    code, said = outcome(tmp_path, TIMED + GAPS + with_gaps, "r29")
    assert code == 1, said
    assert "XPASS(strict)" in said


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ("", "needs a Candidate"),
        ('Candidate("timed", timed), Candidate("timed", timed)', "a name of its own"),
        ('Candidate("timed", timed), gaps=[Gap(("other",), "r29", (29,), "why")]', "none of the candidates"),
    ],
)
def test_what_can_not_be_meant_is_told(tmp_path: Path, arguments: str, problem: str) -> None:
    imports = "from setsmart_async.testing.transport_contract import Candidate, Gap, contract_tests\n"
    code, said = outcome(tmp_path, f"{TIMED}{imports}contract_tests({arguments})\n", "r28")
    assert code == 2, said
    assert problem in said
