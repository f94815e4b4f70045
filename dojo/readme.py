"""Writes the generated parts of the README: the tracks, the counts, the picture.

``python -m dojo.readme`` writes them; with ``--check`` it only says whether the
tables are in step.
"""

import os
import re
import sys
import tempfile
from pathlib import Path

from dojo.catalogue import Catalogue, catalogue
from dojo.child import Job
from dojo.judge import judge
from dojo.notes import read_notes
from dojo.progress import write_atomically
from dojo.screen import Line, verdict_lines
from dojo.session import preload
from dojo.targets import Target

_PART = re.compile(r"(<!-- (?P<name>\w+): generated -->\n).*?(<!-- end -->)", re.DOTALL)
_SHOWN_KATA, _SHOWN_MISTAKE = "softmax", "no-shift"


def tracks_table(shelf: Catalogue) -> str:
    """Return the table of tracks and katas, and the counts, as Markdown."""
    rows = ["| Track | Katas | Minutes |", "| --- | --- | ---: |"]
    for track in shelf.tracks:
        names = ", ".join(
            f"[{kata.name}](katas/{kata.track}/{kata.name}.py)" for kata in track.katas
        )
        rows.append(
            f"| {track.title} | {names} | {sum(k.minutes for k in track.katas)} |"
        )
    mistakes = sum(
        len(read_notes(shelf.notes_file(kata)).mistakes) for kata in shelf.katas
    )
    count = (
        f"\n{len(shelf.katas)} katas in {len(shelf.tracks)} tracks, judged by "
        f"properties that catch {mistakes} known mistakes."
    )
    return "\n".join([*rows, count]) + "\n"


def interviews_count() -> str:
    """Return what the interviews draw from, as a paragraph of Markdown."""
    from interviews.ml_theory_questions import items, open_questions
    from interviews.rounds.levels import codebases
    from interviews.system_design_questions import prompts

    return (
        f"{len(items())} questions with a computed answer, {len(open_questions())} "
        f"open ones, {len(prompts())} design prompts and\n{len(codebases())} codebases "
        "that grow level by level, beside the katas.\n"
    )


def rewritten(text: str, shelf: Catalogue) -> str:
    """Return the README with its generated parts made anew."""
    parts = {"tracks": tracks_table(shelf), "interviews": interviews_count()}
    return _PART.sub(lambda m: m[1] + parts[m["name"]] + m[3], text)


def picture(shelf: Catalogue) -> str:
    """Judge a real wrong attempt and return its verdict as SVG."""
    (kata,) = shelf.find(_SHOWN_KATA)
    mistake = read_notes(shelf.notes_file(kata)).mistake(_SHOWN_MISTAKE)
    if mistake is None:
        raise SystemExit(f"{_SHOWN_KATA} has no mistake '{_SHOWN_MISTAKE}'")
    source = shelf.solution_file(kata).read_text(encoding="utf-8")
    preload([kata])
    with tempfile.TemporaryDirectory() as folder:
        file = kata.file_in(Path(folder))
        file.parent.mkdir()
        file.write_text(mistake.patch(source), encoding="utf-8")
        verdict = judge(Job(kata, Target("katas", Path(folder))), shelf, children=2)
    command = f"$ pytest katas/{kata.track}/test_{kata.name}.py"
    hidden = (f"{folder}/", "katas/")
    return as_svg(command, verdict_lines(verdict), hidden)


def as_svg(command: str, lines: list[Line], hidden: tuple[str, str]) -> str:
    """Draw lines as a terminal window."""
    from rich.console import Console
    from rich.text import Text

    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=82, file=nowhere, force_terminal=True)
        console.print(command, style="bold", highlight=False)
        console.print()
        for spans in lines:
            text = Text()
            for span in spans:
                text.append(span.text.replace(*hidden), style=span.style)
            console.print(text, soft_wrap=True)
        drawn = console.export_svg(title="a verdict", unique_id="verdict")
    # No font is fetched from elsewhere: the reader's own will do.
    return re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)


def main() -> None:
    """Write, or check."""
    shelf = catalogue()
    file = shelf.root / "README.md"
    text = file.read_text(encoding="utf-8")
    new = rewritten(text, shelf)
    if "--check" in sys.argv:
        if new != text:
            sys.exit("README.md is not in step: nox -s readme")
        return
    write_atomically(file, new)
    write_atomically(shelf.root / "docs" / "verdict.svg", picture(shelf))


if __name__ == "__main__":
    main()
