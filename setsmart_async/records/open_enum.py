"""Enumerations that the server may extend without breaking its clients."""

from __future__ import annotations

from typing import ClassVar


class OpenEnum(str):
    """A text with members that are known by name; any other text is kept as it came.

    Compares, sorts and hashes as its text: ``villa.status == "active"``.
    """

    __slots__ = ()
    members: ClassVar[frozenset[str]] = frozenset()
    """The texts that this version of the library knows."""

    def __init_subclass__(cls, *, members: tuple[str, ...] = ()) -> None:
        cls.members = frozenset(members)
        for member in members:
            setattr(cls, member.upper(), cls(member))

    @property
    def known(self) -> bool:
        """Whether this version of the library knows the value."""
        return str(self) in self.members

    def __str__(self) -> str:
        return str.__str__(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str.__repr__(self)})"
