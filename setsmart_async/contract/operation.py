"""One thing that can be asked of the API."""

from __future__ import annotations

import attrs

from setsmart_async.policy.retry import RetryClass


@attrs.frozen(kw_only=True)
class Operation:
    """One row of the table of endpoints."""

    name: str
    """Resource and verb: ``properties.list``."""
    method: str
    path: str
    """Path template; ``{id}`` stands for one encoded segment."""
    retry_class: RetryClass
    documented: bool = False
    """False: provisional, assumed from the field's conventions."""
    parameters: tuple[str, ...] = ()
    """Query parameters that it takes beside those of paging; all of them provisional."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def resource(self) -> str:
        """The name's first part: ``properties``."""
        return self.name.partition(".")[0]
