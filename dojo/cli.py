"""The command line: ``kata`` (also ``python -m dojo``)."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from dojo.catalogue import Catalogue, CatalogueError, Kata, catalogue
from dojo.progress import Progress, write_atomically
from dojo.screen import Line, Span, line, summary_line, verdict_lines, wants_colour
from dojo.session import (
    ATTEMPTED_AND_OFF,
    advice,
    next_kata,
    next_step,
    overview,
    runnable,
    tell,
    verdicts,
    write_json,
)
from dojo.targets import Target, resolve_target
from dojo.verdict import State, Verdict

app = typer.Typer(
    name="kata",
    help="Write machine learning from scratch, and get a verdict.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _complete(incomplete: str) -> list[str]:
    shelf = catalogue()
    names = [kata.name for kata in shelf.katas] + [t.name for t in shelf.tracks]
    return [name for name in names if name.startswith(incomplete)]


Names = Annotated[
    list[str] | None,
    typer.Argument(
        help="Katas or tracks; all of them for none.",
        autocompletion=_complete,
        metavar="[NAMES]...",
    ),
]
Name = Annotated[
    str, typer.Argument(help="A kata.", autocompletion=_complete, metavar="NAME")
]
TargetName = Annotated[
    str | None,
    typer.Option(
        "--target",
        metavar="TREE",
        help="Who answers: katas, solutions, reference, or a folder.",
    ),
]


def _say(lines: Sequence[Line]) -> None:
    tell(lines, colour=wants_colour())


def _one(name: str) -> tuple[Catalogue, Kata]:
    shelf = catalogue()
    found = shelf.find(name)
    if len(found) != 1:
        raise CatalogueError(f"'{name}' is a track: name one kata of it")
    return shelf, found[0]


def _known(shelf: Catalogue) -> dict[str, Verdict]:
    """Where the learner stands, without judging: from the files and kept verdicts."""
    from dojo.session import standing

    return standing(shelf, Progress(shelf))


@app.command("list")
def list_katas(names: Names = None) -> None:
    """Show every kata and where you stand."""
    shelf = catalogue()
    known = _known(shelf)
    chosen = {kata.name for kata in shelf.select(names or [])}
    lines: list[Line] = []
    for track in shelf.tracks:
        katas = [kata for kata in track.katas if kata.name in chosen]
        if not katas:
            continue
        lines.append(line(Span(track.title, "bold"), Span(f"  {track.name}", "dim")))
        for kata in katas:
            head = summary_line(known[kata.name])
            stars = "●" * kata.difficulty + "○" * (5 - kata.difficulty)
            tail = f" {stars} {kata.minutes:>3} min  asked {kata.asked}"
            lines.append((*head[:3], Span(tail, "dim")))
    _say([*lines, line(), *advice(shelf, known)])


@app.command("next")
def show_next() -> None:
    """Say what to do next."""
    shelf = catalogue()
    _say(advice(shelf, _known(shelf)))


@app.command()
def check(
    names: Names = None,
    target: TargetName = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Judge again what has not changed.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Count what is not started as failure.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of the generated inputs.")] = 0,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the verdicts as JSON.")
    ] = None,
) -> None:
    """Judge katas: one on a whole screen, several in a list."""
    shelf = catalogue()
    chosen = resolve_target(target, shelf.root)
    katas, left_out = runnable(shelf.select(names or []))
    found: dict[str, Verdict] = {}
    for verdict in _with_progress(katas, shelf, chosen, seed=seed, fresh=fresh):
        found[verdict.kata] = verdict
    _report(shelf, katas, found, chosen)
    for kata, need in left_out:
        _say([line(Span(f"  left out, needs {need}: {kata.path}", "dim"))])
    if json_file:
        write_json(json_file, list(found.values()))
    raise typer.Exit(_exit_code(list(found.values()), chosen, strict=strict))


def _with_progress(
    katas: Sequence[Kata], shelf: Catalogue, target: Target, *, seed: int, fresh: bool
) -> list[Verdict]:
    """Judge, with a line that says which kata is at work where that can be seen."""
    shown = sys.stderr.isatty() and len(katas) > 1

    def waiting(kata: Kata) -> None:
        if shown:
            where = [k.name for k in katas].index(kata.name) + 1
            text = f"judging {where}/{len(katas)} {kata.name}"
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()

    found = list(
        verdicts(katas, shelf, target, seed=seed, fresh=fresh, waiting=waiting)
    )
    if shown:
        sys.stderr.write("\r\x1b[K")
    return found


def _report(
    shelf: Catalogue, katas: Sequence[Kata], found: dict[str, Verdict], target: Target
) -> None:
    if len(found) == 1:
        (verdict,) = found.values()
        _say(verdict_lines(verdict, next_step(verdict, shelf)))
        return
    lines: list[Line] = []
    from dojo.session import listing

    lines += listing(list(found.values()))
    lines += [line(), *overview(shelf, katas, found)]
    if target.name == "katas":
        known = found if len(katas) == len(shelf.katas) else _known(shelf) | found
        lines += advice(shelf, known)
    _say(lines)


def _exit_code(found: Sequence[Verdict], target: Target, *, strict: bool) -> int:
    wrong = any(verdict.state in ATTEMPTED_AND_OFF for verdict in found)
    untouched = any(verdict.state is State.NOT_STARTED for verdict in found)
    return int(wrong or (untouched and (strict or target.name != "katas")))


@app.command()
def watch(
    name: Annotated[str | None, typer.Argument(autocompletion=_complete)] = None,
) -> None:
    """Judge a kata each time its file is saved."""
    from dojo.watching import watch_kata

    shelf = catalogue()
    if name is None:
        upcoming = next_kata(shelf, {n: v.state for n, v in _known(shelf).items()})
        kata = upcoming or shelf.katas[0]
    else:
        shelf, kata = _one(name)
    watch_kata(shelf, kata)


@app.command()
def hint(name: Name) -> None:
    """Show the next rung of the hint ladder; the rungs you have seen are remembered."""
    from dojo.notes import read_notes

    shelf, kata = _one(name)
    progress = Progress(shelf)
    hints = read_notes(shelf.notes_file(kata)).hints
    seen = min(progress.hints_seen(kata), len(hints))
    if seen < len(hints):
        progress.note("hint", kata, rung=seen + 1)
        seen += 1
    from dojo.screen import hint_lines

    _say(hint_lines(hints[:seen], len(hints), kata.name))


def _solved(shelf: Catalogue, kata: Kata) -> bool:
    (verdict,) = verdicts([kata], shelf, resolve_target("katas", shelf.root))
    return verdict.state is State.SOLVED


@app.command()
def solution(
    name: Name,
    peek: Annotated[
        bool, typer.Option("--peek", help="Show it unsolved; this is recorded.")
    ] = False,
) -> None:
    """Show the worked solution of what you have solved."""
    shelf, kata = _one(name)
    if not _solved(shelf, kata):
        if not peek:
            raise CatalogueError(
                f"'{kata.name}' is not solved yet: kata hint {kata.name} helps, "
                f"kata solution {kata.name} --peek shows it and records that"
            )
        Progress(shelf).note("peek", kata)
    _print_code(shelf.solution_file(kata).read_text(encoding="utf-8"), "python")


@app.command()
def diff(
    name: Name,
    peek: Annotated[
        bool, typer.Option("--peek", help="Compare though unsolved; this is recorded.")
    ] = False,
) -> None:
    """Compare your file with the worked solution."""
    import difflib

    shelf, kata = _one(name)
    if not _solved(shelf, kata):
        if not peek:
            raise CatalogueError(
                f"'{kata.name}' is not solved yet: kata diff {kata.name} --peek "
                "shows the solution and records that"
            )
        Progress(shelf).note("peek", kata)
    mine, theirs = shelf.stub_file(kata), shelf.solution_file(kata)
    text = difflib.unified_diff(
        mine.read_text(encoding="utf-8").splitlines(keepends=True),
        theirs.read_text(encoding="utf-8").splitlines(keepends=True),
        os.path.relpath(mine),
        os.path.relpath(theirs),
    )
    _print_code("".join(text) or "no difference\n", "diff")


def _print_code(text: str, language: str) -> None:
    """Print code, coloured only where it is looked at."""
    if wants_colour():
        from rich.console import Console
        from rich.syntax import Syntax

        Console().print(Syntax(text, language, background_color="default"))
    else:
        sys.stdout.write(text)


@app.command()
def reset(name: Name) -> None:
    """Bring the stub back; your attempt is archived first."""
    from dojo.judge import stub_of

    shelf, kata = _one(name)
    stub = stub_of(kata, shelf)
    progress = Progress(shelf)
    archived = progress.archive(kata)
    write_atomically(shelf.stub_file(kata), stub)
    kept = os.path.relpath(archived) if archived else ""
    progress.note("reset", kata, archived=kept)
    where = f"; your attempt is kept as {kept}" if kept else ""
    _say([line(f"{kata.path} is the stub again{where}")])


@app.command()
def new(
    path: Annotated[str, typer.Argument(metavar="TRACK/NAME")],
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Make the stub of a kata anew.")
    ] = False,
) -> None:
    """Begin a kata as its author: the four files and the entry of the track."""
    from dojo.authoring import begin_kata, refresh_stub

    shelf = catalogue()
    made = refresh_stub(shelf, path) if refresh else begin_kata(shelf, path)
    _say([line("wrote ", os.path.relpath(file)) for file in made])


@app.command()
def truth(
    names: Names = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="REVISION", help="Only katas changed since then."),
    ] = None,
    mutants_since: Annotated[
        str | None,
        typer.Option(metavar="REVISION", help="Mutants only of katas changed since."),
    ] = None,
    mutants: Annotated[bool, typer.Option(help="Judge machine-made mutants.")] = True,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="List every mutant's outcome.")
    ] = False,
    workers: Annotated[int, typer.Option(help="Processes.")] = os.cpu_count() or 1,
) -> None:
    """Prove the judges: the truth table of katas."""
    from dojo.table import print_table
    from dojo.truth import changed_since, run_table

    shelf = catalogue()
    katas: Sequence[Kata] = shelf.select(names or [])
    if since:
        katas = changed_since(since, katas, shelf)
    mutated = katas if mutants else []
    if mutants and mutants_since:
        mutated = changed_since(mutants_since, katas, shelf)
    complete = print_table(
        lambda advanced: run_table(
            katas, shelf, mutants_of=mutated, workers=workers, advanced=advanced
        ),
        verbose=verbose,
    )
    raise typer.Exit(0 if complete else 1)


# Another command line takes the arguments as they are, --help among them.
_PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command(context_settings=_PASSED_ON, add_help_option=False)
def interview(context: typer.Context) -> None:
    """Sit a mock interview against the clock, and read how it went."""
    from interviews.cli import run

    raise typer.Exit(run(context.args))


@app.command(context_settings=_PASSED_ON, add_help_option=False)
def review(context: typer.Context) -> None:
    """Show what to come back to today."""
    from interviews.review import show

    raise typer.Exit(show(context.args))


def main() -> None:
    """Run the command line; a user's mistake is one line, never a traceback."""
    try:
        code = app(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except CatalogueError as error:
        sys.stderr.write(f"kata: {error}\n")
        sys.exit(2)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        sys.exit(130)
    except Exception as error:
        if type(error).__module__.startswith(("click", "typer")):
            show = getattr(error, "show", None)
            if show is not None:
                show()
            sys.exit(getattr(error, "exit_code", 2))
        raise
