"""The truth table: everything that must hold for a kata, proven by running it."""

import secrets
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path

from dojo.catalogue import Catalogue, CatalogueError, Kata, catalogue
from dojo.child import Job
from dojo.judge import judge, stub_of
from dojo.leaks import leaked_lines
from dojo.mutants import make_mutants
from dojo.notes import read_notes
from dojo.session import preload
from dojo.stub import same_statement
from dojo.targets import Target, resolve_target
from dojo.verdict import State, Verdict

SEEDS = (0, 1, 2)
KILLED = 0.95
COLUMNS = (
    "stub", "step", "solution", "reference", "mistakes", "mutants", "honest",
    "time", "canary",
)  # fmt: skip
_CRASHES = ("raised", "died", "import", "signature", "flaky")


@dataclass(frozen=True)
class Finding:
    """One cell: whether it holds, what is shown, and what to read if it does not."""

    column: str
    holds: bool
    text: str
    details: tuple[str, ...] = ()


@dataclass
class Row:
    """All findings of one kata; ``pending`` counts the tasks not yet done."""

    kata: Kata
    findings: dict[str, Finding] = field(default_factory=dict)
    outcomes: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    pending: int = 0

    @property
    def holds(self) -> bool:
        """Whether every cell there is holds."""
        return all(finding.holds for finding in self.findings.values())

    @property
    def complete(self) -> bool:
        """Whether every task of the kata is done."""
        return self.pending == 0


@dataclass(frozen=True)
class Task:
    """A piece of work for one process."""

    kata: Kata
    kind: str
    name: str = ""
    source: str = ""
    only: tuple[str, ...] = ()
    limit: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """What a task found: a finding, or how a mistake or a mutant came out."""

    task: Task
    finding: Finding | None = None
    result: str = ""
    seconds: float = 0.0


def _judged(task: Task, source: str, **about: object) -> Verdict:
    """Judge ``source`` as if it were the learner's file."""
    shelf = catalogue()
    kata = replace(task.kata, seconds=task.limit) if task.limit else task.kata
    with tempfile.TemporaryDirectory(prefix="kata-") as folder:
        file = kata.file_in(Path(folder))
        file.parent.mkdir()
        file.write_text(source, encoding="utf-8")
        job = Job(kata, Target("truth", Path(folder)), explain=False)
        return judge(replace(job, **about), shelf)  # type: ignore[arg-type]  # its fields


def _told(verdict: Verdict) -> str:
    failure = verdict.failure
    if failure is None:
        return str(verdict.state)
    where = f"{failure.property}: " if failure.property else ""
    lines = [where + failure.message, *failure.calls[-3:], failure.got, failure.detail]
    return f"{verdict.state}, {'; '.join(filter(None, lines))}"


def _stub(task: Task) -> Finding:
    """The stub is not started; begun but unwritten, every property says so."""
    stub = stub_of(task.kata, catalogue())
    untouched = _judged(task, stub)
    begun = _judged(task, f"{stub}\n_begun = True\n")
    problems = []
    if untouched.state is not State.NOT_STARTED:
        problems.append(f"the stub is {_told(untouched)}")
    if begun.failure is None or begun.failure.kind != "not written":
        problems.append(f"begun, it is {_told(begun)}")
    problems += [
        f"{result.name} holds for a stub without a body"
        for result in begun.properties
        if result.outcome == "held"
    ]
    return Finding(
        "stub", not problems, "red" if not problems else "?", tuple(problems)
    )


def _step(task: Task) -> Finding:
    """The stub on disk is what the generator makes, or the learner's work on it."""
    shelf = catalogue()
    stub = stub_of(task.kata, shelf)
    solution = shelf.solution_file(task.kata).read_text(encoding="utf-8")
    leaks = [f"leaks: {line}" for line in leaked_lines(stub, solution)]
    try:
        text = shelf.stub_file(task.kata).read_text(encoding="utf-8")
    except FileNotFoundError:
        return Finding("step", False, "no file", ("the stub is missing",))
    if text == stub:
        return Finding("step", not leaks, "yes" if not leaks else "leaks", tuple(leaks))
    if same_statement(text, stub):
        return Finding("step", not leaks, "edited", tuple(leaks))
    advice = (
        f"the stub is not what the solution makes: kata new --refresh {task.kata.path}"
    )
    return Finding("step", False, "no", (advice, *leaks))


def _solution(task: Task) -> list[Finding]:
    shelf = catalogue()
    limit = 10.0 if task.kata.seconds > 5 else 3.0
    target = resolve_target("solutions", shelf.root)
    verdict = judge(Job(task.kata, target, explain=False), shelf)
    green = verdict.state is State.SOLVED
    mark = "green" if green else str(verdict.state)
    seconds = verdict.seconds
    late = (
        () if seconds <= limit else (f"judging takes {seconds:.1f} s of {limit:g} s",)
    )
    details = () if green else (f"the solution is {_told(verdict)}",)
    return [
        Finding("solution", green, mark, details),
        Finding("time", not late, f"{seconds:.2f} s", late),
    ]


def _reference(task: Task) -> Finding:
    if not task.kata.reference:
        return Finding("reference", True, "none")
    shelf = catalogue()
    verdict = judge(Job(task.kata, Target("reference", None), explain=False), shelf)
    green = verdict.state is State.SOLVED
    details = () if green else (f"the reference is {_told(verdict)}",)
    return Finding(
        "reference", green, "green" if green else str(verdict.state), details
    )


def _canary(task: Task) -> Finding:
    """A file that says something new is the file that is judged."""
    word = secrets.token_hex(8)
    solution = catalogue().solution_file(task.kata).read_text(encoding="utf-8")
    verdict = _judged(task, f"{solution}\nraise RuntimeError('{word}')\n")
    sings = verdict.failure is not None and word in verdict.failure.message
    details = () if sings else (f"the canary is silent: {_told(verdict)}",)
    return Finding("canary", sings, "sings" if sings else "silent", details)


def _mistake(task: Task) -> str:
    """Judge the mistake on every seed by the property that has to catch it."""
    only = () if task.only == ("allowed_names",) else task.only
    for seed in SEEDS:
        verdict = _judged(task, task.source, seed=seed, only=only)
        failure = verdict.failure
        if failure is None:
            return f"not caught by {task.only[0]} on seed {seed}"
        if verdict.state is State.BROKEN or failure.property != task.only[0]:
            return f"red for another reason on seed {seed}: {_told(verdict)}"
    return ""


def _mutant(task: Task) -> str:
    verdict = _judged(task, task.source, stop_first=True)
    if verdict.state is State.SOLVED:
        return "survived"
    if verdict.state is State.TOO_SLOW:
        return "hung"
    kind = verdict.failure.kind if verdict.failure else "judge"
    if kind == "judge":
        return f"judge: {_told(verdict)}"
    return "crashed" if kind in _CRASHES else "killed"


def perform(task: Task) -> list[Outcome]:
    """Do a task in a worker; what goes wrong in it is a finding too."""
    single: dict[str, Callable[[Task], Finding]] = {
        "stub": _stub, "step": _step, "reference": _reference, "canary": _canary,
    }  # fmt: skip
    try:
        if task.kind in single:
            return [Outcome(task, single[task.kind](task))]
        if task.kind == "solution":
            return [Outcome(task, finding) for finding in _solution(task)]
        result = _mistake(task) if task.kind == "mistakes" else _mutant(task)
        return [Outcome(task, result=result)]
    except (CatalogueError, OSError, ValueError) as error:
        column = task.kind if task.kind in COLUMNS else "solution"
        return [Outcome(task, Finding(column, False, "error", (str(error),)))]


def tasks_of(kata: Kata, shelf: Catalogue, *, mutants: bool) -> Iterator[Task]:
    """Yield everything there is to do for a kata."""
    for kind in ("stub", "step", "solution", "reference", "canary"):
        yield Task(kata, kind)
    source = shelf.solution_file(kata).read_text(encoding="utf-8")
    for mistake in read_notes(shelf.notes_file(kata)).mistakes:
        patched = mistake.patch(source)
        yield Task(kata, "mistakes", mistake.name, patched, (mistake.breaks,))
    if mutants:
        # A mutant that never ends need not take the learner's whole time.
        limit = min(kata.seconds, 3.0)
        for mutant in make_mutants(source):
            yield Task(kata, "mutants", mutant.key, mutant.source, limit=limit)


def run_table(
    katas: Sequence[Kata],
    shelf: Catalogue,
    *,
    mutants_of: Iterable[Kata],
    workers: int,
    advanced: Callable[[int, int], None],
) -> dict[str, Row]:
    """Fill the table; on Ctrl-C return what there is."""
    rows = {kata.name: Row(kata) for kata in katas}
    with_mutants = {kata.name for kata in mutants_of}
    tasks: list[Task] = []
    for kata in katas:
        try:
            own = list(tasks_of(kata, shelf, mutants=kata.name in with_mutants))
        except (CatalogueError, OSError) as error:
            bad = Finding("solution", False, "error", (str(error),))
            rows[kata.name].findings["solution"] = bad
            continue
        rows[kata.name].pending = len(own)
        tasks += own
    pool = ProcessPoolExecutor(workers, mp_context=get_context("fork"))
    try:
        preload(katas)
        futures = [pool.submit(perform, task) for task in tasks]
        for done, future in enumerate(as_completed(futures), start=1):
            _enter(rows, future, shelf)
            advanced(done, len(tasks))
    except KeyboardInterrupt:
        pool.shutdown(wait=False, cancel_futures=True)
    else:
        pool.shutdown()
    return rows


def _enter(
    rows: dict[str, Row], future: "Future[list[Outcome]]", shelf: Catalogue
) -> None:
    outcomes = future.result()
    row = rows[outcomes[0].task.kata.name]
    row.pending -= 1
    for outcome in outcomes:
        if outcome.finding is not None:
            row.findings[outcome.finding.column] = outcome.finding
        else:
            kept = row.outcomes.setdefault(outcome.task.kind, [])
            kept.append((outcome.task.name, outcome.result))
    if row.outcomes.get("mistakes"):
        row.findings["mistakes"] = _mistakes_cell(row.outcomes["mistakes"])
    if row.outcomes.get("mutants") and row.complete:
        for finding in _mutant_cells(row, shelf):
            row.findings[finding.column] = finding


def _mistakes_cell(results: Sequence[tuple[str, str]]) -> Finding:
    missed = [f"mistake '{name}': {why}" for name, why in results if why]
    if len(results) < 5:
        missed.append(f"only {len(results)} known mistakes, at least 5 are asked for")
    caught = sum(not why for _, why in results)
    return Finding("mistakes", not missed, f"{caught}/{len(results)}", tuple(missed))


def _mutant_cells(row: Row, shelf: Catalogue) -> list[Finding]:
    """The two rates; a survivor needs its reason, a reason needs its survivor."""
    results = row.outcomes["mutants"]
    survivors = {name for name, result in results if result == "survived"}
    judged = sum(result in ("survived", "killed") for _, result in results)
    red = judged - len(survivors)
    honest = red / judged if judged else 0.0
    overall = 1 - len(survivors) / len(results)
    reasons = {s.mutant for s in read_notes(shelf.notes_file(row.kata)).survivors}
    problems = [
        f"survives without a reason: {key}" for key in sorted(survivors - reasons)
    ]
    problems += [
        f"has a reason but is dead: {key}" for key in sorted(reasons - survivors)
    ]
    problems += [f"{key}: {r}" for key, r in results if r.startswith("judge")]
    if honest < KILLED:
        problems.append(
            f"{honest:.1%} of the honest mutants are red, 95 % are asked for"
        )
    total = f"{overall:.0%} of {len(results)}"
    cell = Finding("honest", not problems, f"{honest:.1%} of {judged}", tuple(problems))
    return [Finding("mutants", True, total), cell]


def changed_since(revision: str, katas: Sequence[Kata], shelf: Catalogue) -> list[Kata]:
    """Return the katas whose files, or whose reference's, changed since a revision."""
    top = Path(_git(shelf, "rev-parse", "--show-toplevel").strip())
    changed = {
        (top / name).resolve()
        for name in (
            *_git(shelf, "diff", "--name-only", revision, "--").splitlines(),
            *_git(
                shelf, "ls-files", "--full-name", "--others", "--exclude-standard"
            ).splitlines(),
        )
    }
    from dojo.progress import Progress

    progress = Progress(shelf)
    return [
        kata
        for kata in katas
        if changed & {file.resolve() for file in progress.sources(kata)}
    ]


def _git(shelf: Catalogue, *arguments: str) -> str:
    found = subprocess.run(  # noqa: S603 - git with our own words
        ["git", "-C", str(shelf.root), *arguments],  # noqa: S607 - the user's git
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if found.returncode:
        if arguments[0] == "diff":
            raise CatalogueError(f"'{arguments[2]}' is not a revision that git knows")
        said = found.stderr.strip().splitlines() or ["it failed"]
        raise CatalogueError(f"git {arguments[0]}: {said[0]}")
    return found.stdout
