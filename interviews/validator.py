"""Says what is wrong with the content, a line for each problem.

``check()`` reads every question, prompt, challenge and preset as the rounds do, and
answers each by its own exemplar: what its author calls right must be judged right.
That the challenges' mistakes are caught is proven by ``nox -s challenges``.
"""

import ast
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.util import module_from_spec, spec_from_file_location
from itertools import product
from pathlib import Path
from types import ModuleType

from dojo.catalogue import Catalogue, CatalogueError, Kata, Track, read_catalogue
from dojo.notes import Notes, read_notes
from interviews.engine.plan import read_presets
from interviews.evidence import refusal
from interviews.ml_theory_questions.numbers import (
    Item,
    draw_with,
    generator,
    items_in,
    judge_answer,
    show_answer,
)
from interviews.ml_theory_questions.open import OpenQuestion, questions_in
from interviews.ml_theory_questions.open import Point as OpenPoint
from interviews.ml_theory_questions.question import Question
from interviews.quantities import interval
from interviews.rounds.estimation import score
from interviews.system_design_questions.prompt import (
    Estimate,
    Followup,
    Prompt,
    Stage,
)
from interviews.system_design_questions.prompt import Point as DesignPoint
from interviews.system_design_questions.reading import read_prompt
from interviews.system_design_questions.spoken import spoken

HERE = Path(__file__).parent
SEEDS = range(5)
# The repair round draws its mistakes from this one as well as from every kata.
REPAIR = "small_gpt"
MISTAKES, REPAIR_MISTAKES = 5, 10
LEVELS_TAG, LEVELS = "levels", 4
LEAST = {
    "questions with a computed answer": 60,
    "open questions": 60,
    "design prompts": 12,
    "codebases": 3,
    "presets": 3,
}

Problems = Iterator[str]


@dataclass(frozen=True)
class Roots:
    """Where the content lies."""

    theory: Path = HERE / "ml_theory_questions"
    design: Path = HERE / "system_design_questions"
    challenges: Path = HERE / "coding_challenges"
    presets: Path = HERE / "presets.toml"


def check(roots: Roots | None = None) -> list[str]:
    """Return what is wrong, each line with its file and item; nothing if all holds."""
    roots = roots or Roots()
    counts = dict.fromkeys(LEAST, 0)
    found = [
        *_theory(roots.theory, counts),
        *_design(roots.design, counts),
        *_challenges(roots.challenges, counts),
        *_presets(roots.presets, counts),
    ]
    return found + [
        f"all content: {least} {what} are needed, there are {counts[what]}"
        for what, least in LEAST.items()
        if counts[what] < least
    ]


# Theory -----------------------------------------------------------------------------


def _theory(folder: Path, counts: dict[str, int]) -> Problems:
    ids: list[str] = []
    for file in sorted(folder.glob("*.toml")):
        try:
            items, questions = items_in(file), tuple(questions_in(file))
        except ValueError as error:
            yield _line(file.name, error)
            continue
        counts["questions with a computed answer"] += len(items)
        counts["open questions"] += len(questions)
        for name in [*(one.id for one in items), *(one.id for one in questions)]:
            if name in ids:
                yield f"{file.name}: {name}: another question has this id"
            ids.append(name)
        for item in items:
            yield from _named(file, item.id, _number(file, item))
        for question in questions:
            yield from _named(file, question.id, _open(question))


def _number(file: Path, item: Item) -> Problems:
    """Draw an item and answer it, with what is right and with each mistake."""
    try:
        make = generator(item, _module(file.with_suffix(".py")))
        questions = [draw_with(make, item, seed) for seed in SEEDS]
    except Exception as error:  # whatever an author's function raises
        yield _line(type(error).__name__, error)
        return
    for seed, question in zip(SEEDS, questions, strict=True):
        problem = next(_answers(item, question), "")
        if problem:
            yield f"seed {seed}: {problem}"
            return


def _answers(item: Item, question: Question) -> Problems:
    shown = show_answer(item, question.answer)
    if not judge_answer(item, question, shown).correct:
        yield f"its own answer is judged wrong, {shown}"
    if not question.prompt.strip() or not question.steps:
        yield "it has no prompt or no steps"
    for distractor in question.distractors:
        name, shown = distractor.misconception, show_answer(item, distractor.value)
        judged = judge_answer(item, question, shown)
        if judged.correct:
            yield f"the distractor '{name}' is judged right, {shown}"
        elif not name.strip() or judged.misconception != name:
            yield f"the distractor '{name}' is not named for its answer, {shown}"


def _open(question: OpenQuestion) -> Problems:
    yield from _points(question.points, question.exemplar, question.prompt)


def _points(
    points: Sequence[OpenPoint | DesignPoint], exemplar: str, prompt: str
) -> Problems:
    """Claim every point with its own quotation, one after the other."""
    used: list[str] = []
    for point in points:
        why = refusal(
            point.quote, answer=exemplar, prompt=prompt, terms=point.terms, used=used
        )
        used.append(point.quote)
        if why:
            yield f"point {point.id}: its quote is refused: {why}"


# Design -----------------------------------------------------------------------------


def _design(folder: Path, counts: dict[str, int]) -> Problems:
    for file in sorted(folder.glob("*.toml")):
        counts["design prompts"] += 1
        try:
            prompt = read_prompt(file)
        except Exception as error:  # its module is an author's as well
            yield _line(file.name, error)
            continue
        yield from _named(file, prompt.id, _prompt(prompt))


def _prompt(prompt: Prompt) -> Problems:
    if prompt.minutes <= 0:
        yield f"minutes must be above 0, got {prompt.minutes:g}"
    for stage in prompt.stages:
        yield from _points(stage.points, stage.exemplar, _asked(prompt, stage))
    for estimate in prompt.estimates:
        yield from _estimate(prompt, estimate)
    for followup in prompt.followups:
        if not any(map(followup.fires, _reachable(prompt, followup))):
            yield f"follow-up {followup.id}: no assumption in range makes it fire"
    for decision in prompt.decisions:
        if sum(option.right for option in decision.options) != 1:
            yield f"decision {decision.id}: one option must be right, no more"


def _asked(prompt: Prompt, stage: Stage) -> str:
    """Return all that a candidate is shown before the stage's points."""
    options = [option.text for one in stage.decisions for option in one.options]
    facts = [fact.text for fact in stage.facts]
    return "\n".join([prompt.text, stage.asks, *facts, *options])


def _estimate(prompt: Prompt, estimate: Estimate) -> Problems:
    """Give the estimate that the exemplar states, as it would be typed."""
    where = f"estimate {estimate.id}"
    expected = estimate.expected(prompt.defaults)
    if not math.isfinite(expected):
        yield f"{where}: it computes {expected}"
        return
    try:
        low, high = interval(f"{expected:.6g} {estimate.unit}", estimate.unit)
    except ValueError as error:
        yield _line(where, error)
        return
    if score(low, high, expected).credit < 1:
        yield f"{where}: the exact answer earns less than everything"
    said = spoken(expected, estimate.unit)
    exemplar = " ".join(" ".join(stage.exemplar for stage in prompt.stages).split())
    if said not in exemplar:
        yield f"{where}: the exemplar does not say {said}"


def _reachable(prompt: Prompt, followup: Followup) -> list[float]:
    """Return the values of a follow-up's number at the ends of its assumptions."""
    estimate = prompt.estimate(followup.estimate)
    names = estimate.uses if estimate else (followup.assumption,)
    ranges = {one.name: (one.low, one.high) for one in prompt.assumptions}
    corners = (
        dict(zip(names, values, strict=True))
        for values in product(*(ranges[name] for name in names))
    )
    if estimate is None:
        return [corner[followup.assumption] for corner in corners]
    return [estimate.expected(corner) for corner in corners]


# Challenges -------------------------------------------------------------------------


def _challenges(root: Path, counts: dict[str, int]) -> Problems:
    try:
        shelf = read_catalogue(root)
    except (CatalogueError, TypeError) as error:
        yield _line(root.name, error)
        return
    for track in shelf.tracks:
        levels = _levels(track)
        counts["codebases"] += levels >= LEVELS
        if 0 < levels < LEVELS:
            yield f"{track.name}/track.toml: {LEVELS} levels are needed, got {levels}"
        for kata in track.katas:
            yield from _named(shelf.solution_file(kata), kata.name, _kata(shelf, kata))
    if REPAIR not in {kata.name for kata in shelf.katas}:
        yield f"{root.name}: the repair round needs {REPAIR}"


def _levels(track: Track) -> int:
    return sum(LEVELS_TAG in kata.tags for kata in track.katas)


def _kata(shelf: Catalogue, kata: Kata) -> Problems:
    for file in (shelf.stub_file(kata), shelf.test_file(kata)):
        if not file.is_file():
            yield f"{file.relative_to(shelf.root)} is missing"
    try:
        source = shelf.solution_file(kata).read_text(encoding="utf-8")
        statement = ast.get_docstring(ast.parse(source)) or ""
        notes = read_notes(shelf.notes_file(kata))
    except (OSError, SyntaxError, CatalogueError) as error:
        yield _line("solution", error)
        return
    if not re.search(r"^Sources?: \S", statement, re.MULTILINE):
        yield "its statement has no line 'Source: …'"
    yield from _mistakes(kata, notes, source)


def _mistakes(kata: Kata, notes: Notes, source: str) -> Problems:
    least = REPAIR_MISTAKES if kata.name == REPAIR else MISTAKES
    if len(notes.mistakes) < least:
        yield f"{least} known mistakes are needed, there are {len(notes.mistakes)}"
    for mistake in notes.mistakes:
        try:
            mistake.patch(source)
        except CatalogueError as error:
            yield str(error)


# Presets ----------------------------------------------------------------------------


def _presets(file: Path, counts: dict[str, int]) -> Problems:
    try:
        presets = read_presets(file)
    except (ValueError, TypeError) as error:
        yield _line("" if file.name in str(error) else file.name, error)
        return
    counts["presets"] += len(presets)
    for preset in presets:
        try:
            date.fromisoformat(preset.date)
        except ValueError:
            yield f"{file.name}: {preset.name}: date must be a day, got {preset.date}"


# Lines ------------------------------------------------------------------------------


def _named(file: Path, item: str, problems: Problems) -> Problems:
    return (f"{file.name}: {item}: {problem}" for problem in problems)


def _line(where: str, error: Exception) -> str:
    """Return an error in one line, with where it is unless it says so itself."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if not where or text.startswith(where) else f"{where}: {text}"


def _module(file: Path) -> ModuleType:
    """Return a topic's module, wherever its file lies."""
    spec = spec_from_file_location(f"content_{file.stem}", file)
    if spec is None or spec.loader is None or not file.is_file():
        raise FileNotFoundError(f"{file.name} is missing")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
