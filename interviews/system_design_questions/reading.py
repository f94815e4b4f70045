"""Read one prompt: its TOML file, the numbers beside it, and its exemplar."""

import importlib.util
import inspect
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType

from interviews.rounds.base import LEVELS
from interviews.system_design_questions.prompt import (
    STAGES,
    Assumption,
    Decision,
    Estimate,
    Fact,
    Followup,
    Option,
    Point,
    Prompt,
    Stage,
)
from interviews.system_design_questions.spoken import spoken
from interviews.system_design_questions.table import PromptError, Reader, Table

GIVEN = "given"
LEAST_REVIEW = 0.05
PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
HEADING = re.compile(r"^## +(\S+) *$", re.MULTILINE)
Fill = Callable[[str], str]


def read_prompt(file: Path) -> Prompt:
    """Read ``<id>.toml`` with its ``<id>.py`` and ``<id>.md``.

    Raises PromptError, in one line that names the file, the place and the key.
    """
    try:
        top = Reader(tomllib.loads(file.read_text(encoding="utf-8")), file.name)
        exemplar_text = file.with_suffix(".md").read_text(encoding="utf-8")
        module = _module(file.with_suffix(".py"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise PromptError(f"{file.name}: {error}") from None
    assumptions = tuple(
        _assumption(name, Reader(table, f"{file.name} assumption {name}"))
        for name, table in top.named("assumption").items()
    )
    numbers = _Numbers(module, assumptions)
    exemplar = _sections(numbers.fill(exemplar_text), file.with_suffix(".md").name)
    stages = tuple(
        _stage(Reader(table, f"{file.name} stage {place}"), numbers.fill, exemplar)
        for place, table in enumerate(top.tables("stage", least=1), 1)
    )
    estimates = tuple(
        _estimate(Reader(table, f"{file.name} estimate {place}"), numbers)
        for place, table in enumerate(top.tables("estimate", least=1), 1)
    )
    followups = tuple(
        _followup(Reader(table, f"{file.name} followup {place}"), numbers.fill)
        for place, table in enumerate(top.tables("followup", least=2), 1)
    )
    prompt = Prompt(
        id=file.stem,
        title=top.text("title"),
        topic=top.text("topic"),
        level=top.text("level"),
        minutes=top.number("minutes"),
        temporal=top.flag("temporal"),
        source=top.text("source"),
        text=numbers.fill(top.text("prompt")),
        assumptions=assumptions,
        stages=stages,
        estimates=estimates,
        followups=followups,
        fill=numbers.fill,
    )
    top.finish()
    _check(prompt, file.name)
    return prompt


class _Numbers:
    """The functions of ``<id>.py`` that ``NUMBERS`` names, each with its unit."""

    def __init__(self, module: ModuleType, assumptions: Iterable[Assumption]) -> None:
        self.file = Path(str(module.__file__)).name
        self.defaults = {one.name: one.value for one in assumptions}
        self.units: Mapping[str, str] = getattr(module, "NUMBERS", {})
        self.functions: dict[str, Callable[..., float]] = {}
        self.uses: dict[str, tuple[str, ...]] = {}
        for name in self.units:
            function = getattr(module, name, None)
            if not callable(function):
                raise PromptError(
                    f"{self.file}: NUMBERS names {name}, no such function"
                )
            self.functions[name] = function
            self.uses[name] = tuple(inspect.signature(function).parameters)
            for used in self.uses[name]:
                if used not in self.defaults:
                    raise PromptError(f"{self.file}: {name} uses {used}, no assumption")
        self.assumed_units = {one.name: one.unit for one in assumptions}

    def fill(self, text: str, assumed: Mapping[str, float] | None = None) -> str:
        """Put the numbers in place of ``{name}``; ``{given}`` stays.

        They follow from ``assumed`` where that says otherwise than the defaults.
        """
        given = self.defaults | dict(assumed or {})

        def one(match: re.Match[str]) -> str:
            name = match.group(1)
            if name == GIVEN:
                return match.group(0)
            return self._show(name, given)

        return PLACEHOLDER.sub(one, text)

    def _show(self, name: str, given: Mapping[str, float]) -> str:
        if name in self.functions:
            uses = {used: given[used] for used in self.uses[name]}
            return spoken(float(self.functions[name](**uses)), self.units[name])
        if name not in given:
            raise PromptError(
                f"{self.file}: {{{name}}} is neither in NUMBERS nor an assumption"
            )
        return spoken(given[name], self.assumed_units[name])


def _module(file: Path) -> ModuleType:
    name = f"interviews.system_design_questions.{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None or not file.is_file():
        raise PromptError(f"{file.name}: no such file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _sections(text: str, name: str) -> dict[str, str]:
    pieces = HEADING.split(text)
    sections = dict(zip(pieces[1::2], map(str.strip, pieces[2::2]), strict=True))
    for heading in sections:
        if heading not in STAGES:
            raise PromptError(f"{name}: ## {heading} is not one of {', '.join(STAGES)}")
    return sections


def _assumption(name: str, table: Reader) -> Assumption:
    assumption = Assumption(
        name=name,
        text=table.text("text"),
        value=table.number("value"),
        low=table.number("low"),
        high=table.number("high"),
        unit=table.text("unit", ""),
        stated=table.flag("stated", False),
    )
    table.finish()
    if not 0 < assumption.low <= assumption.value <= assumption.high:
        raise PromptError(f"{table.where}: must have 0 < low <= value <= high")
    return assumption


def _stage(table: Reader, fill: Fill, exemplar: Mapping[str, str]) -> Stage:
    name = table.text("name")
    where = table.where = f"{table.where} ({name})"
    if name not in exemplar:
        raise PromptError(f"{where}: the exemplar has no ## {name}")
    stage = Stage(
        name=name,
        share=table.number("share"),
        asks=fill(table.text("asks")),
        facts=tuple(_fact(one, where, fill) for one in table.tables("fact")),
        points=tuple(_point(one, where, fill) for one in table.tables("point", 1)),
        decisions=tuple(
            _decision(one, where, fill) for one in table.tables("decision")
        ),
        exemplar=exemplar[name],
    )
    table.finish()
    flat = " ".join(stage.exemplar.split()).casefold()
    for point in stage.points:
        if " ".join(point.quote.split()).casefold() not in flat:
            raise PromptError(f"{where}: quote of {point.id} is not in the exemplar")
    return stage


def _fact(given: Table, where: str, fill: Fill) -> Fact:
    table = Reader(given, f"{where} fact")
    fact = Fact(table.text("id"), table.texts("asked_by"), fill(table.text("text")))
    table.finish()
    return fact


def _point(given: Table, where: str, fill: Fill) -> Point:
    table = Reader(given, f"{where} point")
    point = Point(
        id=table.text("id"),
        text=fill(table.text("text")),
        terms=table.texts("terms"),
        source=table.text("source"),
        quote=fill(table.text("quote")),
    )
    table.finish()
    return point


def _decision(given: Table, where: str, fill: Fill) -> Decision:
    table = Reader(given, f"{where} decision")
    decision = Decision(
        id=table.text("id"),
        asks=fill(table.text("asks")),
        options=tuple(
            _option(one, where, fill) for one in table.tables("option", least=2)
        ),
    )
    table.finish()
    if not any(option.right for option in decision.options):
        raise PromptError(f"{where}: no option of {decision.id} is right")
    return decision


def _option(given: Table, where: str, fill: Fill) -> Option:
    table = Reader(given, f"{where} option")
    option = Option(
        id=table.text("id"),
        text=fill(table.text("text")),
        right=table.flag("right"),
        cap=table.text("cap", ""),
    )
    table.finish()
    if option.cap not in ("", "temporal"):
        raise table.wrong("cap", '"temporal" or left out', option.cap)
    return option


def _estimate(table: Reader, numbers: _Numbers) -> Estimate:
    name = table.text("function")
    uses, unit = table.texts("uses"), table.text("unit", "")
    if name not in numbers.functions:
        raise table.wrong("function", "one of NUMBERS", name)
    if set(uses) != set(numbers.uses[name]):
        raise table.wrong("uses", f"{list(numbers.uses[name])}", list(uses))
    if unit != numbers.units[name]:
        raise table.wrong("unit", repr(numbers.units[name]), unit)
    estimate = Estimate(
        id=table.text("id"),
        stage=table.text("stage"),
        asks=numbers.fill(table.text("asks")),
        unit=unit,
        formula=table.text("formula"),
        uses=uses,
        function=numbers.functions[name],
    )
    table.finish()
    if not estimate.expected(numbers.defaults) > 0:
        raise table.wrong(name, "positive", estimate.expected(numbers.defaults))
    return estimate


def _followup(table: Reader, fill: Fill) -> Followup:
    followup = Followup(
        id=table.text("id"),
        estimate=table.text("estimate", ""),
        assumption=table.text("assumption", ""),
        above=table.maybe_number("above"),
        below=table.maybe_number("below"),
        text=table.text("text"),
        points=table.texts("points", []),
    )
    table.finish()
    for text in (followup.text, *followup.points):
        fill(text)  # Refuses a number that is not known.
    if bool(followup.estimate) == bool(followup.assumption):
        raise PromptError(f"{table.where}: needs an estimate or an assumption")
    if (followup.above is None) == (followup.below is None):
        raise PromptError(f"{table.where}: needs above or below")
    return followup


def _check(prompt: Prompt, where: str) -> None:
    """Refuse what each part alone cannot know."""
    if prompt.level not in LEVELS:
        raise PromptError(f"{where}: level must be one of {', '.join(LEVELS)}")
    if tuple(stage.name for stage in prompt.stages) != STAGES:
        raise PromptError(f"{where}: the stages must be {', '.join(STAGES)}")
    if (
        not all(stage.share > 0 for stage in prompt.stages)
        or prompt.review < LEAST_REVIEW
    ):
        raise PromptError(f"{where}: the shares must leave some for the review")
    for estimate in prompt.estimates:
        if prompt.stage(estimate.stage) is None:
            raise PromptError(f"{where}: {estimate.id} has no stage {estimate.stage}")
    for followup in prompt.followups:
        if not (
            prompt.estimate(followup.estimate) or prompt.assumption(followup.assumption)
        ):
            raise PromptError(f"{where}: {followup.id} asks about nothing there is")
    caps = [option.cap for one in prompt.decisions for option in one.options]
    if prompt.temporal != ("temporal" in caps):
        raise PromptError(
            f"{where}: temporal goes with an option that has the cap temporal"
        )
    _unique(prompt, where)


def _unique(prompt: Prompt, where: str) -> None:
    for kind, ids in {
        "fact": [one.id for one in prompt.facts],
        "point": [one.id for stage in prompt.stages for one in stage.points],
        "decision": [one.id for one in prompt.decisions],
        "estimate": [one.id for one in prompt.estimates],
        "followup": [one.id for one in prompt.followups],
    }.items():
        twice = sorted({one for one in ids if ids.count(one) > 1})
        if twice:
            raise PromptError(f"{where}: {kind} {twice[0]} stands twice")
