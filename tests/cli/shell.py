"""`setsmart …` in this process, against a sandbox over HTTP: what it printed, said and ended with."""

import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
from cli.commands import served

from setsmart_async.cli import main
from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi


@attrs.frozen
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def records(self) -> list[Any]:
        """Its JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def record(self) -> Any:  # noqa: ANN401 - a record's fields are compared with whatever was put in
        [found] = self.records
        return found


@attrs.frozen
class Shell:
    """A terminal window, as it were, with a key and a server in its environment."""

    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch
    folder: Path

    def __call__(self, *arguments: str, stdin: str = "") -> Ended:
        """Run a command."""
        self.capsys.readouterr()
        self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        code = main(arguments)
        written = self.capsys.readouterr()
        assert SANDBOX_API_KEY not in written.out + written.err
        assert "Traceback" not in written.err
        return Ended(code, written.out, written.err)

    def refused(self, *arguments: str, stdin: str = "", code: int = 2) -> str:
        """Run a command that fails: its one line."""
        ended = self(*arguments, stdin=stdin)
        assert (ended.code, ended.out) == (code, "")
        [line] = ended.err.splitlines()
        return line.removeprefix("setsmart: ")

    def set(self, name: str, value: str | None) -> None:
        """Set a variable of the environment, or take it away."""
        if value is None:
            self.monkeypatch.delenv(name, raising=False)
        else:
            self.monkeypatch.setenv(name, value)

    @contextmanager
    def on(self, api: SandboxApi) -> Iterator[str]:
        """Its environment leads to this server."""
        with served(api) as url:
            self.set("SETSMART_BASE_URL", url)
            self.set("SETSMART_API_KEY", SANDBOX_API_KEY)
            yield url
