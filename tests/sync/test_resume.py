"""A run that ends at any instant is gone on with by the next one: nothing twice, nothing lost."""

import asyncio
from pathlib import Path

import pytest
from sync.scene import STYLES, account, held, query_of, state, steps, stored, sync, table

from setsmart_async import (
    BadRequestError,
    HttpRequest,
    HttpResponse,
    PermissionDeniedError,
    ServerError,
)
from setsmart_async.sandbox.api import SandboxApi
from setsmart_async.sandbox.listing import PagingStyle
from setsmart_async.sync import SyncProgress, store
from setsmart_async.sync.pass_records import save_pass
from setsmart_async.sync.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "setsmart.db"


class PowerCutError(Exception):
    """No error of ours: what ends a run that nothing prepared for."""


def refusing(api: SandboxApi, request_number: int, status: int = 403) -> None:
    """Answer this request with an error; before and after, all is well."""
    seen = 0

    def intercept(_: HttpRequest) -> HttpResponse | None:
        nonlocal seen
        seen += 1
        return HttpResponse(status=status) if seen == request_number else None

    api.intercept = intercept


@pytest.mark.parametrize("paging", STYLES)
@pytest.mark.parametrize("failing", range(1, 7))
def test_a_failure_at_any_page_loses_nothing(path: Path, paging: PagingStyle, failing: int) -> None:
    api = account(55, paging)
    refusing(api, failing)
    with pytest.raises(PermissionDeniedError):
        sync(api, path, in_flight=1)
    kept = len(stored(path))
    assert kept == 10 * (failing - 1)
    api.intercept = None
    result = sync(api, path)
    assert stored(path) == held(api)
    assert (result.resumed_from, result.new, result.requests) == (kept, 55 - kept, 7 - failing)
    assert state(path)["repeated"] == 0
    assert {row["generation"] for row in table(path)} == {state(path)["generation"]}


@pytest.mark.parametrize("failing", [2, 9, 17, 30])
def test_pages_before_a_failed_one_are_kept_though_those_behind_came_first(path: Path, failing: int) -> None:
    api = account(300, "page")

    def intercept(request: HttpRequest) -> HttpResponse | None:
        return HttpResponse(status=403) if query_of(request).get("page") == str(failing) else None

    api.intercept = intercept
    with pytest.raises(PermissionDeniedError):
        sync(api, path, latency=0.001)
    assert len(stored(path)) == 10 * (failing - 1)
    api.intercept = None
    result = sync(api, path)
    assert result.requests == 30 - (failing - 1)
    assert stored(path) == held(api)


@pytest.mark.parametrize("paging", ["cursor", "page"])
def test_a_cancelled_run_goes_on(path: Path, paging: PagingStyle) -> None:
    api = account(1000, paging)

    def cancel(progress: SyncProgress) -> None:
        if progress.done >= 200:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()

    with pytest.raises(asyncio.CancelledError):
        sync(api, path, latency=0.001, progress=cancel)
    kept, asked = len(stored(path)), api.statistics.requests
    assert 200 <= kept < 1000
    result = sync(api, path)
    assert (result.resumed_from, result.new) == (kept, 1000 - kept)
    assert api.statistics.requests - asked == (1000 - kept) // 10
    assert stored(path) == held(api)


@pytest.mark.parametrize("paging", ["cursor", "page"])
def test_progress_of_a_resumed_run_begins_where_the_first_ended(path: Path, paging: PagingStyle) -> None:
    api = account(60, paging)
    refusing(api, 4)
    with pytest.raises(PermissionDeniedError):
        sync(api, path, in_flight=1)
    api.intercept = None
    seen, tell = steps()
    sync(api, path, progress=tell)
    assert seen[0] == SyncProgress(done=30, resumed_from=30, total=60)
    assert seen[-1] == SyncProgress(done=60, resumed_from=30, total=60)


def test_rows_and_checkpoint_are_written_together_or_not_at_all(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    api, saved = account(60), 0

    def cut_off(*args: object, **kwargs: object) -> None:
        nonlocal saved
        saved += 1
        if saved == 3:  # the pass's beginning, a page, and then
            raise PowerCutError
        save_pass(*args, **kwargs)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(store, "save_pass", cut_off)
    with pytest.raises(PowerCutError):
        sync(api, path, latency=0.02)
    assert len(stored(path)) == 10 * state(path)["pages"] > 0
    monkeypatch.undo()
    sync(api, path)
    assert stored(path) == held(api)
    assert state(path)["repeated"] == 0


def test_cut_off_behind_the_last_page_only_the_verdict_is_left(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    api = account(30)

    def cut_off(*_: object, **__: object) -> None:
        raise PowerCutError

    monkeypatch.setattr(Store, "finish", cut_off)
    with pytest.raises(PowerCutError):
        sync(api, path)
    monkeypatch.undo()
    result = sync(api, path)
    assert (result.requests, result.resumed_from, result.records) == (0, 30, 30)
    assert state(path)["completed_at"] is not None
    assert sync(api, path).requests == 3


def test_a_finished_run_is_followed_by_a_new_pass(path: Path) -> None:
    api = account(30)
    sync(api, path)
    assert state(path)["generation"] == 1
    assert sync(api, path).requests == 3
    assert state(path)["generation"] == 2


def test_another_page_size_starts_a_new_pass(path: Path) -> None:
    """Page 4 of 10 is not page 4 of 20."""
    api = account(60, "page")
    refusing(api, 4)
    with pytest.raises(PermissionDeniedError):
        sync(api, path, in_flight=1)
    api.intercept = None
    result = sync(api, path, page_size=20)
    assert (result.resumed_from, result.requests) == (0, 3)
    assert stored(path) == held(api)


def test_a_checkpoint_that_the_server_has_forgotten_starts_a_new_pass(path: Path) -> None:
    api = account(60)
    refusing(api, 4)
    with pytest.raises(PermissionDeniedError):
        sync(api, path)
    forgotten = state(path)["checkpoint"]

    asked: list[str] = []

    def intercept(request: HttpRequest) -> HttpResponse | None:
        asked.append(request.target)
        return HttpResponse(status=400) if request.target.endswith(forgotten) and len(asked) == 1 else None

    api.intercept = intercept
    result = sync(api, path)
    assert (result.resumed_from, result.records, result.requests) == (0, 60, 7)
    assert stored(path) == held(api)


def test_a_page_refused_in_the_middle_is_no_forgotten_checkpoint(path: Path) -> None:
    api = account(60)
    refusing(api, 4, status=400)
    with pytest.raises(BadRequestError):
        sync(api, path)
    assert len(stored(path)) == 30
    refusing(api, 2, status=400)
    with pytest.raises(BadRequestError):
        sync(api, path)
    assert (len(stored(path)), state(path)["generation"]) == (40, 1)


def test_a_server_that_fails_for_good_is_told_as_it_is(path: Path) -> None:
    api = account(60)
    api.intercept = lambda request: HttpResponse(status=500) if "cursor" in request.target else None
    with pytest.raises(ServerError) as caught:
        sync(api, path)
    assert len(caught.value.attempts) == 5
    assert len(stored(path)) == 10
