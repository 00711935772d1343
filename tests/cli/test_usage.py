"""Options, help, and what is missing."""

import subprocess
import sys

import pytest

from setsmart_async import ConfigurationError, SyncIncompleteError, __version__, errors
from setsmart_async.cli import main
from setsmart_async.cli.durations import in_words, seconds_of
from setsmart_async.cli.exit_codes import MEANINGS, ExitCode, code_for


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == __version__


@pytest.mark.parametrize("arguments", [[], ["--help"], ["sync", "--help"], ["sandbox", "--help"]])
def test_help_lists_the_exit_codes(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    text = " ".join(capsys.readouterr().out.split())
    for code in ExitCode:
        assert f"{code.value} {MEANINGS[code]}" in text


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--help"])
    text = capsys.readouterr().out
    assert "sync" in text
    assert "sandbox" in text
    assert "SETSMART_API_KEY" in text


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["snyc"], 'Unknown command "snyc". Did you mean "sync"?'),
        (["sync", "--colour"], "Unknown option: --colour."),
        (["sync", "--page-size", "many"], "Invalid value for --page-size"),
        (["sync", "--page-size"], "--page-size requires an argument"),
        (["sync", "--page-size", "0", "--sandbox"], "page_size and in_flight must be 1 or more"),
        (["sandbox", "--window", "soon"], "--window is a length of time such as 10, 2s, 500ms, 1m or 1h, not 'soon'."),
        (["sandbox", "--window", "0"], "window must be 0.001 seconds or more"),
        (["sandbox", "--limit", "0"], "limit must be a whole number"),
        (["sandbox", "--page-size", "201"], "page size must be from 1 to 200"),
        (["sandbox", "--properties", "-1"], "fewer than 0 properties"),
        (["sandbox", "--port", "70000"], "port must be from 0"),
        (["sandbox", "--paging", "scroll"], 'Invalid value "scroll" for --paging'),
        (["sandbox", "--api-key", "has blank"], "holds white space"),
    ],
)
def test_wrong_usage_is_one_line(arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    written = capsys.readouterr()
    assert written.out == ""
    [line] = written.err.splitlines()
    assert line.startswith("setsmart: ")
    assert reason in line


@pytest.mark.parametrize(
    "arguments",
    [["--api-key", "sk_secret"], ["--api-key=sk_secret"], ["--key", "sk_secret"], ["sk_secret"], ["--", "sk_secret"]],
)
def test_a_key_among_the_arguments_is_refused_and_not_shown(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sync", *arguments]) == 2
    line = capsys.readouterr().err
    assert "secret" not in line
    assert "SETSMART_API_KEY" in line or "argument too many" in line


@pytest.mark.parametrize(
    ("library", "arguments", "extra"),
    [
        ("cyclopts", [], "cli"),
        ("cyclopts", ["sync", "--sandbox"], "cli"),
        ("rich", ["--version"], "cli"),
        ("sqlalchemy", ["sync", "--sandbox"], "sync"),
    ],
)
def test_a_missing_extra_is_named_in_one_line(library: str, arguments: list[str], extra: str) -> None:
    code = f"import sys; sys.modules[{library!r}] = None; from setsmart_async.cli import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == f"setsmart needs the extra {extra!r}: pip install 'setsmart_async[{extra}]'\n"


def test_another_missing_module_is_a_bug_and_shows_itself() -> None:
    missing = "sys.modules['setsmart_async.cli.durations'] = None"
    code = f"import sys; {missing}; from setsmart_async.cli import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "Traceback" in done.stderr


@pytest.mark.parametrize(("arguments", "unused"), [(["--version"], "sqlalchemy"), (["sandbox", "-h"], "sqlalchemy")])
def test_a_command_loads_only_what_it_needs(arguments: list[str], unused: str) -> None:
    code = f"import sys; from setsmart_async.cli import main; main(); sys.exit({unused!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True).returncode == 0


@pytest.mark.parametrize(
    ("text", "seconds"), [("10", 10), ("2s", 2), ("500ms", 0.5), ("1m", 60), ("1h", 3600), ("1.5s", 1.5), (" 3 ", 3)]
)
def test_lengths_of_time(text: str, seconds: float) -> None:
    assert seconds_of(text, "--window") == seconds


@pytest.mark.parametrize("text", ["", "s", "-1", "1 s", "1d", "1e3", "٣", "inf", "nan", "1,5"])
def test_no_lengths_of_time(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^--window is a length of time"):
        seconds_of(text, "--window")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0 s"), (0.44, "0.4 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1 min"),
        (185, "3 min 5 s"), (3599.7, "1 h"), (7440, "2 h 4 min"),
    ],
)  # fmt: skip
def test_lengths_of_time_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ConfigurationError("x"), 2),
        (errors.AuthenticationError(401), 3),
        (errors.PermissionDeniedError(403), 3),
        (errors.ConnectError("x"), 4),
        (errors.AttemptTimeoutError("x"), 4),
        (errors.ProtocolError("x"), 4),
        (errors.DeadlineExceededError("send", 1.0), 4),
        (errors.ServerError(500), 5),
        (errors.RateLimitError(429), 5),
        (errors.BadRequestError(400), 5),
        (errors.InvalidResponseError("$", "x"), 5),
        (errors.ClientClosedError(), 5),
        (errors.StoreError("x"), 6),
        (SyncIncompleteError("x"), 7),
    ],
)
def test_each_error_has_its_exit_code(error: errors.SetSmartError, code: int) -> None:
    assert code_for(error) == code


def test_a_sync_that_met_something_unusable_is_no_matter_of_running_it_again() -> None:
    error = SyncIncompleteError("x")
    error.__cause__ = errors.InvalidResponseError("$", "x")
    assert code_for(error) == 5
