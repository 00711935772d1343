"""The help, for every command; what Tab offers; and what is loaded before anything is done."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli.shell import Shell
from cyclopts import App
from cyclopts.completion.detect import ShellDetectionError

from setsmart_async.cli.app import app
from setsmart_async.cli.exit_codes import ExitCode

RESOURCES = ("properties", "reservations", "calendar", "conversations", "webhook-subscriptions")
VERBS = {
    "properties": ("list", "get", "create", "update", "delete"),
    "reservations": ("list", "get", "create", "update", "cancel"),
    "calendar": ("get", "update"),
    "conversations": ("list", "get", "messages", "send"),
    "webhook-subscriptions": ("list", "get", "create", "update", "delete"),
}


def commands(parent: App, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command there is."""
    yield path
    for name, child in parent.resolved_commands().items():
        if not name.startswith("-"):
            yield from commands(child, (*path, name))


def test_every_resource_has_what_it_offers() -> None:
    found = [path for path in commands(app) if path and path[0] in RESOURCES]
    assert sorted(path for path in found if len(path) == 2) == sorted(
        (resource, verb) for resource, verbs in VERBS.items() for verb in verbs
    )


@pytest.mark.parametrize("columns", [80, 120])
def test_help_fits_the_terminal_and_explains_every_option(shell: Shell, columns: int) -> None:
    shell.set("COLUMNS", str(columns))
    whole = [*commands(app)]
    for path in whole if columns == 80 else whole[:8]:
        ended = shell(*path, "--help")
        assert ended.code == 0
        lines = ended.out.splitlines()
        assert max(map(len, lines)) <= columns
        assert lines[0].startswith("Usage: setsmart")
        rows = [line.strip("│ ") for line in lines if line.startswith(("│ --", "│ *"))]
        for row in rows:
            assert "  " in row.lstrip("* ") or row.count(" --no-") == 1, f"{path}: {row!r} is not explained"
        if path[:1] and path[0] in RESOURCES:  # whose texts come out of docstrings
            assert "`" not in ended.out, path
            assert "*Provisional" not in ended.out, path


def test_the_pages_name_every_command_and_exit_code() -> None:
    pages = Path(__file__).parents[2]
    page = (pages / "docs" / "cli.md").read_text(encoding="utf-8")
    readme = (pages / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `setsmart ([a-z-]+)[^`]*` \| (.*) \|$", page, re.MULTILINE)
    assert {path[0] for path in commands(app) if path} == {name for name, _ in rows}
    for path in commands(app):
        if len(path) == 2 and path[0] != "sync":  # which has a page of its own
            assert f"`{path[1]}`" in dict(rows)[path[0]]
    for code in ExitCode:
        assert f"\n| {code.value} | " in page
        assert f"\n| {code.value} | " in readme


def test_help_says_what_a_field_is(shell: Shell) -> None:
    text = " ".join(shell("properties", "create", "--help").out.replace("│", " ").split())
    assert "--max-guests NUMBER How many guests may stay at once. Needed." in text
    assert "--status TEXT Known: active, archived, draft, inactive; any other is sent as it is." in text
    text = " ".join(shell("webhook-subscriptions", "create", "--help").out.replace("│", " ").split())
    assert "--events TEXT Known: *, calendar.updated, " in text


def test_completion_is_written_and_bash_understands_it(shell: Shell) -> None:
    installed = shell("completion", "install", "bash", "--to", "there/bash")
    assert installed.code == 0
    assert [*shell.folder.iterdir()] == [shell.folder / "there"]  # no start file of a shell was touched
    script = (shell.folder / "there" / "bash").read_text()
    assert "webhook-subscriptions" in script
    assert "max-guests" in script
    command = "source there/bash && complete -p setsmart"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_shell_that_is_not_known_is_told(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> str:
        raise ShellDetectionError

    monkeypatch.setattr(App, "generate_completion", unknown)
    monkeypatch.setattr(App, "install_completion", unknown)
    assert shell.refused("completion", "show") == "Say which shell: bash, zsh, fish or powershell."
    assert shell.refused("completion", "install") == "Say which shell: bash, zsh, fish or powershell."


@pytest.mark.parametrize("arguments", [["--help"], ["properties", "update", "x", "--max-guests", "3", "--dry-run"]])
def test_what_a_command_does_not_need_is_not_loaded(arguments: list[str]) -> None:
    slow = {
        "sqlalchemy",
        "aiohttp",
        "redis",
        "markdown_it",
        "pygments",
        "setsmart_async.sandbox",
        "setsmart_async.sync",
    }
    code = (
        f"import sys; from setsmart_async.cli import main; main(); print({slow!r} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == "set()"
