"""What several of these tests need: any JSON, and what can be read off an error."""

import traceback
from collections.abc import Iterator
from pathlib import Path

from hypothesis import strategies as st

import setsmart_async
from setsmart_async.wire import Json

CANARY = "Kari Nordmann +47 912 34 567"
"""Stands for what must not be shown: a guest's words, a secret."""

_PACKAGE = str(Path(setsmart_async.__file__).parent)


def json_values(texts: st.SearchStrategy[str] | None = None, *, leaves: int = 12) -> st.SearchStrategy[Json]:
    """Any value that a JSON text can hold, with these texts as its strings and names."""
    strings = st.text(st.characters(exclude_categories=["Cs"])) if texts is None else texts
    numbers = st.integers() | st.just(10**400) | st.floats(allow_nan=False, allow_infinity=False)
    scalars: st.SearchStrategy[Json] = st.none() | st.booleans() | numbers | strings
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(strings, inner, max_size=4),
        max_leaves=leaves,
    )


def everything_on(error: BaseException) -> str:
    """All that an error and the errors behind it carry, as text."""
    return "\n".join(_texts(error, set()))


def _texts(error: BaseException | None, seen: set[int]) -> Iterator[str]:
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    yield f"{error} {error!r} {error.args!r} {vars(error)!r}"
    yield from (str(value) for value in error.args)
    yield from getattr(error, "__notes__", ())
    yield from _texts(error.__cause__, seen)
    yield from _texts(error.__context__, seen)


def library_locals(error: BaseException) -> str:
    """The local variables of this library's frames, as a traceback with locals would show them."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "\n".join(str(frame.locals) for frame in shown.stack if frame.filename.startswith(_PACKAGE))
