"""`setsmart completion …`: what Tab offers in a shell."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter
from cyclopts.completion.detect import ShellDetectionError

from setsmart_async.errors import ConfigurationError

ShellArgument = Annotated[
    Literal["bash", "zsh", "fish", "powershell"] | None, Parameter(help="The one in use, when left out.")
]

app: App = App(name="completion", help="What Tab offers in bash, zsh, fish and PowerShell.")


@app.command
def show(shell: ShellArgument = None, /) -> None:
    """Print the script for a shell."""
    from setsmart_async.cli.app import app as root

    try:
        print(root.generate_completion(shell=shell))
    except ShellDetectionError:
        raise _unknown_shell() from None


@app.command
def install(
    shell: ShellArgument = None,
    /,
    *,
    to: Annotated[
        Path | None, Parameter(metavar="FILE", help="This file alone; the shell's own start file is left as it is.")
    ] = None,
) -> None:
    """Write the script where the shell looks for it."""
    from setsmart_async.cli.app import app as root

    try:
        path = root.install_completion(shell=shell, output=to, add_to_startup=to is None)
    except ShellDetectionError:
        raise _unknown_shell() from None
    except OSError as fault:
        raise ConfigurationError(f"The script can not be written ({fault.strerror}): try --to FILE.") from None
    print(f"setsmart: written to {path}. Open a new shell to use it.", file=sys.stderr)


def _unknown_shell() -> ConfigurationError:
    return ConfigurationError("Say which shell: bash, zsh, fish or powershell.")
