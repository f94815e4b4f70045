"""Whole loops by a clock that is set: through the session, its log and its report."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

from dojo.catalogue import ROOT, Catalogue, Kata
from dojo.stub import make_stub
from interviews import ml_theory_questions as theory
from interviews.engine.plan import plan_of
from interviews.engine.session import Session
from interviews.judging import JudgeProcess
from interviews.judging_answers import properties_in
from interviews.report import Report, read
from interviews.rounds.base import Judging, Tools
from interviews.rounds.draw import shelves
from interviews.rounds.theory_draw import Number, Paper, draw_paper
from interviews.system_design_questions import Prompt, prompts
from tests.interviews.engine.playing import FakeClock
from tests.interviews.rounds.judging import Done

Request = Mapping[str, object]
Answer = dict[str, object]


class Patient:
    """The real judge; every ticket is done when it is given."""

    def __init__(self) -> None:
        self.process = JudgeProcess()

    def submit(self, request: Request) -> Done:
        """Judge, and wait for it."""
        return Done(self.process.submit(request).result())


class Knowing:
    """Stands for the judge: it knows the worked solutions, and no other code."""

    def submit(self, request: Request) -> Done:
        """Hold everything for a solution of the kata, or of a level that follows."""
        if request["kind"] == "warm":
            return Done({})
        if request["kind"] == "own_tests":
            return Done({"tests": ["test_something"], "false_alarms": [], "caught": {}})
        shelf, kata = found(str(request["kata"]))
        held = request["text"] in _solutions(shelf, kata)
        state = "solved" if held else "wrong"
        if request["text"] == stub(kata.name):
            state = "not started"
        names = properties_in(shelf.test_file(kata))
        results = [
            {
                "name": name,
                "sentence": said,
                "held": held,
                "core": 2 * place < len(names),
            }
            for place, (name, said) in enumerate(names.items())
        ]
        return Done({"state": state, "results": results, "seconds": 0.1})


@cache
def found(name: str) -> tuple[Catalogue, Kata]:
    """Return a kata with its shelf."""
    for shelf in shelves(ROOT).values():
        for kata in shelf.katas:
            if kata.name == name:
                return shelf, kata
    raise KeyError(name)


def solution(name: str) -> str:
    """Return the worked solution of a kata."""
    shelf, kata = found(name)
    return shelf.solution_file(kata).read_text("utf-8")


def stub(name: str) -> str:
    """Return what is handed out of a kata."""
    return make_stub(solution(name))


@cache
def _solutions(shelf: Catalogue, kata: Kata) -> tuple[str, ...]:
    track = next(track for track in shelf.tracks if kata in track.katas)
    later = track.katas[track.katas.index(kata) + 1 :]
    further = [one for one in later if {"levels", "extends"} & set(one.tags)]
    return tuple(solution(one.name) for one in (kata, *further))


class Loop:
    """A session of some rounds; minutes go by only as it is told."""

    def __init__(
        self, folder: Path, *rounds: str, level: str = "mid", judging: Judging
    ) -> None:
        """Begin the session and its first round."""
        self.folder = folder
        self.clock = FakeClock()
        self.shown: list[str] = []
        self.plan = plan_of(rounds=rounds, level=level, seed=7)
        self.tools = Tools(ROOT, judging)
        self.session = Session.begin(
            folder,
            self.plan,
            clock=self.clock,
            tools=self.tools,
            show=self.shown.append,
        )

    @property
    def number(self) -> int:
        """The number of the round that runs, or ran last."""
        return self.session.status().round

    @property
    def files(self) -> Path:
        """The folder of that round."""
        return self.folder / f"{self.number}-{self.plan.rounds[self.number - 1].kind}"

    def type(self, *lines: str) -> None:
        """Type lines, two seconds each."""
        for line in lines:
            self.clock.advance(2)
            self.session.handle(line)

    def save(self, name: str, text: str) -> None:
        """Save a file of the round."""
        (self.files / name).write_text(text, "utf-8")

    def end_round(self) -> None:
        """End the round phase by phase, and begin the next one."""
        number = self.number
        while not self.session.over and self.session.status().phase != "break":
            self.type("/next")
        if not self.session.over and self.number == number:
            self.type("/next")

    def wait(self, minutes: float) -> None:
        """Let time go by."""
        self.clock.advance(60 * minutes)
        self.session.tick()

    def wait_out(self) -> None:
        """Let the whole loop go by."""
        while not self.session.over:
            self.wait(1)

    def of(self, *names: str) -> list[dict[str, object]]:
        """Return the events with these names."""
        return [dict(event) for event in self.session.events if event["event"] in names]

    @property
    def report(self) -> Report:
        """The report, from the log on disk."""
        return read(self.folder)

    @property
    def decision(self) -> str:
        """Hire, no hire or insufficient evidence."""
        return self.report.decision.verdict

    def scores(self, number: int = 1) -> dict[str, int | None]:
        """Return the measured scores of a round by dimension."""
        scored = self.report.rounds[number - 1].scored
        return {one.name: one.score for one in scored.dimensions}

    def claims(self, number: int = 1) -> list[int | None]:
        """Return the self-reported scores of a round."""
        return [one.score for one in self.report.rounds[number - 1].scored.apart]

    # Rounds, answered well

    @property
    def paper(self) -> Paper:
        """The questions of the theory round that runs."""
        return draw_paper(self.plan.specs[self.number - 1], frozenset())

    def answer_theory(self) -> None:
        """Answer by the items' own answers, and quote the exemplars."""
        paper = self.paper
        for number in paper.numbers:
            self.type(right(number), "100")
        if paper.numbers and paper.open:
            self.type("/next")
        for question in paper.open:
            self.type(*question.exemplar.split("\n"), "/lock")
            self.type(*(f"y {_flat(point.quote)}" for point in question.points))

    @property
    def prompt(self) -> Prompt:
        """The prompt of the design round that runs."""
        (*_, opened) = self.of("opened")
        subject = opened["subject"]
        assert isinstance(subject, dict)
        return next(one for one in prompts() if one.id == subject["prompt_id"])

    def answer_design(self) -> None:
        """Answer by the exemplar, its estimates, and the right options."""
        prompt = self.prompt
        for stage in prompt.stages:
            self.type(*stage.exemplar.split("\n"))
            for decision in stage.decisions:
                option = next(one.id for one in decision.options if one.right)
                self.type(f"/decide {decision.id} {option}")
            for one in prompt.estimates:
                if one.stage == stage.name:
                    value = one.expected(prompt.defaults)
                    self.type(f"/estimate {one.id} {value:.6g} {one.unit}")
            self.type("/next")
        for stage in prompt.stages:
            self.type(*(f"y {_flat(point.quote)}" for point in stage.points))

    def answer_coding(self, kata: str) -> None:
        """Save the worked solution, have it judged, and end the round."""
        self.save(f"{kata}.py", solution(kata))
        self.type("/judge")
        self.end_round()

    # Rounds, answered with one text for everything

    def talk_through_theory(self, say: Callable[[str, Sequence[str]], str]) -> None:
        """Give ``say(what is asked, the terms looked for)`` wherever words go."""
        paper = self.paper
        for number in paper.numbers:
            self.type(say(number.question.prompt, ()))
            self.type("100" if self.session.status().prompt == "sure> " else "/skip")
        self.type("/next")
        for question in paper.open:
            terms = [term for point in question.points for term in point.terms]
            text = say(question.prompt, terms)
            self.type(text, "/lock", *[f"y {text}"] * (2 * len(question.points)))

    def talk_through_design(self, say: Callable[[str, Sequence[str]], str]) -> None:
        """Give ``say(what is asked, the terms looked for)`` wherever words go."""
        prompt = self.prompt
        texts = []
        for stage in prompt.stages:
            terms = [term for point in stage.points for term in point.terms]
            texts.append(say(_flat(stage.asks), terms))
            self.type(texts[-1])
            self.type(*(f"/decide {one.id} {texts[-1]}" for one in stage.decisions))
            self.type(*(f"/estimate {e.id} {texts[-1]}" for e in prompt.estimates))
            self.type("/next")
        for stage, text in zip(prompt.stages, texts, strict=True):
            self.type(*[f"y {text}"] * (2 * len(stage.points)))
        self.end_round()


def right(number: Number) -> str:
    """Return an item's own answer as it would be typed."""
    return theory.show_answer(number.item, number.question)


def _flat(text: str) -> str:
    return " ".join(text.split())
