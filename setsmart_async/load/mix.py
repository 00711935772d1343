"""Which operations are called, and how often each."""

from __future__ import annotations

import math
import re
from itertools import accumulate
from random import Random
from typing import Final

import attrs

from setsmart_async.contract import CONTRACT
from setsmart_async.errors import ConfigurationError
from setsmart_async.priority import Priority

OFFERED: Final = tuple(name for name in CONTRACT if not name.startswith("webhooks."))
"""What a mix can name: the contract without webhook subscriptions, to which the sandbox would deliver."""

DEFAULT: Final = "properties.get=80,properties.list=15,properties.update=5"
"""Documented endpoints only, and mostly reads."""

_ENTRY: Final = re.compile(r"([a-z_]+\.[a-z_]+)(?:@([a-z]+))?=([0-9]+(?:\.[0-9]+)?)")


@attrs.frozen
class MixEntry:
    """One kind of call."""

    operation: str
    """Its name in the contract, such as ``properties.get``."""
    weight: float
    priority: Priority = Priority.NORMAL

    @property
    def name(self) -> str:
        """As it was written: ``properties.get@interactive``."""
        if self.priority is Priority.NORMAL:
            return self.operation
        return f"{self.operation}@{self.priority.name.lower()}"


@attrs.frozen
class Mix:
    """Kinds of calls with their weights."""

    entries: tuple[MixEntry, ...]

    @classmethod
    def parse(cls, text: str) -> Mix:
        """Read ``properties.get=80,reservations.create@interactive=5``. Weights are relative and need no sum.

        A priority stands behind an ``@``. Raises `ConfigurationError`, which says what is wrong.
        """
        entries = tuple(_entry(part.strip()) for part in text.split(",") if part.strip())
        if not entries:
            raise ConfigurationError(f"--mix names no operation; such as {DEFAULT}.")
        names = [entry.name for entry in entries]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ConfigurationError(f"--mix names {twice} twice: give it one weight.")
        return cls(entries)

    def share(self, operation: str) -> float:
        """Of all calls, those of an operation: 0 to 1."""
        total = sum(entry.weight for entry in self.entries)
        return sum(entry.weight for entry in self.entries if entry.operation == operation) / total

    def chooser(self, random: Random) -> MixChooser:
        """What draws calls in these proportions."""
        return MixChooser(self, random)

    def __str__(self) -> str:
        return ",".join(f"{entry.name}={entry.weight:g}" for entry in self.entries)


class MixChooser:
    """Draws one kind of call after the other."""

    def __init__(self, mix: Mix, random: Random) -> None:
        self._entries = mix.entries
        self._upto = list(accumulate(entry.weight for entry in mix.entries))
        self._random = random

    def next(self) -> MixEntry:
        """The next call's kind."""
        return self._random.choices(self._entries, cum_weights=self._upto)[0]


def _entry(part: str) -> MixEntry:
    written = _ENTRY.fullmatch(part)
    if written is None:
        raise ConfigurationError(f"--mix: {part!r} is not of the form properties.get=80 or properties.get@bulk=80.")
    operation, priority, weight = written[1], written[2], float(written[3])
    if operation not in OFFERED:
        raise ConfigurationError(f"--mix: there is no operation {operation!r}; there are {', '.join(OFFERED)}.")
    names = [each.name.lower() for each in Priority]
    if priority is not None and priority not in names:
        raise ConfigurationError(f"--mix: there is no priority {priority!r}; there are {', '.join(names)}.")
    if not (math.isfinite(weight) and weight > 0):
        raise ConfigurationError(f"--mix: the weight of {operation} must be more than 0; leave it out instead.")
    return MixEntry(operation, weight, Priority.NORMAL if priority is None else Priority[priority.upper()])
