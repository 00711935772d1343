"""All checks: `nox` runs lint, types and tests. `nox -l` lists the rest; what follows `--` goes to pytest."""

import json
import os
import shutil
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import nox

nox.needs_version = ">=2026.4"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False  # the matrix runs on the Pythons that are there

PYPROJECT = nox.project.load_toml("pyproject.toml")
EXTRAS = ".[cli,sync]"
BENCHMARKS = ("overhead", "codec", "bulk", "imports", "memory", "transports", "limiter", "shared_quota", "sync")

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
def kills(session: nox.Session) -> None:
    """A sync that is killed 200 times on SQLite and 200 times on PostgreSQL: nothing lost, nothing twice."""
    session.install(EXTRAS, *group("test"))
    env = {**TEST_ENV, "SYNC_KILLS": os.environ.get("SYNC_KILLS", "200")}
    session.run("pytest", "tests/sync/test_kills.py", "-s", "--timeout=0", *session.posargs, env=env)


@nox.session(default=False)
def browser(session: nox.Session) -> None:
    """The sandbox's live page in Chromium, while a sync runs. Needs: apt-get install chromium chromium-driver."""
    session.install(EXTRAS, *group("test"), "selenium>=4.30")
    session.run("pytest", "tests/browser/live_page.py", *session.posargs, env=TEST_ENV)


@nox.session(default=False)
def by_session(session: nox.Session) -> None:
    """The transport contract on the way through aiohttp's session, which releases that we have not met yet take."""
    session.install(EXTRAS, *group("test"))
    session.run("pytest", "-n", "auto", "tests/contract/aiohttp_by_session.py", *session.posargs, env=TEST_ENV)


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
    """Every benchmark, into benchmarks/results; `-- --quick` for a first look, into benchmarks/results/quick."""
    session.install(EXTRAS, *group("bench"))
    counting = ("instructions",) if shutil.which("valgrind") and "--quick" not in session.posargs else ()
    for name in (*BENCHMARKS, *counting):
        session.run("python", f"benchmarks/{name}.py", *session.posargs)
    quick = ("benchmarks/results/quick",) if "--quick" in session.posargs else ()
    session.run("python", "benchmarks/plots.py", *quick)


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """The pages in docs as HTML, into build/docs; a warning, a dead reference and a page in no menu are errors."""
    session.install(f".[{','.join(PYPROJECT['project']['optional-dependencies'])}]", *group("docs"))
    options = ("-W", "--keep-going", "-E", "-b", "html", "-d", str(Path(session.create_tmp()) / "doctrees"))
    session.run("sphinx-build", *options, *session.posargs, "docs", "build/docs")
    session.log("build/docs/index.html")


@nox.session(default=False)
def audit(session: nox.Session) -> None:
    """Known vulnerabilities of what is installed with the library, all extras included. Asks PyPI."""
    session.install(*group("audit"))
    tmp = Path(session.create_tmp())
    resolved, report = tmp / "resolved.txt", tmp / "report.json"
    report.unlink(missing_ok=True)
    session.run("uv", "pip", "compile", "-q", "--all-extras", "pyproject.toml", "-o", str(resolved))
    command = ("pip-audit", "--no-deps", "--disable-pip", "-r", str(resolved))
    session.run(*command, "-f", "json", "-o", str(report), *session.posargs, success_codes=[0, 1])
    unheard = "the vulnerability service can not be reached from here; CI asks it every week"
    if not report.is_file():
        session.error(f"NOTHING WAS AUDITED: {unheard}")
    packages = json.loads(report.read_text(encoding="utf-8"))["dependencies"]
    if skipped := [package["name"] for package in packages if "skip_reason" in package]:
        session.error(f"{len(skipped)} OF {len(packages)} PACKAGES WERE NOT AUDITED: {unheard} ({', '.join(skipped)}).")
    found = [f"{one['name']} {one['version']}: {flaw['id']}" for one in packages for flaw in one["vulns"]]
    if found:
        session.error(f"known vulnerabilities, raise the lower bounds in pyproject.toml: {', '.join(found)}")
    session.log(f"none known in {len(packages)} packages")


@nox.session(default=False)
def wheel(session: nox.Session) -> None:
    """What would be published, into dist: built, looked into, installed beside nothing else, tested from the sdist."""
    session.install(*group("build"))
    tmp = Path(session.create_tmp())
    shutil.rmtree(tmp)
    session.run("python", "-m", "build", "--outdir", str(tmp / "dist"))  # the wheel is made from the sdist
    (sdist,) = (tmp / "dist").glob("*.tar.gz")
    (built,) = (tmp / "dist").glob("*.whl")
    session.run("twine", "check", "--strict", str(sdist), str(built))

    files = (path for path in Path("setsmart_async").rglob("*") if path.is_file() and path.suffix != ".pyc")
    expected = {path.as_posix() for path in files}  # data too: listings, Lua, pages
    with zipfile.ZipFile(built) as archive:
        missing = expected - set(archive.namelist())
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp, filter="data")
    checkout = tmp / sdist.name.removesuffix(".tar.gz")
    missing |= {name for name in expected if not (checkout / name).is_file()}
    if missing:
        session.error(f"not in wheel and sdist: {', '.join(sorted(missing))}")

    venv = tmp.resolve() / "venv"
    session.run(sys.executable, "-m", "venv", str(venv), external=True)
    scripts = venv / ("Scripts" if os.name == "nt" else "bin")
    python = str(scripts / "python")
    pip = (python, "-m", "pip", "install", "--quiet")
    session.run(*pip, str(built), external=True)
    hint = session.run(str(scripts / "setsmart"), external=True, silent=True, success_codes=range(1, 128))
    if "pip install 'setsmart_async[cli]'" not in str(hint) or len(str(hint).splitlines()) != 1:
        session.error(f"without its extra, `setsmart` should say in one line what to install; it said: {hint}")

    session.run(*pip, f"{built}[cli,sync]", *group("test"), external=True)
    # nox's own temporary folder lies below noxfile.py: a pytest that a test starts there would read pyproject.toml.
    env = {**TEST_ENV, "TMPDIR": tempfile.gettempdir()}
    with session.chdir(checkout):
        where = session.run(
            python, "-c", "import setsmart_async; print(setsmart_async.__file__)", env=env, external=True, silent=True
        )
        if not str(where).startswith(str(venv)):
            session.error(f"the tests would meet another package than the one that was built: {where}")
        session.run(python, "-m", "pytest", "-n", "auto", *session.posargs, env=env, external=True)
    Path("dist").mkdir(exist_ok=True)
    for package in (sdist, built):
        session.log(f"dist/{package.name}: {package.stat().st_size:,} bytes")
        shutil.copy(package, "dist")
