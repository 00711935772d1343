"""A secret that sings wherever it gets out, and the search for its song."""

import base64
import logging
import pickle
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

KEY = "canary-sk-7f3a9c1e5b2d"
_OUR_TESTS = str(Path(__file__).parent.parent)
GUEST = "Kari Canarysen kari@canary.example +47 912 34 567"


def forms(secret: str) -> list[str]:
    """As it is, quoted for a URL, and in base64 wherever it may stand in a longer text."""
    shifted = [base64.b64encode(b"x" * shift + secret.encode()).decode() for shift in range(3)]
    return [secret, quote(secret, safe=""), *(text[4 : len(secret)] for text in shifted)]


def gives_away(text: str, secret: str) -> bool:
    return any(form in text for form in forms(secret))


class Ears:
    """Hears every log record at any level, and every warning."""

    def __init__(self) -> None:
        self.records: list[logging.LogRecord] = []
        self.warnings: list[warnings.WarningMessage] = []

    @property
    def heard(self) -> str:
        lines = [f"{record.getMessage()} {vars(record)}" for record in self.records]
        return "\n".join([*lines, *(str(warning.message) for warning in self.warnings)])


@contextmanager
def listening() -> Iterator[Ears]:
    ears = Ears()

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            ears.records.append(record)

    handler, root = Handler(level=0), logging.getLogger()
    loggers = [root, *(logging.getLogger(name) for name in list(logging.root.manager.loggerDict))]
    levels = [logger.level for logger in loggers]
    root.addHandler(handler)
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            ears.warnings = caught
            yield ears
    finally:
        root.removeHandler(handler)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def shown_by(error: BaseException) -> str:
    """Everything that a log, a crash reporter or a worker process would make of an error."""
    parts = [str(error), repr(error), "".join(traceback.format_exception(error))]
    trace = traceback.TracebackException.from_exception(error, capture_locals=True)
    parts += [str(frame.locals) for frame in trace.stack if not frame.filename.startswith(_OUR_TESTS)]
    parts += [repr(part) for part in reachable(error)]
    parts.append(pickle.dumps(error, protocol=0).decode("latin-1"))
    return "\n".join(parts)


def said_by(error: BaseException) -> str:
    """Its texts alone: what may be shown to people. `message` and `errors` are the server's own words, and apart."""
    return "\n".join([str(error), repr(error), str(error.args), *map(str, getattr(error, "__notes__", ()))])


def reachable(thing: object, seen: set[int] | None = None) -> Iterator[object]:
    """The thing, its causes, contexts, notes, arguments and attributes, and theirs."""
    seen = set() if seen is None else seen
    if id(thing) in seen:
        return
    seen.add(id(thing))
    yield thing
    inner: list[object] = []
    if isinstance(thing, BaseException):
        inner += [thing.__cause__, thing.__context__, *getattr(thing, "__notes__", ()), *thing.args]
    if isinstance(thing, list | tuple | set | frozenset):
        inner += thing
    if isinstance(thing, dict):
        inner += [*thing, *thing.values()]
    inner += vars(thing).values() if hasattr(thing, "__dict__") and not isinstance(thing, type) else []
    for each in inner:
        if each is not None:
            yield from reachable(each, seen)
