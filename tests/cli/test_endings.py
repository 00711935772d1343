"""Ctrl-C says what is known; a pipe that nobody reads is no error."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from cli.commands import SETSMART
from cli.shell import Ended, Shell

from setsmart_async import HttpRequest, HttpResponse
from setsmart_async.cli.app import run
from setsmart_async.cli.session import Activity
from setsmart_async.observer import AttemptEnded, AttemptStarted
from setsmart_async.sandbox.api import SandboxApi

HOME = ("--name", "Villa", "--address", "1 Shore", "--bedrooms", "3", "--bathrooms", "2", "--max-guests", "6")


@contextmanager
def interrupted(shell: Shell, at: Callable[[HttpRequest], bool]) -> Iterator[SandboxApi]:
    """A server that answers one request never: Ctrl-C comes instead."""
    over = threading.Event()

    def answer(request: HttpRequest) -> HttpResponse | None:
        if at(request):
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            over.wait(10)
        return None

    api = SandboxApi(5, page_size=2, intercept=answer)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run behind an ``&``
    with shell.on(api):
        try:
            yield api
        finally:
            over.set()
            signal.signal(signal.SIGINT, before)


def test_a_create_that_is_interrupted_may_have_been_done(shell: Shell) -> None:
    with interrupted(shell, lambda _: True):
        ended = shell("properties", "create", *HOME)
    assert ended == Ended(
        130,
        "",
        "setsmart: interrupted while POST /properties was under way: it may have been done. Look before you repeat it, "
        "or it may happen twice.\n",
    )


def test_an_update_that_is_interrupted_may_be_repeated(shell: Shell) -> None:
    days = ("--start-date", "2027-01-01", "--end-date", "2027-04-30", "--min-stay", "2")
    with interrupted(shell, lambda request: b"2027-04-30" in (request.body or b"")):
        ended = shell("calendar", "update", "prop_85902", *days)
    assert (ended.code, ended.out) == (130, "")
    assert "PUT /properties/{id}/calendar was under way: it may have been done. 1 request(s) before it" in ended.err
    assert ended.err.endswith("run the same command again, which does no harm.\n")


def test_a_list_that_is_interrupted_has_whole_lines(shell: Shell) -> None:
    with interrupted(shell, lambda request: "cursor" in request.target):
        ended = shell("properties", "list")
    assert len(ended.records) == 2
    assert (ended.code, ended.err) == (130, "setsmart: interrupted. Nothing was changed.\n")


def test_what_is_known_of_a_write() -> None:
    begun = AttemptStarted(operation="PUT /x/{id}", call_id=1, number=1)
    activity = Activity()
    activity(begun)
    activity(AttemptEnded(operation="PUT /x/{id}", call_id=1, number=1, seconds=0.1, status=503))
    assert "it may have been done." in activity.when_interrupted()  # between two attempts
    activity(begun)
    activity(AttemptEnded(operation="PUT /x/{id}", call_id=1, number=2, seconds=0.1, status=200))
    assert activity.when_interrupted() == "interrupted. 1 request(s) were done."
    activity(AttemptEnded(operation="POST /x", call_id=2, number=1, seconds=0.1, status=429))
    assert "may have" not in activity.when_interrupted()


@pytest.mark.parametrize("arguments", [("properties", "list"), ("api", "GET", "/properties")])
def test_a_reader_that_has_gone_is_no_error(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with shell.on(SandboxApi(5)), os.fdopen(writing, "w", encoding="utf-8") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        assert run(arguments) == 141
    assert shell.capsys.readouterr().err == ""


def test_nor_is_it_one_of_the_help() -> None:
    """In a process of its own: rich's console stays silent from then on."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*SETSMART, "--help"], stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_pipe_carries_utf_8_whatever_the_locale(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    file = shell.folder / "out"
    with shell.on(SandboxApi([{"id": "prop_1", "name": "Blåbær 🫐"}])), file.open("w", encoding="ascii") as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert run(["properties", "list", "--fields", "name", "-o", "csv"]) == 0
    assert file.read_text(encoding="utf-8") == "name\nBlåbær 🫐\n"
