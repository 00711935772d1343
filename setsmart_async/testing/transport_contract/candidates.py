"""What the suite must know of a transport."""

import re
from collections.abc import Callable, Iterable

import attrs

from setsmart_async.transports.base import Transport


@attrs.frozen
class Candidate:
    """A transport that is held to the contract, and what a test must know to set the scene for it."""

    name: str
    """Stands in the tests' ids."""
    make: Callable[..., Transport]
    """The class, or a function that makes one; called outside a loop too, and with keywords only.

    With sockets it takes `ssl_context`, `connect_timeout` in seconds and `max_response_bytes`, each of them optional.
    Without, it takes the handler first, a function from `HttpRequest` to `HttpResponse`, and `latency` in seconds and
    `max_response_bytes`.
    """
    has_sockets: bool = True
    """False for one that answers in memory: what is said of bytes and connections means nothing to it."""


@attrs.frozen
class Gap:
    """A promise, or a part of one, that a transport does not keep: its tests are expected to fail, and must."""

    transports: tuple[str, ...]
    """The candidates' names."""
    tests: str
    """A regular expression that is found in the names of the tests that show it, parameters included."""
    promises: tuple[int, ...]
    """Their numbers in ``docs/promises.md``."""
    reason: str
    """What the transport does instead."""
    is_run: bool = True
    """False where the test takes long, or leaves something behind for the tests after it."""

    def is_met_by(self, transport: str, test: str) -> bool:
        """Whether this test, with its parameters, shows it on this transport."""
        return transport in self.transports and re.search(self.tests, test) is not None


def checked(candidates: Iterable[Candidate], gaps: Iterable[Gap]) -> None:
    """Raises `ValueError` where there is nothing to test, a name stands twice, or a gap belongs to nobody."""
    names = [candidate.name for candidate in candidates]
    if not names:
        raise ValueError("contract_tests needs a Candidate to test.")
    if len(set(names)) < len(names):
        raise ValueError(f"Each Candidate needs a name of its own: {names}.")
    for gap in gaps:
        if unknown := set(gap.transports) - set(names):
            raise ValueError(f"A Gap names {sorted(unknown)}, which is none of the candidates {names}.")
