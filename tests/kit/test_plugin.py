"""The pytest plugin as its users have it: a test file of ten lines, in a folder and a pytest of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TEN_LINES = """
import asyncio
import pytest
from setsmart_async.testing import fake_property

@pytest.mark.setsmart(records=[fake_property(id=f"prop_{n}") for n in range(45)], limit=3, faults=[429, 503])
def test_the_whole_account_is_read(setsmart, setsmart_sandbox):
    homes = asyncio.run(setsmart.properties.list(page_size=10).all())
    assert [home.id for home in homes] == [f"prop_{n}" for n in range(45)]
    assert setsmart.faults.unmet == () and setsmart.sandbox is setsmart_sandbox
"""


def outcome(folder: Path, *arguments: str, autoload: bool) -> subprocess.CompletedProcess[str]:
    (folder / "test_mine.py").write_text(TEN_LINES, encoding="utf-8")
    environment = {**os.environ, **({} if autoload else {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})}
    environment.pop("PYTEST_ADDOPTS", None)
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


def test_ten_lines_test_retries_and_pages(tmp_path: Path) -> None:
    assert len(TEN_LINES.strip().splitlines()) <= 10
    done = outcome(tmp_path, "-p", "setsmart_async.testing.plugin", "--strict-markers", autoload=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_plugin_tells_of_its_marker(tmp_path: Path) -> None:
    done = outcome(tmp_path, "-p", "setsmart_async.testing.plugin", "--markers", autoload=False)
    assert "@pytest.mark.setsmart(records=(), limit=100" in done.stdout


@pytest.mark.parametrize("module", ["setsmart_async.testing.plugin", "setsmart_async.testing"])
def test_no_http_library_is_loaded_before_one_is_used(module: str) -> None:
    code = f"import {module}, json, sys; print(json.dumps(list(sys.modules)))"
    loaded = set(json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout))
    assert not {"aiohttp", "httpx", "httpx2", "trustme", "hypothesis", "sqlalchemy"} & loaded
