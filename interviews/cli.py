"""``kata interview``: choose a loop, sit it, read how it went."""

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from dojo.catalogue import CatalogueError, catalogue
from interviews import past
from interviews.engine.plan import Plan, Preset, plan_of, read_presets
from interviews.sitting import (
    UserError,
    Wanted,
    check_drawable,
    mistakes,
    resume_session,
    sit,
    tools_for,
)

HELP = """\
kata interview [PRESET] [options]: a mock interview, timed and offline.
{presets}
  --round KIND:MINUTES[:ITEM]   compose a loop instead; once for each round
                    kinds: coding levels repair tests theory design
  --track NAME      draw katas from this track; several are possible
  --level LEVEL     junior, mid, senior or staff
  --seed N          the same seed draws the same loop
  --resume [ID]     go on with that session, or the last unfinished one
  --report ID       write a session's report anew, from its log alone
  --list            your sessions, and how they went
  --plain           lines only, as on a pipe: no colour, no cursor control
  --interviewer URL --model NAME   let an OpenAI-compatible endpoint choose and
                    phrase follow-ups; --yes-remote if it is not this machine
  --check-content   validate questions and prompts, for their authors
Example: kata interview --round coding:30 --round theory:15 --track attention
                        --level senior --seed 7
Work in your own editor, on the files that a round names when it opens. /next
goes on, /abort ends the loop, Ctrl-D leaves: the clock runs until you resume.
No argument shows what the presets hold. The tests that judge you lie on this
machine, and who wants to can read them: a score is worth what you make of it."""

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)


def help_text() -> str:
    """Return the help: one screen of 24 lines and 80 columns."""
    names = " ".join(preset.name for preset in read_presets())
    return HELP.format(presets="\n".join(_wrapped("Presets: ", names)))


def _show_help(asked: bool) -> None:
    if asked:
        sys.stdout.write(help_text() + "\n")
        raise typer.Exit


@app.command(add_help_option=False)
def interview(
    preset: Annotated[str, typer.Argument()] = "",
    rounds: Annotated[list[str] | None, typer.Option("--round")] = None,
    tracks: Annotated[list[str] | None, typer.Option("--track")] = None,
    level: Annotated[str, typer.Option()] = "",
    seed: Annotated[int | None, typer.Option()] = None,
    resume: Annotated[str | None, typer.Option()] = None,
    report: Annotated[str | None, typer.Option()] = None,
    listed: Annotated[bool, typer.Option("--list")] = False,
    plain: Annotated[bool, typer.Option("--plain")] = False,
    url: Annotated[str, typer.Option("--interviewer")] = "",
    model: Annotated[str, typer.Option()] = "",
    yes_remote: Annotated[bool, typer.Option("--yes-remote")] = False,
    check_content: Annotated[bool, typer.Option("--check-content")] = False,
    asked_help: Annotated[
        bool, typer.Option("--help", "-h", is_eager=True, callback=_show_help)
    ] = False,
) -> None:
    """Sit a mock interview."""
    del asked_help
    chosen = bool(preset or rounds or tracks or level or seed is not None)
    with_interviewer = bool(url or model or yes_remote)
    others = {
        "--resume": resume is not None,
        "--report": report is not None,
        "--list": listed,
        "--check-content": check_content,
    }
    named = [name for name, given in others.items() if given]
    _check_alone(named, chosen=chosen, with_interviewer=with_interviewer)
    wanted = Wanted(plain=plain, url=url, model=model, yes_remote=yes_remote)
    wanted.check()
    if listed:
        _list()
    elif check_content:
        raise typer.Exit(_check_content())
    elif report is not None:
        _report(_found(report))
    elif resume is not None:
        folder = _found(resume, unfinished=True)
        if resume_session(folder, wanted):
            _report(folder)
    elif not chosen:
        sys.stdout.write("\n".join(_choices()) + "\n")
        if not sys.stdin.isatty():
            raise UserError("name a preset, or compose rounds: kata interview --help")
    else:
        with mistakes():
            plan = plan_of(
                preset=preset,
                rounds=rounds or (),
                level=level,
                tracks=_known_tracks(tracks or ()),
                seed=seed,
            )
        _begin(plan, wanted)


def _found(session: str, *, unfinished: bool = False) -> Path:
    with mistakes():
        return past.find_folder(past.sessions_root(), session, unfinished=unfinished)


def _check_alone(named: Sequence[str], *, chosen: bool, with_interviewer: bool) -> None:
    """Refuse options that would say two things at once."""
    if len(named) > 1:
        raise UserError(f"{' and '.join(named)} are two things: choose one")
    if named and chosen:
        raise UserError(f"{named[0]} takes no preset, rounds, track, level or seed")
    if named and named[0] != "--resume" and with_interviewer:
        raise UserError(f"{named[0]} takes no interviewer")


def _known_tracks(names: Sequence[str]) -> tuple[str, ...]:
    """Return the tracks' names; raise ``UserError`` naming the nearest for another."""
    from difflib import get_close_matches

    known = [track.name for track in catalogue().tracks]
    for name in names:
        if name not in known:
            nearest = get_close_matches(name, known, n=1, cutoff=0.5)
            advice = f"did you mean '{nearest[0]}'?" if nearest else "see 'kata list'"
            raise UserError(f"no track is called '{name}': {advice}")
    return tuple(names)


def _choices() -> list[str]:
    """Say what the presets hold, and how to choose one."""
    lines = ["A mock interview is a loop of timed rounds. Choose one:", ""]
    for preset in read_presets():
        minutes = sum(asked.minutes for asked in preset.rounds)
        rounds = ", ".join(f"{a.kind} {a.minutes:g}" for a in preset.rounds)
        lines += [
            f"  {preset.name:<22} {preset.title}, {preset.level}",
            f"  {'':<22} {minutes:g} minutes: {rounds}",
        ]
    return [
        *lines,
        "",
        "Begin:    kata interview phone-screen",
        "Compose:  kata interview --round coding:30 --round theory:15",
        "All else: kata interview --help",
    ]


def plan_lines(plan: Plan, preset: Preset | None, folder: Path) -> list[str]:
    """Say what will be asked, where the files are, and what is claimed by whom."""
    rounds = ", ".join(f"{a.kind} {a.minutes:g}" for a in plan.rounds)
    tracks = ", ".join(plan.tracks) or "all"
    lines = [
        f"Loop:    {preset.title if preset else 'composed'}, {plan.minutes:g} minutes",
        f"Rounds:  {rounds}",
        f"Level:   {plan.level}    Seed: {plan.seed}    Tracks: {tracks}",
        f"Rules:   {plan.ai_policy or 'none are set: they are yours'}",
        f"Files:   {_shown(folder)}",
    ]
    if preset:
        lines += _wrapped("Claimed: ", preset.claim)
        lines += [f"Source:  {preset.source}", f"         looked at on {preset.date}"]
    return lines


def _shown(path: Path) -> str:
    """Return a path as short as it is from here; whole where it leads elsewhere."""
    short = os.path.relpath(path)
    return str(path) if short.startswith(os.pardir) else short


def _wrapped(head: str, text: str) -> list[str]:
    """Wrap a text behind its head; names with hyphens stay whole."""
    import textwrap

    return textwrap.wrap(
        text,
        80,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_on_hyphens=False,
    )


def _begin(plan: Plan, wanted: Wanted) -> None:
    """Check that the loop can be drawn, tell the plan, sit it, report."""
    root = past.sessions_root()
    chosen = [preset for preset in read_presets() if preset.name == plan.preset]
    with tools_for(wanted, past.seen_before(root)) as tools:
        check_drawable(plan, tools)
        with mistakes():
            folder = past.make_folder(root, plan.seed, datetime.now(UTC))
        lines = plan_lines(plan, chosen[0] if chosen else None, folder)
        sys.stdout.write("\n".join(lines) + "\n\n")
        sys.stdout.flush()
        over = sit(folder, plan, tools, wanted)
    if over:
        _report(folder)


def _list() -> None:
    root = past.sessions_root()
    folders = past.session_folders(root)
    if not folders:
        sys.stdout.write(f"no session yet in {_shown(root)}\n")
    for folder in folders:
        sys.stdout.write("\n".join(_listed(folder)) + "\n")


def _listed(folder: Path) -> list[str]:
    """Return a session's lines: its state, its loop, and the line of its score."""
    from interviews.report import summary

    try:
        events = past.read_events(folder)
    except ValueError as error:
        return [f"{folder.name}  unreadable: {error}"]
    if not events:
        return [f"{folder.name}  empty"]
    began = events[0]
    loop = began.get("preset") or "composed"
    state = past.state(events)
    head = f"{folder.name}  {state:<8}  {loop}, {began.get('minutes'):g} minutes"
    return [head] if state == "open" else [head, f"    {summary(events)[0]}"]


def _report(folder: Path) -> None:
    """Write the report and print the lines of the scores."""
    from interviews.report import summary, write

    with mistakes():
        events = past.read_events(folder)
    files = write(folder)
    lines = [*summary(events), *(f"Report: {_shown(file)}" for file in files)]
    sys.stdout.write("\n".join(lines) + "\n")


def _check_content() -> int:
    from interviews.validator import check

    problems = check()
    if not problems:
        sys.stdout.write("the content holds\n")
        return 0
    sys.stdout.write("\n".join(problems) + "\n")
    return 1


def _optional_values(arguments: Sequence[str]) -> list[str]:
    """Give ``--resume`` without an ID an empty one: the last unfinished session."""
    given = list(arguments)
    for at, name in enumerate(arguments):
        following = arguments[at + 1 : at + 2]
        if name == "--resume" and (not following or following[0].startswith("-")):
            given[at] = "--resume="
    return given


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code.

    A user's mistake is one line and 2, never a traceback.
    """
    try:
        code = app(_optional_values(arguments), standalone_mode=False)
        return code if isinstance(code, int) else 0
    except (UserError, CatalogueError) as error:
        return _refuse(str(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return 130
    except Exception as error:
        message = getattr(error, "format_message", None)
        if message is None or not type(error).__module__.startswith(("click", "typer")):
            raise
        return _refuse(f"{message()} (kata interview --help)")


def _refuse(line: str) -> int:
    sys.stderr.write(f"kata interview: {' '.join(line.split())}\n")
    return 2
