"""`setsmart sync` and `setsmart sync status`, as they are called."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from cyclopts import App, Parameter

from setsmart_async.cli.durations import seconds_of
from setsmart_async.cli.exit_codes import ExitCode
from setsmart_async.errors import ConfigurationError

if TYPE_CHECKING:  # it brings SQLAlchemy, which help needs not
    from setsmart_async.sync import ResourceName

sync_app: App = App(
    name="sync",
    help="Bring an account into a database, and keep it there.",
    suppress_keyboard_interrupt=False,  # `main` says what is kept
)

Flag = Annotated[bool, Parameter(negative=(), show_default=False)]
RESOURCES: Final[tuple[ResourceName, ...]] = ("properties", "reservations", "calendar", "conversations")
DatabaseOption = Annotated[
    str,
    Parameter(
        help="The database, as a URL of SQLite or PostgreSQL; -: none, each record as JSON on stdout.",
        allow_leading_hyphen=True,
    ),
]


@sync_app.default
async def sync(
    *resources: Annotated[
        str, Parameter(help=f"What to sync: {', '.join(RESOURCES)}. All but the calendar, when nothing is named.")
    ],
    sandbox: Annotated[Flag, Parameter(help="From a sandbox that lives as long as the command.")] = False,
    base_url: Annotated[
        str | None, Parameter(help="From this server instead of production or SETSMART_BASE_URL.")
    ] = None,
    to: DatabaseOption = "sqlite:///setsmart.db",
    mode: Annotated[
        Literal["full", "incremental", "hydrate"],
        Parameter(help="All of the list, what has changed since the last time, or all and each record by its id."),
    ] = "full",
    dry_run: Annotated[Flag, Parameter(help="Say what would be done, and write nothing.")] = False,
    full_refresh: Annotated[
        Flag, Parameter(help="From the first page, and the server's word counts where a row claims to be newer.")
    ] = False,
    reset: Annotated[Flag, Parameter(help="Forget checkpoints and bookmarks first. No row is removed.")] = False,
    page_size: Annotated[int, Parameter(help="Records in a page.")] = 100,
    days: Annotated[int, Parameter(help="How many days of a calendar.")] = 365,
    overlap: Annotated[str, Parameter(help="How far an incremental sync reaches back: 300, 5m, 1h.")] = "5m",
    min_seen: Annotated[
        float, Parameter(help="Share of the rows that must have been listed before others are marked as deleted.")
    ] = 0.8,
    account: Annotated[
        str | None, Parameter(help="A name for the account, which the database then knows it by, whatever its key.")
    ] = None,
    new_key: Annotated[
        Flag, Parameter(help="The database's account has a new API key: say so once after a rotation.")
    ] = False,
    changes: Annotated[Flag, Parameter(help="Each new, changed and deleted record as a JSON line on stdout.")] = False,
    json: Annotated[Flag, Parameter(help="The summary as one JSON object on stdout.")] = False,
) -> int:
    """Bring an account into a database, and keep it there.

    Interrupted at any instant, the same command goes on where it was. A record that is gone is marked as deleted,
    after the server has said so for its id; no row is ever removed.
    """
    from setsmart_async.cli.sync import SyncOptions, sync_into_database

    options = SyncOptions(
        resources=[_resource(name) for name in resources],
        sandbox=sandbox,
        base_url=base_url,
        to=to,
        mode=mode,
        dry_run=dry_run,
        full_refresh=full_refresh,
        reset=reset,
        page_size=page_size,
        days_ahead=days,
        overlap=seconds_of(overlap, "--overlap"),
        min_seen=min_seen,
        account=account,
        new_key=new_key,
        changes=changes,
        json=json,
    )
    await sync_into_database(options)
    return ExitCode.DONE


@sync_app.command(name="status")
def status(
    *,
    to: Annotated[str, Parameter(help="The database, as a URL.")] = "sqlite:///setsmart.db",
    json: Annotated[Flag, Parameter(help="As one JSON object.")] = False,
) -> int:
    """Show whose a database is and how far it has come. Asks the server nothing."""
    from setsmart_async.cli.sync_status import show_status

    show_status(to, json=json)
    return ExitCode.DONE


@sync_app.command(name="accounts")
async def accounts(
    file: Annotated[Path, Parameter(help="A TOML file with a table [accounts.NAME] for each account.")],
    *,
    at_once: Annotated[int, Parameter(help="How many accounts at the same time.")] = 8,
    mode: Annotated[
        Literal["full", "incremental", "hydrate"], Parameter(help="As in `setsmart sync`, for all of them.")
    ] = "full",
    dry_run: Annotated[Flag, Parameter(help="Say what would be done, and write nothing.")] = False,
    page_size: Annotated[int, Parameter(help="Records in a page.")] = 100,
    json: Annotated[Flag, Parameter(help="The summary as one JSON object on stdout.")] = False,
) -> int:
    """Bring many accounts into databases of their own. One that fails does not stop the others."""
    from setsmart_async.cli.sync_accounts import sync_accounts
    from setsmart_async.sync import SyncSettings

    settings = SyncSettings(mode=mode, dry_run=dry_run, page_size=page_size)
    await sync_accounts(file, at_once=at_once, settings=settings, json=json)
    return ExitCode.DONE


def _resource(name: str) -> ResourceName:
    """Raises `ConfigurationError` for another name, without it: it may be a key that strayed."""
    for known in RESOURCES:
        if name == known:
            return known
    raise ConfigurationError(
        f"There is an argument too many: what can be named is {', '.join(RESOURCES)}; every option starts with --."
    )
