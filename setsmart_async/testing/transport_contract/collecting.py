"""The suite, bound to candidates: functions and fixtures that pytest finds in the module that takes them in."""

import gc
import logging
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from types import FunctionType
from typing import Final

import pytest

from setsmart_async import HttpResponse
from setsmart_async.testing.transport_contract._suite.exchange import KEY, answer, request
from setsmart_async.testing.transport_contract._suite.stage import TESTS, ContractTest, scene
from setsmart_async.testing.transport_contract.candidates import Candidate, Gap, checked

_MODULES: Final = (
    "requests_and_answers",
    "time_and_closing",
    "wrong_answers",
    "connections",
    "bombs",
    "cancelling",
    "closing",
    "stalls",
    "trust",
)
_IN_EVERY_TEST: Final = (
    pytest.mark.usefixtures("contract_warm_up", "contract_gaps", "contract_key_stays_off_the_logs"),
    # What was not closed, not awaited, or raised where nobody could catch it.
    pytest.mark.filterwarnings("error::ResourceWarning"),
    pytest.mark.filterwarnings("error::RuntimeWarning"),
    pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning"),
)


def contract_tests(*candidates: Candidate, gaps: Sequence[Gap] = ()) -> dict[str, object]:
    """The tests of the contract for these transports, and their fixtures, by name: ``globals().update`` takes them in.

    Once for each file, with all of its candidates. A test that needs sockets is left out for a candidate without. The
    tests of a gap are expected to fail: one that passes all the same is a failure, because the gap is closed.
    Raises `ValueError` for a name that stands twice, and for a gap of a transport that is not among the candidates.
    """
    checked(candidates, gaps)
    bound: dict[str, object] = {
        "contract_warm_up": _warm_up(candidates),
        "contract_gaps": _known(gaps),
        "contract_key_stays_off_the_logs": _key_stays_off_the_logs,
    }
    for name, test in suite().items():
        fitting = [each for each in candidates if each.has_sockets or not test.needs_sockets]
        if fitting:
            bound[name] = _bound(test.function, fitting)
    return bound


def suite() -> dict[str, ContractTest]:
    """Every test of the contract, by name."""
    for module in _MODULES:
        import_module(f"setsmart_async.testing.transport_contract._suite.{module}")
    return TESTS


def _bound(function: Callable[..., None], candidates: Sequence[Candidate]) -> Callable[..., object]:
    """A copy with marks of its own: the original may be bound to others as well."""
    assert isinstance(function, FunctionType)
    code, names, closure = function.__code__, function.__globals__, function.__closure__
    copy = FunctionType(code, names, function.__name__, function.__defaults__, closure)
    copy.__doc__, copy.__module__ = function.__doc__, function.__module__
    vars(copy)["pytestmark"] = [*vars(function).get("pytestmark", ())]
    for mark in _IN_EVERY_TEST:
        mark(copy)
    return pytest.mark.parametrize("candidate", [pytest.param(each, id=each.name) for each in candidates])(copy)


def _warm_up(candidates: Sequence[Candidate]) -> object:
    @pytest.fixture(scope="module")
    def contract_warm_up() -> Iterator[None]:
        """The tests collect garbage after each loop, to hear of what was not closed: only new objects are looked at."""
        for candidate in candidates:  # what is imported with the first request would take of its time
            with scene(candidate, lambda _: HttpResponse(status=200)) as stage:
                answer(stage.make, request(stage.origin))
        gc.collect()
        gc.freeze()
        yield
        gc.unfreeze()

    return contract_warm_up


def _known(gaps: Sequence[Gap]) -> object:
    @pytest.fixture
    def contract_gaps(request: pytest.FixtureRequest, candidate: Candidate) -> None:
        """What a transport is known not to keep is expected to fail, with the reason that its users are told."""
        for gap in gaps:
            if gap.is_met_by(candidate.name, request.node.name):
                request.applymarker(pytest.mark.xfail(reason=gap.reason, run=gap.is_run, strict=True))

    return contract_gaps


@pytest.fixture(name="contract_key_stays_off_the_logs")
def _key_stays_off_the_logs(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """However much they tell."""
    caplog.set_level(logging.DEBUG)
    yield
    assert KEY not in caplog.text
    assert KEY not in str([vars(record) for record in caplog.records])
