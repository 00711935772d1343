"""What every resource with a store can do."""

from __future__ import annotations

from collections.abc import Mapping

from setsmart_async.sandbox.answers import RefusedError
from setsmart_async.sandbox.checks import Shape
from setsmart_async.sandbox.filters import Filter
from setsmart_async.sandbox.listing import Pager
from setsmart_async.sandbox.question import Question, Success, Tell
from setsmart_async.sandbox.store import RecordStore
from setsmart_async.wire import JsonObject


class StoredResource:
    """The operations on the records of one store."""

    def __init__(
        self, store: RecordStore, shape: Shape, filters: Mapping[str, Filter], pager: Pager, tell: Tell
    ) -> None:
        self.store: RecordStore = store
        self._shape = shape
        self._filters = filters
        self._pager = pager
        self._tell = tell

    def list(self, question: Question) -> Success:
        """One page."""
        return self._pager.answer(question, self.store, self._filters)

    def get(self, question: Question) -> Success:
        """One record."""
        return Success(body=self.found(question.identifier))

    def delete(self, question: Question) -> Success:
        """Remove one record."""
        if not self.store.delete(question.identifier):
            raise self.not_found()
        return Success(body={"id": question.identifier, "deleted": True}, holds="nothing")

    def found(self, identifier: str) -> JsonObject:
        """The record of an id. Raises `RefusedError` (404)."""
        record = self.store.get(identifier)
        if record is None:
            raise self.not_found()
        return record

    def not_found(self) -> RefusedError:
        """The refusal of an id that there is not."""
        return RefusedError(404, "not_found", f"There is no {self.store.kind.name} with this id.")
