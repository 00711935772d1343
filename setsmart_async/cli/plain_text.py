"""Texts of others, made fit for a terminal."""

from __future__ import annotations

import unicodedata
from typing import Final

_STEERING: Final = frozenset({"Cc", "Cf", "Cs"})
"""Unicode's control and format characters, and lone surrogates."""


def plain(text: str) -> str:
    """A text on one line, without control characters: a server's words must not steer the terminal."""
    if text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character in "\n\r\t\u2028\u2029":
        return " "
    return "\ufffd" if unicodedata.category(character) in _STEERING else character
