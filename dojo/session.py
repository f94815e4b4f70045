"""Judges several katas, keeps what comes out and tells it on the screen."""

import gc
import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from dojo.catalogue import Catalogue, Kata, catalogue
from dojo.guards import Tampering
from dojo.progress import Progress, write_atomically
from dojo.screen import (
    Line,
    Span,
    line,
    one_line_reason,
    paint,
    summary_line,
    track_table,
    verdict_lines,
)
from dojo.targets import Target, resolve_target
from dojo.verdict import State, Verdict

ATTEMPTED_AND_OFF = (State.BROKEN, State.WRONG, State.TOO_SLOW)
# One kata's properties are shared by two processes where there are two cores.
_CHILDREN = min(2, os.cpu_count() or 1)
# Small matrices are faster on one thread, and a process with threads is not forked.
# NumPy reads this when it is imported, so it is said before.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")


def preload(katas: Sequence[Kata]) -> None:
    """Import once, before any fork, what the katas' properties need."""
    modules = ["hypothesis.extra.numpy", "dojo.testing", "dojo.child"]
    modules += [module for kata in katas for module in kata.reference]
    if any(kata.torch for kata in katas):
        modules.append("torch")
    gc.disable()  # nothing that an import makes is garbage soon
    for module in modules:
        # What is missing is told by the property that needs it.
        with suppress(ImportError):
            importlib.import_module(module)
    # The parent's pytest may have begun what its plugins would end; they are not here.
    sys.modules["_hypothesis_globals"].__dict__["in_initialization"] = 0
    with suppress(AttributeError, ImportError):
        # Hypothesis reads every local module for constants to try: once is enough.
        providers = importlib.import_module("hypothesis.internal.conjecture.providers")
        providers._get_local_constants()
    Tampering()  # learns what there is to watch
    # What is loaded stays: no collection in a child has to look through it.
    gc.freeze()
    gc.enable()


def runnable(katas: Sequence[Kata]) -> tuple[list[Kata], list[tuple[Kata, str]]]:
    """Return the katas that can be judged here; the others with what they need."""
    here: list[Kata] = []
    left_out: list[tuple[Kata, str]] = []
    for kata in katas:
        missing = _missing(kata)
        if missing:
            left_out.append((kata, missing))
        else:
            here.append(kata)
    return here, left_out


def _missing(kata: Kata) -> str:
    """Name what the kata's judge needs and this machine lacks."""
    if kata.torch and importlib.util.find_spec("torch") is None:
        return "PyTorch"
    if kata.redis:
        from dojo.testing.redis import program

        if program() is None:
            return "a Redis server (redis-server)"
    return ""


def verdicts(
    katas: Sequence[Kata],
    shelf: Catalogue,
    target: Target,
    *,
    seed: int = 0,
    fresh: bool = False,
    waiting: Callable[[Kata], None] | None = None,
    arguments: tuple[str, ...] = (),
) -> Iterator[Verdict]:
    """Yield a verdict for each kata, from the last run where nothing changed."""
    progress = Progress(shelf)
    for kata in katas:
        known = None if fresh else progress.cached(kata, target, seed)
        if known is None:
            if waiting is not None:
                waiting(kata)
            from dojo.child import Job
            from dojo.judge import judge

            job = Job(
                kata, target, seed, examples=progress.examples, arguments=arguments
            )
            known = judge(
                job, shelf, children=_CHILDREN, prepare=lambda: preload(katas)
            )
            if known.state is not State.NOT_STARTED and not arguments:
                progress.keep(kata, target, known)
        yield known


def judge_session(
    katas: Sequence[Kata],
    *,
    target: str | None = None,
    seed: int = 0,
    json_file: str | None = None,
    arguments: tuple[str, ...] = (),
    colour: bool = False,
) -> int:
    """Judge afresh what ``pytest`` was asked for; return its exit code."""
    shelf = catalogue()
    chosen = resolve_target(target, shelf.root)
    found: list[Verdict] = []
    for verdict in verdicts(
        katas, shelf, chosen, seed=seed, fresh=True, arguments=arguments
    ):
        found.append(verdict)
        if len(katas) == 1 and not arguments:
            lines = verdict_lines(verdict, next_step(verdict, shelf))
        else:
            lines = [summary_line(verdict), *one_line_reason(verdict)]
        tell(lines, colour=colour)
    if json_file:
        write_json(Path(json_file), found)
    if len(katas) == 1 or target not in (None, "katas"):
        return int(any(verdict.state is not State.SOLVED for verdict in found))
    return int(any(verdict.state in ATTEMPTED_AND_OFF for verdict in found))


def tell(lines: Sequence[Line], *, colour: bool) -> None:
    """Write lines to the terminal at once."""
    text = paint(lines, colour=colour)
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()


def write_json(file: Path, found: Sequence[Verdict]) -> None:
    """Write verdicts for other programs."""
    data = {"version": 1, "verdicts": [verdict.as_dict() for verdict in found]}
    write_atomically(file, json.dumps(data, indent=2, ensure_ascii=False) + "\n")


def next_kata(shelf: Catalogue, states: dict[str, State]) -> Kata | None:
    """Return what to do next: what is begun, else the first whose needs are met."""
    for kata in shelf.katas:
        if states.get(kata.name) in ATTEMPTED_AND_OFF:
            return kata
    solved = {name for name, state in states.items() if state is State.SOLVED}
    ready = [k for k in shelf.katas if k.name not in solved and solved >= set(k.needs)]
    return ready[0] if ready else None


def next_step(verdict: Verdict, shelf: Catalogue) -> str:
    """Return the line that says what to do after this verdict."""
    if verdict.target != "katas" or verdict.state is State.NOT_STARTED:
        return ""
    if verdict.state is not State.SOLVED:
        return (
            ""
            if verdict.failure and verdict.failure.kind in ("missing file",)
            else f"kata hint {verdict.kata}    kata watch {verdict.kata}"
        )
    names = [kata.name for kata in shelf.katas]
    following = names[names.index(verdict.kata) + 1 :]
    return f"kata watch {following[0]}" if following else "kata list"


def standing(shelf: Catalogue, progress: Progress) -> dict[str, Verdict]:
    """Return where the learner stands, from files and kept verdicts alone."""
    from dojo.inspection import Source, is_not_started, read_source
    from dojo.judge import stub_of

    target = resolve_target("katas", shelf.root)
    found: dict[str, Verdict] = {}
    for kata in shelf.katas:
        verdict = progress.cached(kata, target, 0)
        if verdict is None:
            file = shelf.stub_file(kata)
            source = read_source(file)
            untouched = isinstance(source, Source) and is_not_started(
                source, stub_of(kata, shelf)
            )
            # Edited and not judged since: begun, whatever it may turn out to be.
            state = State.NOT_STARTED if untouched else State.WRONG
            verdict = Verdict(kata.name, kata.track, target.name, state, str(file))
        found[kata.name] = verdict
    return found


def listing(found: Sequence[Verdict]) -> list[Line]:
    """Return a line for each kata that was begun, and what broke in it."""
    lines: list[Line] = []
    for verdict in found:
        if verdict.state is not State.NOT_STARTED:
            lines += [summary_line(verdict), *one_line_reason(verdict)]
    return lines


def overview(
    shelf: Catalogue, katas: Sequence[Kata], found: dict[str, Verdict]
) -> list[Line]:
    """Return the table of tracks."""
    rows = []
    chosen = {kata.name for kata in katas}
    for track in shelf.tracks:
        states = [found[k.name].state for k in track.katas if k.name in chosen]
        if states:
            solved = states.count(State.SOLVED)
            untouched = states.count(State.NOT_STARTED)
            progress = len(states) - solved - untouched
            rows.append((track.title, solved, progress, untouched, len(states)))
    return [*track_table(rows), line()]


def advice(shelf: Catalogue, found: dict[str, Verdict]) -> list[Line]:
    """Return what to do next and the command for it."""
    upcoming = next_kata(shelf, {name: v.state for name, v in found.items()})
    if upcoming is None:
        return [line(Span("  All solved.", "bold green"))]
    file = shelf.stub_file(upcoming)
    return [
        line(
            "  Next: ", Span(upcoming.title, "bold"), f" ({upcoming.minutes} minutes)"
        ),
        line("    open  ", Span(os.path.relpath(file), "cyan")),
        line("    run   ", Span(f"kata watch {upcoming.name}", "cyan")),
    ]
