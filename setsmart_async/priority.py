"""Who goes first when quota is short."""

from enum import IntEnum


class Priority(IntEnum):
    """The class a call waits in: lower goes first, first come first served inside a class."""

    INTERACTIVE = 0
    """Somebody is waiting for the answer."""
    NORMAL = 1
    """The default."""
    BULK = 2
    """Syncs and back-fills, which can wait."""
