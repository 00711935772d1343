"""``--verbose``: what happens inside, on stderr."""

from __future__ import annotations

import logging
import sys
from collections.abc import Generator
from contextlib import contextmanager

from setsmart_async.cli.exit_codes import CommandError, code_for
from setsmart_async.cli.plain_text import plain
from setsmart_async.errors import ApiError
from setsmart_async.observer import LOGGER


@contextmanager
def told(verbose: bool) -> Generator[None, None, None]:
    """Show attempts, waits, pages and retries, and of an error the server's own words, until the block ends.

    Those words may quote what was sent, a guest's data too, so that they are shown to those alone who ask; others are
    told how: raises `CommandError` then.
    """
    if not verbose:
        try:
            yield
        except ApiError as error:
            if not (error.message or error.errors):
                raise
            raise CommandError(f"{error} Add -v for the server's own words.", code_for(error)) from None
        return
    handler, level = logging.StreamHandler(sys.stderr), LOGGER.level
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%H:%M:%S"))
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.DEBUG)
    try:
        yield
    except ApiError as error:
        words = [error.message, *(f"{wrong.field}: {wrong.message}" for wrong in error.errors)]
        for text in filter(None, words):
            print(f"The server says: {plain(text)}", file=sys.stderr)
        raise
    finally:
        LOGGER.removeHandler(handler)
        LOGGER.setLevel(level)
