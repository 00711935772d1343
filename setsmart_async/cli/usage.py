"""What was wrong with a command as it was typed, in one line, and never with what may be a key."""

from __future__ import annotations

import re
from typing import Final

from cyclopts import (
    CoercionError,
    CycloptsError,
    MissingArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
)

_WORD: Final = re.compile(r"[a-z]+(?:-[a-z]+)*")
"""What may be a mistyped command; anything else may be a key, and is not shown."""


def usage_text(fault: CycloptsError) -> str:
    """What is wrong with the arguments, without their values: a stray one may be a key."""
    match fault:
        case UnusedCliTokensError():
            text = "There is an argument too many: every option starts with --."
        case UnknownOptionError() if "key" in str(fault):
            said = str(fault).replace(fault.token.value, fault.token.value.partition("=")[0])
            text = f"{said} The API key is never an argument: set SETSMART_API_KEY or SETSMART_API_KEY_FILE."
        case UnknownCommandError():
            token = (fault.unused_tokens or [""])[0]
            text = str(fault)
            if not _WORD.fullmatch(token):
                text = text.replace(f' "{token}"', "", 1)
            if token.startswith("-"):
                text = f"{text} Options go behind the command."
            if "key" in token:
                text = f"{text} The API key is never an argument: set SETSMART_API_KEY or SETSMART_API_KEY_FILE."
        case MissingArgumentError() if (
            fault.argument is not None and fault.keyword is None and not fault.argument.tokens
        ):
            _, instead, hint = str(fault).partition(" Did you mean ")
            text = f"{fault.argument.name} is needed.{instead}{hint}"
        case CoercionError() if fault.token is not None and fault.token.keyword == "--api-key-stdin":
            text = "--api-key-stdin takes no value: it reads the key from stdin."
        case _:
            text = str(fault)
    return f"{text} See {' '.join(['setsmart', *(fault.command_chain or ())])} --help."
