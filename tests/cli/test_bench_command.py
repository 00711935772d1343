"""`setsmart bench`, as a user runs it: against real sandboxes, and refused by everything else."""

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from cli.commands import served, start

from setsmart_async.cli.app import run
from setsmart_async.cli.exit_codes import ExitCode
from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi
from setsmart_async.sandbox.quota import QuotaRule, QuotaSimulator
from setsmart_async.wire import HttpRequest

T = TypeVar("T")

# On a machine that others use as well nothing can be said of milliseconds; a minute is no matter of load.
LOOSE = "p50<600s,429==0,error_rate==0%"


def benched(url: str, *options: str) -> int:
    return run(["bench", "--base-url", url, "--warm-up", "0s", *options])


@pytest.fixture
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETSMART_API_KEY", SANDBOX_API_KEY)


def test_it_starts_a_sandbox_loads_it_and_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "report.html"
    options = ["--sandbox", "--rate", "40", "--limit", "20", "--window", "250ms", "--duration", "1s", "--warm-up", "0"]
    assert run(["bench", *options, "--json", "--html", str(page), "--fail-if", LOOSE]) == ExitCode.DONE
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert found["environment"]["own_sandbox"] is True
    assert found["environment"]["rule"] == "20 requests per 0.25 s, fixed"
    assert found["all"]["calls"] == found["all"]["statuses"]["200"] > 10
    assert found["all"]["rate_limited"] == found["quota"]["other_requests"] == 0
    assert sum(window["whole"] for window in found["quota"]["windows"]) in (3, 4)
    assert 0 < found["quota"]["goodput"] <= 1
    assert found["all"]["in_the_server"]["p50"] > 0
    assert all(each["holds"] for each in found["thresholds"])
    assert str(page) in said.err
    assert f"<td>{found['all']['calls']}</td>" in page.read_text(encoding="utf-8")
    assert SANDBOX_API_KEY not in said.out + said.err + page.read_text(encoding="utf-8")


@pytest.mark.usefixtures("_key")
def test_what_is_missed_is_named_and_has_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with served(SandboxApi(20, quota=QuotaSimulator(QuotaRule(100_000, 60.0)))) as url:
        options = ["--concurrency", "2", "--duration", "200ms", "--mix", "properties.get=1"]
        assert benched(url, *options, "--fail-if", "errors>1,calls>1,goodput>1%") == ExitCode.THRESHOLD_MISSED
    said = capsys.readouterr()
    assert said.err == "setsmart: not fulfilled: errors>1, goodput>1%\n"
    assert "closed model, 2 callers" in said.out
    assert "holds       calls>1" in said.out
    assert "not judged  goodput>1%: no whole window" in said.out


@pytest.mark.usefixtures("_key")
def test_requests_of_others_are_told_from_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    api = SandboxApi(20)

    def neighbour(_: HttpRequest) -> None:
        if api.statistics.requests > 3:
            api.statistics.requests += 1  # as if another client had come with each of ours

    api.intercept = neighbour
    with served(api) as url:
        assert benched(url, "--rate", "30", "--arrivals", "constant", "--duration", "300ms", "--json") == 0
    assert json.loads(capsys.readouterr().out)["quota"]["other_requests"] > 3


@pytest.mark.parametrize("url", [None, "https://api.setsmart.com/v1"])
@pytest.mark.usefixtures("_key")
def test_production_is_refused_with_nothing_sent(url: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing leaves: tests/guard would fail the test."""
    assert run(["bench", *([] if url is None else ["--base-url", url])]) == ExitCode.USAGE
    assert "load is for a sandbox alone" in capsys.readouterr().err


@pytest.mark.usefixtures("_key")
def test_a_server_that_is_no_sandbox_is_refused_without_a_key(capsys: pytest.CaptureFixture[str]) -> None:
    api = SandboxApi(20)
    with served(api) as url, pytest.MonkeyPatch.context() as patched:
        patched.setattr("setsmart_async.sandbox.console.LIVE_PATH", "/elsewhere")  # nothing beside its API
        assert benched(url) == ExitCode.USAGE
    assert "is no sandbox" in capsys.readouterr().err
    assert api.statistics.requests == 0


@pytest.mark.usefixtures("_key")
def test_a_refused_key_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("SETSMART_API_KEY", "another-key-of-the-tests")
    with served(SandboxApi(20)) as url:
        assert benched(url) == ExitCode.KEY_REFUSED
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--rate", "5", "--concurrency", "3"], "choose one"),
        (["--rate", "0"], "--rate"),
        (["--concurrency", "0"], "--concurrency"),
        (["--duration", "0"], "--duration"),
        (["--duration", "soon"], "--duration"),
        (["--mix", "properties.fly=1"], "--mix"),
        (["--fail-if", "p99<500"], "--fail-if"),
        (["--limit", "5"], "--sandbox"),
        (["--sandbox", "--limit", "0"], "limit"),
        (["--sandbox", "--base-url", "http://127.0.0.1:1/v1"], "leave out --base-url"),
    ],
)
def test_wrong_options_are_said_before_anything_is_done(
    options: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["bench", *options]) == ExitCode.USAGE
    assert says in capsys.readouterr().err


def test_an_event_loop_that_is_not_installed_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)  # as if it were not there
    assert run(["bench", "--event-loop", "uvloop"]) == ExitCode.USAGE
    assert "pip install uvloop" in capsys.readouterr().err


@pytest.mark.usefixtures("_key")
def test_a_report_that_can_not_be_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with served(SandboxApi(20)) as url:
        missing = tmp_path / "missing" / "report.html"
        assert benched(url, "--duration", "100ms", "--html", str(missing)) == ExitCode.USAGE
    assert "can not be written" in capsys.readouterr().err


def test_ctrl_c_ends_it_early_and_it_reports_still(tmp_path: Path) -> None:
    with served(SandboxApi(20)) as url:
        environment = {"SETSMART_API_KEY": SANDBOX_API_KEY, "SETSMART_BASE_URL": url}
        options = ["--rate", "50", "--duration", "1h", "--warm-up", "0s", "--drain", "0.2s", "--json"]
        with start(["bench", *options], environment, tmp_path) as process:
            try:
                _until(lambda: _requests(url) > 10)
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=30)
            finally:
                process.kill()
    assert process.returncode == ExitCode.INTERRUPTED
    found = json.loads(out)
    assert found["ended"] == "interrupted"
    assert found["all"]["calls"] > 3
    assert 0 < found["measured_seconds"] < 60
    assert err == "setsmart: ending early; once more to end at once\n"


def test_its_sandbox_ends_with_it_even_when_it_is_killed() -> None:
    code = """
import time
from setsmart_async.cli.bench_sandbox import sandbox_process
from setsmart_async.sandbox.quota import QuotaRule
with sandbox_process(QuotaRule()) as started:
    print(started.base_url, flush=True)
    time.sleep(3600)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert _requests(url) == 0
        process.kill()
    _until(lambda: _is_gone(url))


def _is_gone(url: str) -> bool:
    try:
        _requests(url)
    except OSError:
        return True
    return False


def _until(looked: Callable[[], T]) -> T:
    """What is found, as soon as there is something."""
    for _ in range(600):
        if found := looked():
            return found
        time.sleep(0.05)
    raise AssertionError("in vain")


def _requests(url: str) -> int:
    with urllib.request.urlopen(url.removesuffix("/v1") + "/_sandbox/live.json") as answer:
        found: int = json.load(answer)["requests"]
        return found
