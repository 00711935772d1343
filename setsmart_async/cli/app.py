"""The commands, and how each of them ends."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, CycloptsError, Parameter, UnknownOptionError, UnusedCliTokensError

from setsmart_async.cli.durations import seconds_of
from setsmart_async.cli.exit_codes import MEANINGS, CommandError, ExitCode, code_for
from setsmart_async.errors import SetSmartError
from setsmart_async.version import __version__

app: App = App(
    name="setsmart",
    help="The SetSmart API at the command line. The API key comes from SETSMART_API_KEY, or from the file that "
    "SETSMART_API_KEY_FILE names; it is never an argument.",
    help_epilogue="Exit codes: " + ", ".join(f"{code.value} {meaning}" for code, meaning in MEANINGS.items()) + ".",
    version=__version__,
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)

Flag = Annotated[bool, Parameter(negative=(), show_default=False)]


@app.command
async def sync(
    *,
    sandbox: Annotated[Flag, Parameter(help="From a sandbox that lives as long as the command.")] = False,
    base_url: Annotated[
        str | None, Parameter(help="From this server instead of production or SETSMART_BASE_URL.")
    ] = None,
    to: Annotated[str, Parameter(help="The database, as a URL.")] = "sqlite:///setsmart.db",
    page_size: Annotated[int, Parameter(help="Properties in a page.")] = 100,
    account: Annotated[
        str | None, Parameter(help="A name for the account, which the database then knows it by, whatever its key.")
    ] = None,
    new_key: Annotated[
        Flag, Parameter(help="The database's account has a new API key: say so once after a rotation.")
    ] = False,
    json: Annotated[Flag, Parameter(help="The summary as one JSON object on stdout.")] = False,
) -> int:
    """Pull every property into a database, and keep it there.

    Interrupted at any instant, the same command goes on where it was. A second run brings the database up to date
    and says what changed. Nothing is ever deleted.
    """
    from setsmart_async.cli.sync import SyncOptions, sync_into_database

    options = SyncOptions(
        sandbox=sandbox, base_url=base_url, to=to, page_size=page_size, account=account, new_key=new_key, json=json
    )
    await sync_into_database(options)
    return ExitCode.DONE


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


webhooks: App = App(name="webhooks", help="Receive webhooks on this machine, make the sandbox send one, check one.")
app.command(webhooks)


@webhooks.command(name="listen")
async def webhooks_listen(
    *,
    port: Annotated[int, Parameter(help="0: any free one.")] = 8090,
    subscribe: Annotated[Flag, Parameter(help="Subscribe at the sandbox of SETSMART_BASE_URL, until Ctrl-C.")] = False,
    forward_to: Annotated[str | None, Parameter(help="Send what is genuine on to this address.")] = None,
    save: Annotated[Path | None, Parameter(help="A folder for deliveries as they came, for `webhooks verify`.")] = None,
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


def run(arguments: Sequence[str]) -> int:
    """Run the command that the arguments name; its exit code."""
    try:
        ended = app(arguments, print_error=False, exit_on_error=False)
    except CycloptsError as fault:
        return _failed(_usage(fault), ExitCode.USAGE)
    except CommandError as failure:
        return _failed(str(failure), failure.code)
    except SetSmartError as error:
        return _failed(str(error), code_for(error))
    return ended if isinstance(ended, int) else ExitCode.DONE


def _failed(text: str, code: ExitCode) -> ExitCode:
    print("setsmart:", " ".join(text.split()), file=sys.stderr)
    return code


def _usage(fault: CycloptsError) -> str:
    """What is wrong with the arguments, without their values: a stray one may be a key."""
    match fault:
        case UnusedCliTokensError():
            text = "There is an argument too many: every option starts with --."
        case UnknownOptionError() if "key" in str(fault):
            text = f"{fault} The API key is never an argument: set SETSMART_API_KEY or SETSMART_API_KEY_FILE."
        case _:
            text = str(fault)
    return f"{text} See setsmart --help."
