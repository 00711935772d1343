"""Enumerations that the server may extend without breaking its clients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self


class OpenEnum(str):
    """A text with members that are known by name; any other text is kept as it came.

    Compares, sorts and hashes as its text: ``villa.status == "active"``. A second spelling of a member, such as
    ``canceled`` for ``cancelled``, reads as that member and is sent back as it came (`raw`).
    """

    __slots__ = ("raw",)
    raw: str
    """The text as the server spelt it, which is what is sent back."""
    members: ClassVar[frozenset[str]] = frozenset()
    """The texts that this version of the library knows."""
    spellings: ClassVar[Mapping[str, str]] = {}
    """Other spellings of members, and the member that each stands for."""

    def __init_subclass__(cls, *, members: tuple[str, ...] = (), spellings: Mapping[str, str] | None = None) -> None:
        cls.members = frozenset(members)
        cls.spellings = dict(spellings or {})
        for member in members:
            setattr(cls, member.upper().replace(".", "_").replace("*", "ALL"), cls(member))

    def __new__(cls, text: str) -> Self:
        """The value of this text, known or not."""
        raw = text.raw if isinstance(text, OpenEnum) else text
        value = super().__new__(cls, cls.spellings.get(raw, raw))
        value.raw = raw
        return value

    @property
    def known(self) -> bool:
        """Whether this version of the library knows the value."""
        return str(self) in self.members

    def __str__(self) -> str:
        return str.__str__(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.raw!r})"

    def __reduce__(self) -> tuple[type[Self], tuple[str]]:
        return type(self), (self.raw,)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self
