"""Lengths of time, as people write and read them."""

from __future__ import annotations

import re
from typing import Final

from setsmart_async.errors import ConfigurationError

_WRITTEN: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)?")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds_of(text: str, option: str) -> float:
    """A length of time in seconds: ``10``, ``2s``, ``500ms``, ``1m``, ``1h``; a bare number means seconds.

    Raises `ConfigurationError`, which names the option, for anything else.
    """
    written = _WRITTEN.fullmatch(text.strip())
    if written is None:
        raise ConfigurationError(f"{option} is a length of time such as 10, 2s, 500ms, 1m or 1h, not {text!r}.")
    return float(written[1]) * _SECONDS[written[2] or "s"]


def in_words(seconds: float) -> str:
    """So many seconds for a person: ``0.4 s``, ``12 s``, ``3 min 5 s``, ``2 h 4 min``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
