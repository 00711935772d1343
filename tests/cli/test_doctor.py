"""`setsmart doctor`: each line tells what is so, and what to do where something is wrong."""

import json
import socket
import ssl
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cli.commands import served
from cli.shell import Shell

from setsmart_async import HttpRequest, HttpResponse
from setsmart_async.cli import network_checks
from setsmart_async.sandbox.api import SandboxApi
from setsmart_async.sandbox.quota import QuotaRule, QuotaSimulator
from setsmart_async.sandbox.timestamps import http_date
from setsmart_async.wire import Headers

Checks = dict[str, tuple[str, str]]


def examined(shell: Shell, *arguments: str, code: int = 0) -> Checks:
    """Each check's status, and its text with the advice."""
    ended = shell("doctor", "--json", *arguments)
    assert ended.err == ""
    found = json.loads(ended.out)
    assert (ended.code, found["exit_code"], found["ok"]) == (code, code, code == 0)
    checks = found["checks"]
    assert all(each["advice"] for each in checks if each["status"] == "warn")
    return {each["name"]: (each["status"], f"{each['text']} {each['advice'] or ''}".strip()) for each in checks}


def test_all_is_well(shell: Shell) -> None:
    with shell.on(SandboxApi(1)) as url:
        checks = examined(shell)
        lines = shell("doctor").out.splitlines()
    assert {status for status, _ in checks.values()} == {"ok"}
    assert [*checks] == [
        *("versions", "libraries", "config", "base URL", "API key", "DNS", "TCP", "TLS"),
        *("key accepted", "clock", "quota"),
    ]
    assert checks["base URL"][1] == f"{url} (SETSMART_BASE_URL)"
    assert checks["quota"][1] == "99 of 100 requests are left in this window."
    assert [line.split()[0] for line in lines] == ["ok"] * 11


def test_a_server_that_answers_otherwise(shell: Shell) -> None:
    ahead = 100.0

    def answer(_: HttpRequest) -> HttpResponse:
        date = ("Date", http_date(time.time() + ahead))
        headers = Headers([date, ("X-RateLimit-Limit", "100"), ("X-RateLimit-Remaining", "3")])
        return HttpResponse(status=200, headers=headers, body=b'{"data": []}')

    with shell.on(SandboxApi(intercept=answer)):
        checks = examined(shell)
        assert checks["clock"][0] == "warn"
        assert "ahead of this machine's" in checks["clock"][1]
        assert checks["quota"][0] == "warn"
        assert "3 of 100" in checks["quota"][1]
        ahead = -4000.0
        status, text = examined(shell, code=2)["clock"]
    assert status == "fail"
    assert "1 h 6 min behind" in text
    assert "NTP" in text


def test_a_server_without_rate_headers(shell: Shell) -> None:
    with shell.on(SandboxApi(quota=QuotaSimulator(QuotaRule(), send_headers=False))):
        assert "no X-RateLimit headers" in examined(shell)["quota"][1]


def test_a_key_that_is_refused_is_missing_or_open_to_others(shell: Shell) -> None:
    with shell.on(SandboxApi()):
        shell.set("SETSMART_API_KEY", "another-key-of-these-tests")
        checks = examined(shell, code=3)
        assert checks["key accepted"][0] == "fail"
        assert "The API key is not accepted: check it" in checks["key accepted"][1]
        assert "clock" not in checks
        shell.set("SETSMART_API_KEY", None)
        checks = examined(shell, code=2)
        advice = "Set SETSMART_API_KEY or SETSMART_API_KEY_FILE. Keys are made in the SetSmart dashboard."
        assert checks["API key"] == ("fail", f"There is none. {advice}")
        assert checks["TCP"][0] == "ok"  # which needs no key
        file = shell.folder / "key"
        file.write_text("sandbox-key-not-a-secret")
        file.chmod(0o644)
        status, text = examined(shell, "--api-key-file", "key")["API key"]
        assert status == "warn"
        assert text.endswith("Others can read the file: chmod 600 key")
        file.chmod(0o600)
        assert examined(shell, "--api-key-file", "key")["API key"][0] == "ok"
        assert examined(shell, "--api-key-file", "none", code=2)["API key"][0] == "fail"


def test_a_base_url_that_can_not_be(shell: Shell) -> None:
    checks = examined(shell, "--base-url", "http://api.setsmart.com/v1", code=2)
    assert checks["base URL"][0] == "fail"
    assert "API key" not in checks


def test_nobody_listens(shell: Shell) -> None:
    shell.set("SETSMART_API_KEY", "a-key-of-these-tests")
    with closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        checks = examined(shell, "--base-url", f"http://127.0.0.1:{bound.getsockname()[1]}/v1", code=4)
    assert checks["TCP"][0] == "fail"
    assert "accepts connections on port" in checks["TCP"][1]
    assert "TLS" not in checks
    assert "key accepted" not in checks


def test_a_name_that_does_not_resolve(shell: Shell) -> None:
    shell.set("SETSMART_API_KEY", "a-key-of-these-tests")
    checks = examined(shell, "--base-url", "https://api.invalid/v1", code=4)
    assert checks["DNS"] == ("fail", "api.invalid does not resolve. Check the base URL, and the network's DNS.")


def test_certificates(shell: Shell, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    shell.set("SETSMART_API_KEY", "sandbox-key-not-a-secret")
    for lasts, trusted, status in ((400, True, "ok"), (5, True, "warn"), (400, False, "fail")):
        shell.set("SSL_CERT_FILE", str(tmp_path / "authority.pem") if trusted else None)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1", not_after=datetime.now(UTC) + timedelta(days=lasts)).configure_cert(context)
        with served(SandboxApi(), ssl_context=context) as url:
            checks = examined(shell, "--base-url", url, code=0 if trusted else 4)
        assert checks["TLS"][0] == status
        assert ("key accepted" in checks) is trusted
        assert ("unable to get local issuer certificate" in checks["TLS"][1]) is not trusted


def test_a_server_that_takes_its_time(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_checks, "_PATIENCE", 0.05)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        shell.set("SETSMART_API_KEY", "a-key-of-these-tests")
        checks = examined(shell, "--base-url", f"https://127.0.0.1:{silent.getsockname()[1]}/v1", code=4)
    assert checks["TLS"][0] == "fail"
    assert "TimeoutError" in checks["TLS"][1]
