"""`setsmart quota`: what the server says is left."""

import json

import pytest
from cli.commands import served

from setsmart_async.cli.app import run
from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi
from setsmart_async.sandbox.quota import QuotaRule, QuotaSimulator


def asked(monkeypatch: pytest.MonkeyPatch, quota: QuotaSimulator) -> int:
    monkeypatch.setenv("SETSMART_API_KEY", SANDBOX_API_KEY)
    with served(SandboxApi(quota=quota)) as url:
        return run(["quota", "--base-url", url])


def test_in_a_pipe_it_is_one_json_object(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(monkeypatch, QuotaSimulator(QuotaRule(limit=40, window=60.0), skew=100.0)) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["limit"], said["remaining"], said["state"]) == (40, 39, "open")
    assert 0 <= said["reset_after"] <= 63
    assert said["clock_offset"] == pytest.approx(100.0, abs=1.5)


def test_on_a_terminal_it_is_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert asked(monkeypatch, QuotaSimulator(QuotaRule(limit=40, window=60.0), skew=100.0)) == 0
    out = capsys.readouterr().out
    assert "39 of 40 requests are left" in out
    assert "ahead of this machine's" in out


def test_a_server_without_headers_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert asked(monkeypatch, QuotaSimulator(send_headers=False)) == 0
    assert "says nothing of a rate limit" in capsys.readouterr().out


def test_a_refused_key_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("SETSMART_API_KEY", "another-key-of-the-tests")
    with served(SandboxApi()) as url:
        assert run(["quota", "--base-url", url]) == 3
    err = capsys.readouterr().err
    assert err.startswith("setsmart: SetSmart answered 401")
    assert len(err.splitlines()) == 1
