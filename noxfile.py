"""All checks: `nox` runs lint, types and tests. `nox -l` lists the rest; what follows `--` goes to pytest."""

import os
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

import nox

nox.needs_version = ">=2026.4"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False  # the matrix runs on the Pythons that are there

PYPROJECT = nox.project.load_toml("pyproject.toml")
EXTRAS = ".[cli,sync]"
PACKAGE_DATA = ("setsmart_async/py.typed", "setsmart_async/sandbox/listings.csv.gz", "setsmart_async/sandbox/live.html")

# The examples that hypothesis tries are the same in every run; HYPOTHESIS_PROFILE=explore looks for new ones.
# With a safe path the folder that pytest starts in is not importable: the tests meet the installed package.
TEST_ENV = {
    "HYPOTHESIS_PROFILE": os.environ.get("HYPOTHESIS_PROFILE", "gate"),
    "PYTHONSAFEPATH": "1",
}


def group(name: str) -> list[str]:
    """The requirements of a dependency group in pyproject.toml."""
    return list(nox.project.dependency_groups(PYPROJECT, name))


@nox.session
def lint(session: nox.Session) -> None:
    """Style, likely bugs, formatting, spelling."""
    session.install(*group("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("codespell")


@nox.session
def types(session: nox.Session) -> None:
    """The two type checkers, and slotscheck for what neither of them sees."""
    session.install("-e", EXTRAS, *group("types"))
    session.run("mypy")
    session.run("pyright")
    session.run("pyright", "--verifytypes", "setsmart_async", "--ignoreexternal")
    session.run("python", "-m", "slotscheck", "setsmart_async")


@nox.session
def tests(session: nox.Session) -> None:
    """The tests, against the package as it is installed."""
    session.install(EXTRAS, *group("test"))
    session.run("pytest", "-n", "auto", *session.posargs, env=TEST_ENV)


@nox.session(default=False)
def coverage(session: nox.Session) -> None:
    """The tests again, and the lines and branches that none of them reaches."""
    session.install(EXTRAS, *group("test"))
    session.run("coverage", "run", "-m", "pytest", *session.posargs, env=TEST_ENV)
    session.run("coverage", "combine")
    session.run("coverage", "report")


@nox.session(default=False, python=nox.project.python_versions(PYPROJECT))
def matrix(session: nox.Session) -> None:
    """The tests on every Python that pyproject.toml names; one that is not installed is skipped."""
    session.install(EXTRAS, *group("test"))
    session.run("pytest", "-n", "auto", *session.posargs, env=TEST_ENV)


@nox.session(default=False, venv_backend="uv")
def lowest(session: nox.Session) -> None:
    """The tests with the oldest dependencies that pyproject.toml allows."""
    session.install("--resolution", "lowest-direct", EXTRAS, *group("test"))
    session.run("pytest", "-n", "auto", *session.posargs, env=TEST_ENV)


@nox.session(default=False)
def soak(session: nox.Session) -> None:
    """A million calls of every kind, and what they leave behind: nothing. SOAK_CALLS sets another number."""
    session.install(EXTRAS, *group("test"))
    session.run("pytest", "tests/soak/leaks.py", "-s", "--timeout=0", *session.posargs, env=TEST_ENV)


@nox.session(default=False)
def browser(session: nox.Session) -> None:
    """The sandbox's live page in Chromium, while a sync runs. Needs: apt-get install chromium chromium-driver."""
    session.install(EXTRAS, *group("test"), "selenium>=4.30")
    session.run("pytest", "tests/browser/live_page.py", *session.posargs, env=TEST_ENV)


@nox.session(default=False)
def schemathesis(session: nox.Session) -> None:
    """Schemathesis against the sandbox over HTTP, by its own OpenAPI document; what follows `--` goes to it."""
    session.install(".", "schemathesis>=4.32")
    session.run("python", "tests/sandbox/schemathesis_run.py", *session.posargs)


@nox.session(default=False)
def fuzz(session: nox.Session) -> None:
    """What comes from outside (webhooks, headers, bodies, pages), with examples that no run has tried before."""
    session.install(EXTRAS, *group("test"))
    fuzzed = ("tests/webhooks/test_fuzz.py", "tests/unit", "tests/records", "tests/sandbox")
    tests = session.posargs or fuzzed
    session.run("pytest", "-n", "auto", "--timeout=0", *tests, env={**TEST_ENV, "HYPOTHESIS_PROFILE": "fuzz"})


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """The limiter beside its peers, into benchmarks/results; `-- --quick` for a first look."""
    session.install(".", *group("bench"))
    session.run("python", "benchmarks/limiter.py", *session.posargs)


@nox.session(default=False)
def wheel(session: nox.Session) -> None:
    """What would be published: built, looked into, installed beside nothing else, and tested from the sdist."""
    session.install(*group("build"))
    tmp = Path(session.create_tmp())
    shutil.rmtree(tmp)
    session.run("python", "-m", "build", "--outdir", str(tmp / "dist"))  # the wheel is made from the sdist
    (sdist,) = (tmp / "dist").glob("*.tar.gz")
    (built,) = (tmp / "dist").glob("*.whl")
    session.run("twine", "check", "--strict", str(sdist), str(built))

    with zipfile.ZipFile(built) as archive:
        missing = set(PACKAGE_DATA) - set(archive.namelist())
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp, filter="data")
    checkout = tmp / sdist.name.removesuffix(".tar.gz")
    missing |= {name for name in PACKAGE_DATA if not (checkout / name).is_file()}
    if missing:
        session.error(f"not in wheel and sdist: {', '.join(sorted(missing))}")

    session.run(sys.executable, "-m", "venv", str(tmp / "venv"), external=True)
    scripts = tmp.resolve() / "venv" / ("Scripts" if os.name == "nt" else "bin")
    python = str(scripts / "python")
    pip = (python, "-m", "pip", "install", "--quiet")
    session.run(*pip, str(built), external=True)
    hint = session.run(str(scripts / "setsmart"), external=True, silent=True, success_codes=range(1, 128))
    if "pip install 'setsmart_async[cli]'" not in str(hint) or len(str(hint).splitlines()) != 1:
        session.error(f"without its extra, `setsmart` should say in one line what to install; it said: {hint}")

    session.run(*pip, f"{built}[cli,sync]", *group("test"), external=True)
    shutil.rmtree(checkout / "setsmart_async")
    with session.chdir(checkout):
        session.run(python, "-m", "pytest", *session.posargs, env=TEST_ENV, external=True)
