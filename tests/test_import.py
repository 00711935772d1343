"""Importing the package is cheap: it loads no HTTP library, no database, no terminal."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import setsmart_async

HOME = str(Path(str(setsmart_async.__file__)).parents[1])

HEAVY = {
    "aiohttp",
    "cyclopts",
    "email",
    "http",
    "httpx",
    "httpx2",
    "multiprocessing",
    "opentelemetry",
    "pytest",
    "redis",
    "rich",
    "sqlalchemy",
    "yarl",
}

# The event loop and the libraries below the records: what is left is our own modules and classes.
FLOOR = "import asyncio, attrs, backoff, cattrs, cattrs.preconf.msgspec"
OURS = "import setsmart_async"
MOST = 1.5
ROUNDS = 15


def run_isolated(code: str) -> str:
    """What this code prints in a Python of its own, with no module loaded beforehand that it does not ask for."""
    code = f"import sys; sys.path.insert(0, {HOME!r})\n{code}"
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    command = [sys.executable, "-I", "-c", code]
    return subprocess.run(command, env=unmeasured, capture_output=True, text=True, check=True).stdout


def loaded_by(code: str) -> set[str]:
    """The top-level modules that this code loads."""
    names = json.loads(run_isolated(f"{code}\nimport json\nprint(json.dumps(list(sys.modules)))"))
    return {name.partition(".")[0] for name in names}


def seconds_for(code: str) -> float:
    """How long this code keeps the processor busy, the start of Python not counted."""
    return float(run_isolated(f"import time\nstart = time.process_time()\n{code}\nprint(time.process_time() - start)"))


def test_nothing_heavy_is_loaded() -> None:
    assert loaded_by(OURS) & HEAVY == set()


def test_this_test_can_fail() -> None:
    assert loaded_by("import aiohttp") & HEAVY >= {"aiohttp", "http", "yarl"}


def test_the_cost_is_near_the_floor() -> None:
    floor = ours = float("inf")
    for _ in range(ROUNDS):  # in turns, the best of each: noise only adds, and a real cost stays in every round
        floor, ours = min(floor, seconds_for(FLOOR)), min(ours, seconds_for(OURS))
        if ours <= MOST * floor:
            return
    pytest.fail(f"importing the package takes {ours / floor:.2f} times its floor: see `python -X importtime`")
