"""The commands, and how each of them ends."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Final, Literal, TextIO

from cyclopts import App, CycloptsError, Group, Parameter

from setsmart_async.cli.durations import seconds_of
from setsmart_async.cli.exit_codes import MEANINGS, CommandError, ExitCode, code_for
from setsmart_async.cli.settings import GlobalOptions, applied, key_from_stdin, resolved
from setsmart_async.cli.usage import usage_text
from setsmart_async.cli.verbosity import told
from setsmart_async.errors import SetSmartError
from setsmart_async.version import __version__

app: App = App(
    name="setsmart",
    help="The SetSmart API at the command line. The API key comes from SETSMART_API_KEY, or from the file that "
    "SETSMART_API_KEY_FILE names; it is never an argument.",
    help_epilogue="Exit codes: " + ", ".join(f"{code.value} {meaning}" for code, meaning in MEANINGS.items()) + ".",
    help_format="plaintext",
    version=__version__,
    result_action="return_value",
    suppress_keyboard_interrupt=False,
    group_commands=Group("Commands", sort_key=2),
    group_parameters=Group("Options", sort_key=5),
)
app.meta.suppress_keyboard_interrupt = False

_NOT_WRITTEN: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
_EVERYWHERE: Final = Group("Options of every command", sort_key=9)


def _flowing(text: str) -> str:
    """Paragraphs without line ends of their own: the help breaks lines where the terminal ends."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


# By name, so that a command is loaded when it is used. What follows the first paragraph is in the command's own help.
_PROVISIONAL: Final = "Provisional: SetSmart documents none of it."
_RECORDS: Final = Group("Records", sort_key=1)
_RESOURCES: Final = {
    "properties": "Homes: list, get, create, update, delete.",
    "reservations": f"""Stays: list, get, create, update, cancel.

        {_PROVISIONAL} The night of check_out is not part of a stay. No reservation is ever deleted: a cancelled one
        stays, and says so.""",
    "calendar": f"""Nights and prices: get, update.

        {_PROVISIONAL} Both days of a range are part of it.""",
    "conversations": f"""Messages with guests: list, get, messages, send.

        {_PROVISIONAL}""",
    "webhook-subscriptions": f"""Who is told of events: list, get, create, ...

        {_PROVISIONAL} The secret that signs the deliveries is shown once, by create: keep it. To receive deliveries
        here: setsmart webhooks.""",
}
for _name, _help in _RESOURCES.items():
    _module = f"setsmart_async.cli.resources.{_name.replace('-', '_')}"
    app.command(f"{_module}:app", name=_name, help=_flowing(_help), group=_RECORDS)
app.command(
    "setsmart_async.cli.sync_command:sync_app", name="sync", help="Bring an account into a database, and keep it there."
)
_COMMANDS: Final = {
    "api_request:api": """Send any single request.

        With the limits and retries of every call, to a path below the base URL; prints the answer's JSON.""",
    "doctor:doctor": """Check what stands between here and the API.

        Settings, DNS, TLS, the key, the clock, the quota: each line is ok, warn or fail, with what to do. The exit code
        is that of the first failure. A check that needs one that failed is left out. Costs one request.""",
}
for _place, _help in _COMMANDS.items():
    app.command(f"setsmart_async.cli.{_place}", help=_flowing(_help))
app.command("setsmart_async.cli.config_command:app", name="config", help="Show the settings, and where they come from.")
app.command("setsmart_async.cli.completion:app", name="completion", help="What Tab offers in a shell.")

Flag = Annotated[bool, Parameter(negative=(), show_default=False)]


@app.command
async def sandbox(
    *,
    port: Annotated[int, Parameter(help="0: any free one.")] = 8080,
    limit: Annotated[int, Parameter(help="Requests per window.")] = 100,
    window: Annotated[str, Parameter(help="The window's length: 10, 2s, 500ms, 1m.")] = "10s",
    page_size: Annotated[int, Parameter(help="Properties in a page, where a request does not say.")] = 100,
    api_key: Annotated[
        str | None, Parameter(help="The key that it accepts. Not a secret: use no key of a real account.")
    ] = None,
    properties: Annotated[int | None, Parameter(help="How many it holds; the real listings when left out.")] = None,
    reservations: Annotated[
        int | None, Parameter(help="How many it holds, with their conversations; one for every three properties.")
    ] = None,
    database: Annotated[
        Path | None, Parameter(help="A file in which it keeps what it holds. Left out: all is gone when it ends.")
    ] = None,
    paging: Annotated[
        Literal["cursor", "page", "offset", "link", "array"],
        Parameter(help="How pages follow each other: by cursor, number, offset, Link header, or all in one array."),
    ] = "cursor",
    algorithm: Annotated[
        Literal["fixed", "sliding", "bucket"],
        Parameter(help="How it counts: fixed windows, a sliding log, or a token bucket."),
    ] = "fixed",
    skew: Annotated[float, Parameter(help="Seconds that its clock is ahead.")] = 0.0,
) -> int:
    """Serve SetSmart in miniature on this machine, until Ctrl-C."""
    from setsmart_async.cli.sandbox import SandboxOptions, serve_sandbox
    from setsmart_async.sandbox.quota import QuotaRule

    options = SandboxOptions(
        port=port,
        page_size=page_size,
        api_key=api_key,
        properties=properties,
        reservations=reservations,
        database=database,
        paging=paging,
        rule=QuotaRule(limit=limit, window=seconds_of(window, "--window"), algorithm=algorithm),
        skew=skew,
    )
    await serve_sandbox(options)
    return ExitCode.DONE


@app.command
async def quota(
    *,
    base_url: Annotated[
        str | None, Parameter(help="Of this server instead of production or SETSMART_BASE_URL.")
    ] = None,
) -> int:
    """Show how much of the rate limit is left. Costs one request."""
    from setsmart_async.cli.quota import show_quota

    await show_quota(base_url)
    return ExitCode.DONE


app.command("setsmart_async.cli.bench:bench", name="bench", help="Load a sandbox, and report latency and quota.")

webhooks: App = App(name="webhooks", help="Receive webhooks on this machine, make the sandbox send one, check one.")
app.command(webhooks)


@webhooks.command(name="listen")
async def webhooks_listen(
    *,
    port: Annotated[int, Parameter(help="0: any free one.")] = 8090,
    subscribe: Annotated[Flag, Parameter(help="Subscribe at the sandbox of SETSMART_BASE_URL, until Ctrl-C.")] = False,
    forward_to: Annotated[str | None, Parameter(help="Send what is genuine on to this address.")] = None,
    save: Annotated[
        Path | None, Parameter(help="A folder for deliveries as they came, for setsmart webhooks verify.")
    ] = None,
    base_url: Annotated[
        str | None, Parameter(help="The sandbox to subscribe at, instead of SETSMART_BASE_URL.")
    ] = None,
) -> int:
    """Print every genuine delivery, one JSON object a line. The secret comes from SETSMART_WEBHOOK_SECRET."""
    from setsmart_async.cli.webhooks import ListenOptions, listen

    await listen(ListenOptions(port=port, subscribe=subscribe, forward_to=forward_to, save=save, base_url=base_url))
    return ExitCode.DONE


@webhooks.command(name="trigger")
async def webhooks_trigger(
    event_type: Annotated[str, Parameter(help="Such as reservation.created.")],
    /,
    *,
    base_url: Annotated[str | None, Parameter(help="The sandbox, instead of SETSMART_BASE_URL.")] = None,
) -> int:
    """Make a running sandbox send an event to its subscribers, and print it."""
    from setsmart_async.cli.webhooks import trigger

    await trigger(event_type, base_url)
    return ExitCode.DONE


@webhooks.command(name="verify")
def webhooks_verify(
    saved: Annotated[Path, Parameter(help="Header lines, an empty line, and the body, as received.")],
    /,
    *,
    any_age: Annotated[Flag, Parameter(help="Its age does not count.")] = False,
) -> int:
    """Say whether a saved delivery is genuine, and print its event. The secret comes from SETSMART_WEBHOOK_SECRET."""
    from setsmart_async.cli.webhooks import verify

    verify(saved, any_age=any_age)
    return ExitCode.DONE


@app.meta.default
def with_settings(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    profile: Annotated[
        str | None,
        Parameter(group=_EVERYWHERE, metavar="NAME", help="A profile of the config file; goes before the environment."),
    ] = None,
    config: Annotated[
        Path | None,
        Parameter(
            group=_EVERYWHERE,
            metavar="FILE",
            help="The config file, instead of the one that setsmart config path names.",
        ),
    ] = None,
    api_key_file: Annotated[
        Path | None, Parameter(group=_EVERYWHERE, metavar="FILE", help="The file that holds the API key.")
    ] = None,
    api_key_stdin: Annotated[Flag, Parameter(group=_EVERYWHERE, help="Read the API key from stdin.")] = False,
    verbose: Annotated[
        Flag,
        Parameter(
            group=_EVERYWHERE,
            name=("--verbose", "-v"),
            help="On stderr: attempts, waits, and the server's own words of an error.",
        ),
    ] = False,
) -> int:
    """Run a command with its settings."""
    options = GlobalOptions(
        profile=profile,
        config=config,
        api_key_file=api_key_file,
        api_key=key_from_stdin() if api_key_stdin else None,
    )
    with applied(resolved(options)), told(verbose):
        ended = app(tokens, print_error=False, exit_on_error=False)
    return ended if isinstance(ended, int) else ExitCode.DONE


def run(arguments: Sequence[str]) -> int:
    """Run the command that the arguments name; its exit code."""
    out: TextIO = sys.stdout
    if isinstance(out, TextIOWrapper) and not out.isatty() and out.encoding.lower() != "utf-8":
        out.reconfigure(encoding="utf-8")  # a pipe carries UTF-8, whatever the locale says
    try:
        code = _ended(arguments)
        out.flush()
    except BrokenPipeError:
        # What is in the buffer would be flushed at the end, and fail again with a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
        return ExitCode.PIPE_CLOSED
    except OSError as fault:
        if fault.errno not in _NOT_WRITTEN:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
        return _failed(f"The output can not be written ({fault.strerror}).", ExitCode.DATABASE_FAILED)
    except SystemExit as ended:
        if isinstance(ended.__context__, BrokenPipeError):  # rich's word for the same, in tables and in the help
            return ExitCode.PIPE_CLOSED
        raise
    return code


def _ended(arguments: Sequence[str]) -> int:
    try:
        ended = app.meta(arguments, print_error=False, exit_on_error=False)
    except CycloptsError as fault:
        return _failed(usage_text(fault), ExitCode.USAGE)
    except CommandError as failure:
        return _failed(str(failure), failure.code)
    except SetSmartError as error:
        return _failed(str(error), code_for(error))
    return ended if isinstance(ended, int) else ExitCode.DONE


def _failed(text: str, code: ExitCode) -> ExitCode:
    print("setsmart:", " ".join(text.split()), file=sys.stderr)
    return code
