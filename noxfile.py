"""The commands of the house: ``nox -s katas`` for learners, ``nox -s tests`` for all.

One environment, ``.venv`` beside this file, serves every session and the editor.
It is made when it is missing and brought up to date when ``pyproject.toml``
changes; otherwise nothing is installed.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import nox

nox.needs_version = ">=2024.4"
nox.options.sessions = ["katas"]
nox.options.default_venv_backend = "none"

ROOT = Path(__file__).parent
ENVIRONMENT = ROOT / ".venv"
# Katas that are met in interviews only.
CHALLENGES = ROOT / "interviews" / "coding_challenges"
BIN = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")
PYTHON = str(BIN / ("python.exe" if os.name == "nt" else "python"))


def environment(session: nox.Session, extra: str = "") -> None:
    """Make sure that the environment holds what the session needs, once."""
    project = (ROOT / "pyproject.toml").read_bytes()
    wanted = hashlib.sha256(project + sys.version.encode()).hexdigest()
    stamp = ENVIRONMENT / f".ready-{extra or 'katas'}"
    if stamp.exists() and stamp.read_text() == wanted and Path(PYTHON).exists():
        return
    if not Path(PYTHON).exists():
        session.log("making the environment .venv (this happens once)")
        venv.create(ENVIRONMENT, with_pip=True)
    what = f"{ROOT}[{extra}]" if extra else str(ROOT)
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    session.run(*pip, "--editable", what, external=True)
    stamp.write_text(wanted)


def dojo(session: nox.Session, *arguments: str, shelf: Path = ROOT) -> None:
    """Run the command line of the runner, on the katas or on another shelf of them."""
    session.run(
        PYTHON, "-m", "dojo", *arguments, external=True, env={"DOJO_ROOT": str(shelf)}
    )


@nox.session
def katas(session: nox.Session) -> None:
    """Judge your katas and show where you stand."""
    environment(session)
    dojo(session, "check", *session.posargs)


@nox.session
def solutions(session: nox.Session) -> None:
    """Judge the worked solutions."""
    environment(session)
    dojo(session, "check", "--target", "solutions", *session.posargs)


@nox.session
def reference(session: nox.Session) -> None:
    """Judge the reference by the katas' properties."""
    environment(session)
    dojo(session, "check", "--target", "reference", *session.posargs)


@nox.session
def truth(session: nox.Session) -> None:
    """Prove the judges: stubs, solutions, known mistakes, mutants."""
    environment(session, "tests")
    dojo(session, "truth", *session.posargs)


@nox.session
def challenges(session: nox.Session) -> None:
    """Prove the judges of the coding challenges, as ``truth`` does those of katas."""
    environment(session, "tests")
    dojo(session, "truth", *session.posargs, shelf=CHALLENGES)


@nox.session
def lint(session: nox.Session) -> None:
    """Check layout, lint and types."""
    environment(session, "tests")
    # Of katas/ the properties alone: how learners lay out their work is their own.
    properties = [
        file for tree in (ROOT, CHALLENGES) for file in tree.glob("katas/*/test_*.py")
    ]
    files = [".", *map(str, sorted(properties))]
    session.run(PYTHON, "-m", "ruff", "format", "--check", *files, external=True)
    session.run(PYTHON, "-m", "ruff", "check", *files, external=True)
    session.run(PYTHON, "-m", "mypy", external=True)


@nox.session
def tests(session: nox.Session) -> None:
    """Prove the repository: lint, types, tests, and the truth table without mutants."""
    lint(session)
    session.run(
        PYTHON, "-m", "pytest", "-n", "2", "-q", *session.posargs, external=True
    )
    if not session.posargs:
        dojo(session, "truth", "--no-mutants")
        dojo(session, "truth", "--no-mutants", shelf=CHALLENGES)


def interpreters() -> dict[str, str]:
    """The further Python versions that can be run here: on the path, or of pyenv."""
    found = {}
    roots = []
    if pyenv := shutil.which("pyenv"):
        told = subprocess.run([pyenv, "root"], capture_output=True, check=False)
        roots = [Path(told.stdout.decode().strip())]
    for version in ("3.12", "3.13"):
        candidates = [shutil.which(f"python{version}") or ""]
        for root in roots:
            candidates += map(str, root.glob(f"versions/{version}.*/bin/python3"))
        for candidate in filter(None, candidates):
            trial = subprocess.run(
                [candidate, "--version"], capture_output=True, check=False
            )
            if trial.returncode == 0:
                found[version] = candidate
    return found


@nox.session
def versions(session: nox.Session) -> None:
    """Judge solutions and reference on the further Python versions found here."""
    for version, interpreter in interpreters().items():
        folder = ROOT / ".nox" / f"python{version}"
        python = str(folder / BIN.name / Path(PYTHON).name)
        if not Path(python).exists():
            session.run(interpreter, "-m", "venv", str(folder), external=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        session.run(*pip, "--editable", str(ROOT), external=True)
        for target in ("solutions", "reference"):
            session.run(
                python, "-m", "dojo", "check", "--target", target, external=True
            )


@nox.session
def interview(session: nox.Session) -> None:
    """Sit a mock interview; ``-- --help`` says how."""
    environment(session)
    session.run(PYTHON, "-m", "interviews", *session.posargs, external=True)


@nox.session
def serve(session: nox.Session) -> None:
    """Serve the example models on loopback; options follow ``--``."""
    environment(session)
    session.run(
        PYTHON, "-m", "reference.production.serving", *session.posargs, external=True
    )


@nox.session
def bench(session: nox.Session) -> None:
    """Measure speed beside the field's own libraries; write the table and picture."""
    environment(session, "bench")
    results = ROOT / ".dojo" / "bench.json"
    results.parent.mkdir(exist_ok=True)
    session.run(
        PYTHON, "-m", "pytest", "benchmarks", "-q", f"--benchmark-json={results}",
        *session.posargs, external=True,
    )  # fmt: skip
    session.run(PYTHON, "-m", "benchmarks.render", str(results), external=True)
    session.run(PYTHON, "-m", "benchmarks.recall_curve", str(results), external=True)


@nox.session
def readme(session: nox.Session) -> None:
    """Write the generated parts of the README anew."""
    environment(session)
    session.run(PYTHON, "-m", "dojo.readme", *session.posargs, external=True)
