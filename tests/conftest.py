"""What holds for every test: loopback only, no settings from outside, no warning unheard."""

import os
from collections.abc import Iterator
from pathlib import Path

import loopback
import pytest
from hypothesis import settings

loopback.install()
# In every Python that a test starts, tests/guard/sitecustomize.py does the same.
_PYTHONPATH = (str(Path(loopback.__file__).parent), os.environ.get("PYTHONPATH", ""))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, _PYTHONPATH))

# "gate" (nox): the same examples each time. "explore" (plain pytest): new ones in every run. "fuzz": many more.
settings.register_profile("gate", derandomize=True, deadline=None)
settings.register_profile("fuzz", max_examples=3_000, deadline=None, print_blob=True)
settings.register_profile("explore", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "explore"))


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SETSMART_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _loopback_only() -> Iterator[None]:
    before = len(loopback.attempts)
    yield
    refused = loopback.attempts[before:]
    assert not refused, f"the test tried to leave this machine: {refused}"
