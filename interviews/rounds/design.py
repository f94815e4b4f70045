"""The design round: stages, facts that are asked for, estimates, and a review.

Estimates are measured: they are computed again from the candidate's own assumptions.
The text is not: its key points are shown in the review, and a yes quotes the text.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from interviews.engine.lines import no_such_key
from interviews.engine.plan import derive
from interviews.quantities import interval, parse
from interviews.rounds import design_text as text_of
from interviews.rounds import estimation
from interviews.rounds.base import (
    LEVELS,
    Event,
    Host,
    Opening,
    Phase,
    Spec,
    Ticket,
    Tools,
)
from interviews.rounds.design_record import Record
from interviews.rounds.submitting import deadline
from interviews.system_design_questions import Prompt, prompts
from interviews.system_design_questions.prompt import REVIEW, Stage
from interviews.system_design_questions.spoken import spoken

STAGE_KEYS = (
    ("/ask", "words: ask for a fact"),
    ("/facts", "the facts so far"),
    ("/assume", "name value: state a number"),
    ("/estimate", "name low high: estimate"),
    ("/decide", "name option: decide"),
)
REVIEW_KEYS = (("y <quote>", "I said so, here"), ("n", "I did not"))
SAYS = {
    "framing": "What it is for, and what an error costs.",
    "data": "What there is to learn from.",
    "model": "How the decision is made.",
    "evaluation": "How you know that it is good.",
    "serving": "How it runs.",
    "estimation": "How much it takes.",
    REVIEW: "Key points, one at a time, for what you wrote.",
}


class DesignRound:
    """A staged system design interview (see ``interviews.rounds.base.Round``)."""

    def __init__(self, spec: Spec, tools: Tools) -> None:
        self._spec = spec
        self._interviewer = tools.interviewer
        self._prompt = choose(prompts(), spec, tools.seen)
        self._record = Record(self._prompt)
        self._waiting: _Waiting | None = None
        self._opened: Event = {}

    def open(self) -> Opening:
        """Give the prompt; files of the stages are made as the stages begin."""
        prompt = self._prompt
        phases = [
            Phase(stage.name, stage.share, SAYS[stage.name]) for stage in prompt.stages
        ]
        return Opening(
            title=f"Design: {prompt.title}",
            par=prompt.minutes,
            phases=(*phases, Phase(REVIEW, prompt.review, SAYS[REVIEW])),
            lines=(
                *text_of.wrapped(prompt.text),
                "",
                "/ask for facts; /assume a number (alone, it lists their names).",
                "Estimates are a low and a high, checked against your assumptions.",
            ),
            subject={
                "prompt_id": prompt.id,
                "topic": prompt.topic,
                "stages": [stage.name for stage in prompt.stages],
                "temporal": prompt.temporal,
                "estimates": [one.id for one in prompt.estimates],
                "decisions": [one.id for one in prompt.decisions],
                "asks": {one.id: one.asks for one in prompt.estimates}
                | {one.id: one.asks for one in prompt.decisions},
                "points": sum(len(stage.points) for stage in prompt.stages),
            },
        )

    def apply(self, event: Event) -> None:
        """Take an event into the state."""
        if event["event"] == "opened":
            self._opened = event
        self._record.apply(event)

    def enter(self, host: Host, phase: str) -> None:
        """Lock what came before, and ask what this phase asks."""
        names = [stage.name for stage in self._prompt.stages]
        end = names.index(phase) if phase in names else len(names)
        for stage in self._prompt.stages[:end]:
            self._lock(host, stage)
        if phase not in self._record.entered:
            host.record("stage", stage=phase)
        stage_now = self._prompt.stage(phase)
        if stage_now is None:
            self._enter_review(host)
            return
        file = host.folder / f"{phase}.md"
        if not file.exists():
            file.write_text(text_of.template(stage_now), encoding="utf-8")
        host.say(*text_of.stage_lines(self._prompt, stage_now, self._spec.seed))

    def handle(self, host: Host, text: str) -> None:
        """Take a command, a quotation in the review, or a line of the answer."""
        word, _, rest = text.strip().partition(" ")
        if word == "/facts":
            self._facts(host)
        elif self._record.stage is None:
            self._review(host, text)
        elif word.startswith("/"):
            self._command(host, word, rest.strip())
        elif text.strip():
            host.record("wrote", stage=self._record.phase, text=text.rstrip())
        self._fire(host)

    def poll(self, host: Host) -> None:
        """Show what the optional interviewer has to say."""
        self._fire(host)
        if self._waiting is not None and self._waiting.ticket.done():
            waiting, self._waiting = self._waiting, None
            _heard(host, waiting)

    def end(self, host: Host) -> None:
        """Lock the draft and score the estimates."""
        for stage in self._record.reached:
            self._lock(host, stage)
        if self._waiting is not None:
            self._waiting = None
            _silent(host, "the round had ended")
        for one in self._prompt.estimates:
            if one.id not in self._record.scored:
                host.record("scored", **self._score(one.id))
        file = host.folder / "exemplar.md"
        file.write_text(text_of.exemplar(self._prompt), encoding="utf-8")

    @property
    def busy(self) -> bool:
        """Nothing that counts is ever waited for."""
        return False

    @property
    def complete(self) -> bool:
        """Whether the review has no point left."""
        return self._record.phase == REVIEW and self._record.reviewed is None

    @property
    def unfinished(self) -> str:
        """What would be left undone if the round ended now."""
        left = sum(one.left for one in self._record.reveals.values())
        if self._record.phase != REVIEW or not left:
            return ""
        return f"{left} {'point is' if left == 1 else 'points are'} left to review"

    @property
    def takes_text(self) -> bool:
        """Whether a line of text goes into the answer as it stands."""
        return self._record.stage is not None

    @property
    def keys(self) -> Sequence[tuple[str, str]]:
        """The commands of the stage, or of the review."""
        return STAGE_KEYS if self._record.stage else REVIEW_KEYS

    @property
    def prompt(self) -> str:
        """The stage stands before the cursor."""
        return f"{self._record.phase}> "

    @property
    def debrief(self) -> Sequence[str]:
        """Estimates, decisions, and where the exemplar is."""
        return text_of.debrief_lines(self._record)

    def _command(self, host: Host, word: str, rest: str) -> None:
        commands: Mapping[str, Callable[[Host, str], None]] = {
            "/ask": self._ask,
            "/assume": self._assume,
            "/estimate": self._estimate,
            "/decide": self._decide,
        }
        if word not in commands:
            host.say(no_such_key(word))
            return
        commands[word](host, rest)

    def _ask(self, host: Host, rest: str) -> None:
        if not rest:
            host.say("/ask and a few words, as in /ask latency budget, tells a fact.")
            return
        found = self._record.facts_about(rest)
        if not found:
            host.say("No fact about that.")
            return
        new = [one for one in found if one.id not in self._record.facts]
        # The best alone: one question is told one fact.
        fact = (new or found)[0]
        if new:
            host.record("unlocked", fact=fact.id, text=fact.text)
        host.say(*text_of.wrapped(f"Fact: {fact.text}"))

    def _facts(self, host: Host) -> None:
        lines = [
            line
            for fact in self._record.unlocked
            for line in text_of.wrapped(f"- {fact.text}")
        ]
        host.say(*(lines or ["No facts yet: /ask for them."]))

    def _assume(self, host: Host, rest: str) -> None:
        name, _, given = rest.partition(" ")
        assumption = self._prompt.assumption(name)
        if assumption is None:
            lead = f"No assumption is named {name}." if name else "Assumptions:"
            host.say(lead, *text_of.assumption_lines(self._record))
            return
        try:
            value = parse(given.strip().removeprefix("=").strip(), assumption.unit)
        except ValueError as error:
            host.say(f"{error}.")
            return
        why = assumption.refusal(value)
        host.record("assumed", name=name, value=value, accepted=not why, why=why)
        shown = spoken(value, assumption.unit)
        host.say(f"Not taken: {why}." if why else f"Assumed: {name} = {shown}.")

    def _estimate(self, host: Host, rest: str) -> None:
        name, _, given = rest.partition(" ")
        estimate = self._prompt.estimate(name)
        if estimate is None:
            lead = f"No estimate is named {name}." if name else "Estimates:"
            host.say(lead, *text_of.estimate_lines(self._record))
            return
        try:
            low, high = interval(given.strip(), estimate.unit)
        except ValueError as error:
            host.say(f"{error}.")
            return
        why = estimation.refusal(low, high)
        if why:
            host.say(f"{why[0].upper()}{why[1:]}.")
            return
        host.record(
            "estimated", id=name, low=low, high=high, unit=estimate.unit, text=given
        )
        host.say(f"{name}: {text_of.between((low, high), estimate.unit)}.")

    def _decide(self, host: Host, rest: str) -> None:
        name, _, chosen = rest.partition(" ")
        decision = self._prompt.decision(name)
        stage = self._record.stage
        asked = stage.decisions if stage else ()
        if decision is None or decision not in asked:
            names = ", ".join(one.id for one in asked) or "none in this stage"
            host.say(f"Decisions: {names}. As in /decide name option.")
            return
        option = decision.option(chosen.strip())
        if option is None:
            order = text_of.shuffled(decision, self._spec.seed)
            host.say(f"Options of {name}: {', '.join(one.id for one in order)}.")
            return
        host.record(
            "decided", id=name, option=option.id, right=option.right, cap=option.cap
        )
        host.say(f"Decided: {name} = {option.id}.")

    def _lock(self, host: Host, stage: Stage) -> None:
        if stage.name in self._record.locked:
            return
        typed = "\n".join(self._record.typed.get(stage.name, []))
        until = deadline(self._opened, host)
        parts = (text_of.written(host.folder / f"{stage.name}.md", until), typed)
        text = "\n".join(part for part in parts if part)
        host.record("locked", stage=stage.name, text=text)
        self._consult(stage, text)

    def _consult(self, stage: Stage, text: str) -> None:
        """Ask the optional interviewer about a stage; one question at a time."""
        if self._interviewer is None or self._waiting is not None or not text.strip():
            return
        worded = {one.id: self._record.worded(one) for one in self._prompt.followups}
        options = {
            one: said
            for one, said in worded.items()
            if said and one not in self._record.fired
        }
        facts = [fact.text for fact in self._record.unlocked]
        ticket = self._interviewer.choose(stage.name, text, options, facts, stage.asks)
        self._waiting = _Waiting(ticket, options)

    def _fire(self, host: Host) -> None:
        """Ask what the candidate's own numbers call for, each once."""
        if self._record.stage is None:
            return
        for followup in self._record.due():
            said = self._record.worded(followup)
            value = self._record.stated(followup) or 0.0
            about = followup.estimate or followup.assumption
            because = f"{about}: {spoken(value, self._record.unit(followup))}"
            host.record("followup", id=followup.id, text=said, because=because)
            host.say(*text_of.followup_lines(said))

    def _enter_review(self, host: Host) -> None:
        host.say("", "What you wrote is locked; the estimates are closed.")
        if self._record.reviewed is None:
            host.say("Nothing was written, so there is nothing to review.")
        self._show(host)

    def _review(self, host: Host, text: str) -> None:
        before = self._record.reviewed
        if before is None:
            host.say("Nothing is left to review; /next ends the round.")
            return
        before.handle(host, text)
        if self._record.reviewed is not before:
            self._show(host)

    def _show(self, host: Host) -> None:
        reveal = self._record.reviewed
        if reveal is None:
            return
        own = [
            line
            for part in reveal.answer.splitlines()
            for line in text_of.wrapped(part, indent="  | ")
        ]
        host.say("", f"Your {reveal.item}:", *own, "", *reveal.lines)

    def _score(self, wanted: str) -> dict[str, object]:
        record = self._record
        estimate = next(one for one in self._prompt.estimates if one.id == wanted)
        basis = {name: record.assumptions[name] for name in estimate.uses}
        expected = estimate.expected(basis)
        told: dict[str, object] = {
            "id": wanted, "low": None, "high": None, "expected": expected,
            "from": basis, "error": None, "credit": 0.0, "why": "no estimate was given",
        }  # fmt: skip
        if wanted in record.estimates:
            low, high = record.estimates[wanted]
            earned = estimation.score(low, high, expected)
            told |= {
                "low": low, "high": high, "error": earned.error,
                "credit": earned.credit, "why": earned.why,
            }  # fmt: skip
        return told


def choose(all_prompts: Sequence[Prompt], spec: Spec, seen: frozenset[str]) -> Prompt:
    """Draw a prompt: the one asked for, else by track, unseen, near the level.

    Raises ValueError, in one line, for a name that no prompt has.
    """
    if spec.item:
        for prompt in all_prompts:
            if prompt.id == spec.item.replace("-", "_"):
                return prompt
        known = ", ".join(prompt.id for prompt in all_prompts)
        raise ValueError(f"no design prompt is named {spec.item}; there are {known}")
    tracks = {track.replace("-", "_") for track in spec.tracks}

    def distance(prompt: Prompt) -> tuple[bool, bool, int]:
        off_track = tracks.isdisjoint({prompt.id, prompt.topic.replace("-", "_")})
        off_level = abs(LEVELS.index(prompt.level) - LEVELS.index(spec.level))
        return (off_track, prompt.id in seen, off_level)

    nearest = min(map(distance, all_prompts))
    near = [prompt for prompt in all_prompts if distance(prompt) == nearest]
    chance = random.Random(derive(spec.seed, "design"))  # noqa: S311 (a draw)
    return chance.choice(near)


@dataclass(frozen=True)
class _Waiting:
    """A question to the interviewer, with the follow-ups that it may choose from."""

    ticket: Ticket
    options: Mapping[str, str]


def _heard(host: Host, waiting: _Waiting) -> None:
    """Record what the interviewer said, and show it apart."""
    result = waiting.ticket.result()
    choice = str(result.get("choice") or "")
    reply = str(result.get("reply") or "")
    fallback = str(result.get("fallback") or "")
    if fallback or (choice and choice not in waiting.options):
        _silent(host, fallback or f"{choice} is no follow-up that was offered")
        return
    said = " ".join(one for one in (reply, waiting.options.get(choice, "")) if one)
    host.record("interviewer", text=said, choice=choice, fallback="")
    if said:
        host.say("", *text_of.wrapped(f"Interviewer (model): {said}"), "")


def _silent(host: Host, why: str) -> None:
    host.record("interviewer", text="", choice="", fallback=why)
