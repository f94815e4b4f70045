"""The parent's side of judging: look at the file, run children, read the verdict."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from dojo.catalogue import Catalogue, CatalogueError, Kata
from dojo.child import IMPORT, Job
from dojo.children import Child, Event, how_it_ended
from dojo.inspection import forbidden_use, is_not_started, place_in, read_source
from dojo.stub import StubError, make_stub, public_signatures
from dojo.verdict import (
    Failure,
    Place,
    PropertyResult,
    State,
    Verdict,
    Warned,
    failure_from,
)


def judge(
    job: Job,
    catalogue: Catalogue,
    *,
    children: int = 1,
    prepare: Callable[[], None] | None = None,
    told: Callable[[Event], None] | None = None,
) -> Verdict:
    """Return the verdict on one kata.

    ``children`` processes share its properties; ``prepare`` is called before the
    first of them starts; ``told`` hears every event.
    """
    began = time.perf_counter()
    file = job.target.file(job.kata)
    verdict = Verdict(
        job.kata.name, job.kata.track, job.target.name, State.BROKEN,
        str(file or ", ".join(job.kata.reference)), seed=job.seed,
    )  # fmt: skip
    stub = stub_of(job.kata, catalogue)
    early = _before_running(job, file, stub)
    if isinstance(early, State):
        verdict = replace(verdict, state=early)
    elif early is not None and not job.arguments:
        state = State.WRONG if early.kind == "forbidden" else State.BROKEN
        verdict = replace(verdict, state=state, failure=early)
    else:
        if prepare is not None:
            prepare()
        verdict = _run(job, catalogue, verdict, stub, children, told)
    return replace(verdict, seconds=time.perf_counter() - began)


def stub_of(kata: Kata, catalogue: Catalogue) -> str:
    """Return the stub that the generator makes of the kata's solution."""
    try:
        return make_stub(catalogue.solution_file(kata).read_text(encoding="utf-8"))
    except OSError as error:
        raise CatalogueError(f"{kata.path} has no solution: {error}") from error
    except (StubError, SyntaxError) as error:
        raise CatalogueError(f"the solution of {kata.path}: {error}") from error


def _before_running(job: Job, file: Path | None, stub: str) -> State | Failure | None:
    if file is None:
        return None
    source = read_source(file)
    if isinstance(source, Failure):
        return source
    if is_not_started(source, stub) and not job.arguments:
        return State.NOT_STARTED
    return forbidden_use(source, job.kata)


@dataclass
class _Findings:
    """What all children of one verdict have told."""

    sentences: dict[str, str] = field(default_factory=dict)
    results: dict[str, PropertyResult] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    warned: dict[tuple[str, str, int], int] = field(default_factory=dict)
    broken: bool = False

    def result(self, name: str, outcome: str, seconds: float = 0.0) -> None:
        """Enter how a property came out."""
        sentence = self.sentences.get(name, name)
        self.results[name] = PropertyResult(name, sentence, outcome, seconds)

    def fail(self, failure: Failure, outcome: str = "broken") -> None:
        """Enter a failure, under its property where it has one."""
        name = failure.property
        sentence = self.sentences.get(name, failure.sentence)
        self.failures.append(replace(failure, sentence=sentence))
        if name in self.sentences:
            self.result(name, outcome)


def _run(
    job: Job,
    catalogue: Catalogue,
    draft: Verdict,
    stub: str,
    children: int,
    told: Callable[[Event], None] | None,
) -> Verdict:
    count = 1 if job.arguments or job.only else children
    jobs = [replace(job, part=(first, count)) for first in range(count)]
    expected = public_signatures(stub)
    started = [Child(one, catalogue, expected) for one in jobs]
    findings = _Findings()
    for child in started:
        child.listen()
    for child, one in zip(started, jobs, strict=True):
        _Reader(one, catalogue, draft, child, findings, told).read()
    return _made(findings, draft, job.kata, catalogue)


@dataclass
class _Reader:
    """Reads one child from its start to its end."""

    job: Job
    catalogue: Catalogue
    draft: Verdict
    child: Child
    findings: _Findings
    told: Callable[[Event], None] | None
    current: str = IMPORT
    call: str = ""
    over: bool = False

    def read(self) -> None:
        try:
            for event in self.child.events():
                self._take(event)
            code = self.child.end()
            if not self.over:
                self._ended_early(code)
        finally:
            self.child.close()

    def _take(self, event: Event) -> None:
        kind, name = event["event"], str(event.get("property", ""))
        if self.told:
            self.told(event)
        if kind == "collected":
            described = event["properties"]
            assert isinstance(described, list)  # noqa: S101 - the child's own form
            self.findings.sentences = {d["name"]: d["sentence"] for d in described}
        elif kind == "start":
            self.current = name
        elif kind == "call":
            self.call = str(event["text"])
        elif kind == "failure":
            data = event["failure"]
            assert isinstance(data, dict)  # noqa: S101 - the child's own form
            self.findings.fail(failure_from(data))
            self.findings.broken |= bool(event.get("broken"))
            self.over |= data["kind"] == "forbidden"
        elif kind == "slow":
            self._too_slow(event.get("calls"), event.get("place"))
        elif kind == "result" and event["held"]:
            self.findings.result(name, "held", float(str(event["seconds"])))
        elif kind == "warning":
            line = int(str(event["line"]))
            key = (str(event["category"]), str(event["message"]), line)
            self.findings.warned[key] = self.findings.warned.get(key, 0) + 1
        elif kind == "done":
            self.over = True

    def _too_slow(self, calls: object, place: object) -> None:
        self.over = True
        importing = self.current == IMPORT
        where = Place(**place) if isinstance(place, dict) else None
        failure = Failure(
            f"not finished after {self.job.kata.seconds:g} s"
            + (" of importing the file" if importing else ""),
            property="" if importing else self.current,
            kind="slow",
            calls=tuple(map(str, calls)) if isinstance(calls, list) else (),
            place=where,
        )
        self.findings.fail(failure, "slow")

    def _ended_early(self, code: int) -> None:
        """The child fell silent: it hangs in C code, or it is gone."""
        if self.child.timed_out:
            place = self.child.learners_line(Path(self.draft.file))
            self._too_slow(self._last_call(), asdict(place) if place else None)
            return
        if self.findings.broken or any(
            failure.property == self.current for failure in self.findings.failures
        ):
            return
        how = how_it_ended(code)
        if self.current == IMPORT:
            self.findings.broken = True
            self.findings.fail(Failure(f"importing the file {how}", kind="died"))
            return
        calls = tuple(self._last_call())
        self.findings.fail(
            Failure(f"the code {how}", property=self.current, kind="died", calls=calls)
        )

    def _last_call(self) -> list[str]:
        """Run the property again with every call told before it is made."""
        if self.job.publish or not self.job.explain or self.current == IMPORT:
            return self.call.splitlines()
        again = replace(
            self.job, only=(self.current,), publish=True, arguments=(), part=(0, 1)
        )
        last: list[str] = []

        def hear(event: Event) -> None:
            if event["event"] == "call":
                last[:] = str(event["text"]).splitlines()

        stub = stub_of(self.job.kata, self.catalogue)
        _run(again, self.catalogue, self.draft, stub, 1, hear)
        return last


def _made(
    findings: _Findings, draft: Verdict, kata: Kata, catalogue: Catalogue
) -> Verdict:
    order = list(findings.sentences)
    forbidden = [f for f in findings.failures if f.kind == "forbidden"]
    if forbidden:
        # What held was held with somebody else's work.
        findings.failures, findings.broken = forbidden, False
        findings.results.clear()
    for name in order:
        if name not in findings.results:
            findings.result(name, "unchecked")
    failure = _first_failure(findings, order)
    if failure is None and any(
        findings.results[name].outcome != "held" for name in order
    ):
        failure = Failure("the judge ended without a verdict", kind="judge")
    if failure is None and not order:
        failure = Failure("the judge found no property", kind="judge")
    file = Path(draft.file)
    warned = tuple(
        Warned(category, message, place_in(file, line), times)
        for (category, message, line), times in findings.warned.items()
    )
    return replace(
        draft,
        state=_state(failure, broken=findings.broken),
        failure=_with_hint(failure, kata, catalogue),
        properties=tuple(findings.results[name] for name in order),
        warnings=warned,
    )


def _state(failure: Failure | None, *, broken: bool) -> State:
    if failure is None:
        return State.SOLVED
    if broken or failure.kind == "judge":
        return State.BROKEN
    return State.TOO_SLOW if failure.kind == "slow" else State.WRONG


def _first_failure(findings: _Findings, order: list[str]) -> Failure | None:
    """What is broken as a whole comes first, then the first property's."""
    if findings.broken:
        return findings.failures[-1]
    rank = {name: position for position, name in enumerate(order)}
    ranked = sorted(findings.failures, key=lambda f: rank.get(f.property, -1))
    return ranked[0] if ranked else None


def _with_hint(
    failure: Failure | None, kata: Kata, catalogue: Catalogue
) -> Failure | None:
    if failure is None or not failure.mistake:
        return failure
    from dojo.notes import read_notes

    try:
        notes = read_notes(catalogue.notes_file(kata))
    except CatalogueError:
        return failure
    mistake = notes.mistake(failure.mistake)
    if mistake is None:
        return failure
    return replace(failure, hint=mistake.hint, hint_text=notes.hints[mistake.hint - 1])
