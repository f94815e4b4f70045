"""What a design round shows, and the file that a stage may be answered in."""

import random
import re
import textwrap
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import cast

from interviews.engine.plan import derive
from interviews.rounds.design_record import Record
from interviews.rounds.submitting import read_draft
from interviews.system_design_questions.prompt import (
    Decision,
    Estimate,
    Followup,
    Option,
    Prompt,
    Stage,
)
from interviews.system_design_questions.spoken import spoken

WIDTH = 78
LARGEST = 100_000
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


def wrapped(text: str, indent: str = "") -> tuple[str, ...]:
    """Return ``text`` as lines of at most 78 characters."""
    flat = " ".join(text.split())
    further = f"{indent}  " if indent else ""
    return tuple(
        textwrap.wrap(flat, WIDTH, initial_indent=indent, subsequent_indent=further)
    )


def template(stage: Stage) -> str:
    """Return the file of a stage: its question in comments, and room."""
    lines = [f"<!-- {line} -->" for line in wrapped(stage.asks)]
    return "\n".join([f"<!-- {stage.name} -->", *lines, "", ""])


def written(file: Path, until: datetime | None = None) -> str:
    """Return what stands in a stage's file, comments apart.

    Nothing without a file, nor of one that was changed after ``until``.
    """
    text, late = read_draft(file, until)
    return "" if late else COMMENT.sub("", text[:LARGEST]).strip()


def shuffled(decision: Decision, seed: int) -> list[Option]:
    """Return the options in an order that tells nothing."""
    chance = random.Random(derive(seed, "options", decision.id))  # noqa: S311 (a shuffle)
    return chance.sample(decision.options, len(decision.options))


def stage_lines(prompt: Prompt, stage: Stage, seed: int) -> tuple[str, ...]:
    """Return what a stage asks: question, decisions and estimates."""
    lines = ["", *wrapped(stage.asks)]
    for decision in stage.decisions:
        lines += ["", *wrapped(f"Decide: {decision.asks}")]
        for option in shuffled(decision, seed):
            lines += wrapped(
                f"/decide {decision.id} {option.id}: {option.text}", indent="  "
            )
    estimates = [one for one in prompt.estimates if one.stage == stage.name]
    if estimates:
        lines += ["", "Estimate, low and high:"]
        lines += [line for one in estimates for line in _asked(one)]
    lines += ["", f"Answer here line by line, or in {stage.name}.md, or in both."]
    return tuple(lines)


def estimate_lines(record: Record) -> tuple[str, ...]:
    """Return every estimate with what was given for it."""
    lines: list[str] = []
    for one in record.prompt.estimates:
        given = record.estimates.get(one.id)
        lines += _asked(one)
        lines += [f"    given: {between(given, one.unit)}"] if given else []
    return tuple(lines)


def assumption_lines(record: Record) -> tuple[str, ...]:
    """Return the names one may state a number for, with the numbers stated."""
    lines: list[str] = []
    for one in record.prompt.assumptions:
        given = record.assumed.get(one.name)
        told = "" if given is None else f" = {spoken(given, one.unit)}"
        unit = f" ({one.unit})" if one.unit else ""
        fixed = "; the prompt says it" if one.stated else ""
        lines += wrapped(f"{one.name}{told}: {one.text}{unit}{fixed}", indent="  ")
    return tuple(lines)


def between(interval: tuple[float, float], unit: str) -> str:
    """Return an interval as understood."""
    low, high = interval
    if low == high:
        return spoken(low, unit)
    return f"{spoken(low, '')} to {spoken(high, unit)}"


def followup_lines(text: str) -> tuple[str, ...]:
    """Return a follow-up as the interviewer says it."""
    return ("", *wrapped(f"Interviewer: {text}"), "")


def exemplar(prompt: Prompt) -> str:
    """Return the whole exemplar answer."""
    parts = [f"# {prompt.title}"]
    for stage in prompt.stages:
        parts.append(f"## {stage.name}")
        parts += ["\n".join(wrapped(one)) for one in stage.exemplar.split("\n\n")]
    return "\n\n".join(parts) + "\n"


def debrief_lines(record: Record) -> tuple[str, ...]:
    """Return what may be told at the end."""
    prompt = record.prompt
    lines = ["Estimates"]
    for one in prompt.estimates:
        if one.id in record.scored:
            lines += _scored(one, record.scored[one.id])
    if prompt.decisions:
        lines += ["", "Decisions"]
    for decision in prompt.decisions:
        lines += _decision(decision, record.decided.get(decision.id, ""))
    told = [one for one in prompt.followups if one.points and one.id in record.fired]
    if told:
        lines += ["", "What a good answer to the follow-ups says"]
    for followup in told:
        lines += _followup(record, followup)
    asked = len(record.unlocked)
    lines += ["", f"Facts asked for: {asked} of {len(prompt.facts)}."]
    lines += ["An exemplar answer lies in exemplar.md in the folder of this round."]
    return tuple(lines)


def _asked(one: Estimate) -> tuple[str, ...]:
    unit = f" ({one.unit})" if one.unit else ""
    return wrapped(f"/estimate {one.id} LOW HIGH: {one.asks}{unit}", indent="  ")


def _scored(one: Estimate, event: Mapping[str, object]) -> Iterable[str]:
    expected = spoken(cast("float", event["expected"]), one.unit)
    given = "nothing"
    if event["low"] is not None:
        ends = (cast("float", event["low"]), cast("float", event["high"]))
        given = between(ends, one.unit)
    yield from wrapped(f"{one.id}: {one.asks}", indent="  ")
    yield from wrapped(f"expected {expected}, you gave {given}", indent="    ")
    yield from wrapped(f"= {one.formula}", indent="    ")
    yield from wrapped(f"credit {event['credit']:g}: {event['why']}", indent="    ")


def _decision(decision: Decision, chosen: str) -> Iterable[str]:
    option = decision.option(chosen)
    right = [one.id for one in decision.options if one.right]
    if option is None:
        verdict = f"not decided; right: {', '.join(right)}"
    elif option.right:
        verdict = f"{option.id}, right"
    else:
        verdict = f"{option.id}, wrong; right: {', '.join(right)}"
    yield from wrapped(f"{decision.id}: {verdict}", indent="  ")


def _followup(record: Record, followup: Followup) -> Iterable[str]:
    yield from wrapped(record.worded(followup), indent="  ")
    for point in followup.points:
        yield from wrapped(f"- {record.filled(point)}", indent="    ")
