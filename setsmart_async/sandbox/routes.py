"""Which operation of the contract a request is."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote

import attrs

from setsmart_async.contract import Operation
from setsmart_async.sandbox.answers import RefusedError


@attrs.frozen
class Route:
    """Where a request goes."""

    operation: Operation
    identifier: str
    """What stands for ``{id}`` in the path, decoded; empty where the path has none."""


class Routes:
    """The paths of a table of operations. Each template holds ``{id}`` within one segment, or not at all."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._by_path: dict[tuple[str, ...], dict[str, Operation]] = {}
        self._affixes: dict[tuple[str, str], None] = {}
        for operation in operations:
            template = tuple(operation.path.split("/"))
            self._by_path.setdefault(template, {})[operation.method] = operation
            for segment in template:
                before, found, behind = segment.partition("{id}")
                if found:
                    self._affixes[before, behind] = None

    def find(self, method: str, path: str) -> Route | RefusedError:
        """The operation of a method and an encoded path, or the 404 or 405 that it is to be answered with."""
        segments = tuple(path.split("/"))
        methods, identifier = self._by_path.get(segments), ""
        if methods is None:
            methods, identifier = self._with_identifier(segments)
        if methods is None:
            return RefusedError(404, "not_found", "There is no such endpoint.")
        operation = methods.get(method)
        if operation is None:
            allowed = ", ".join(sorted(methods))
            text = f"This endpoint takes {allowed} only."
            return RefusedError(405, "method_not_allowed", text, headers=[("Allow", allowed)])
        return Route(operation, identifier)

    def _with_identifier(self, segments: tuple[str, ...]) -> tuple[dict[str, Operation] | None, str]:
        for index in range(len(segments) - 1, 0, -1):
            segment = segments[index]
            for before, behind in self._affixes:
                template = (*segments[:index], f"{before}{{id}}{behind}", *segments[index + 1 :])
                methods = self._by_path.get(template)
                if methods is None or not (segment.startswith(before) and segment.endswith(behind)):
                    continue
                if len(segment) > len(before) + len(behind):
                    return methods, unquote(segment[len(before) : len(segment) - len(behind)])
        return None, ""
