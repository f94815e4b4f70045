"""From events to evidence: the session, its rounds, and the runs of the judge."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from interviews.report.reading import (
    flag,
    line,
    number,
    record,
    records,
    text,
    whole,
)
from interviews.rounds.base import Event


@dataclass(frozen=True)
class Result:
    """One property as a run of the judge found it."""

    name: str
    sentence: str
    core: bool
    held: bool
    level: int


@dataclass(frozen=True)
class Run:
    """One run of the judge; ``minute`` counts from the opening of the round."""

    number: int
    final: bool
    minute: float
    state: str
    refused: str
    digest: str
    results: tuple[Result, ...]
    lines: tuple[int, ...]
    blank: bool = False
    error: str = ""

    @property
    def all_held(self) -> bool:
        """Whether every property held, of at least one."""
        return bool(self.results) and not self.refused and not self.failed

    @property
    def failed(self) -> tuple[Result, ...]:
        """The properties that did not hold."""
        return tuple(result for result in self.results if not result.held)

    def of_level(self, level: int) -> tuple[Result, ...]:
        """Return the results of one level."""
        return tuple(result for result in self.results if result.level == level)


@dataclass(frozen=True)
class RoundLog:
    """The events of one round, its ``opened`` first."""

    number: int
    events: tuple[Event, ...]

    def of(self, *names: str) -> tuple[Event, ...]:
        """Return the events of these names, in order."""
        return tuple(event for event in self.events if text(event, "event") in names)

    def last(self, name: str) -> Event:
        """Return the last event of a name, or an empty one."""
        found = self.of(name)
        return found[-1] if found else {}

    @cached_property
    def opened(self) -> Event:
        """What the round began with."""
        found = self.of("opened")
        return found[0] if found else {}

    @property
    def kind(self) -> str:
        """The kind of round."""
        return text(self.opened, "kind")

    @property
    def title(self) -> str:
        """What the round was about."""
        return text(self.opened, "title") or self.kind

    @property
    def minutes(self) -> float:
        """The time that was given."""
        return max(0.0, number(self.opened, "minutes"))

    @property
    def par(self) -> float:
        """The minutes that one who knows it takes."""
        par = number(self.opened, "par")
        return par if par > 0 else self.minutes

    @property
    def subject(self) -> Event:
        """What was drawn."""
        return record(self.opened, "subject")

    @cached_property
    def closed(self) -> Event:
        """The round's last event, or an empty one while it runs."""
        return self.last("closed")

    @cached_property
    def ending(self) -> Event:
        """The end of the round's time, or an empty event."""
        return self.last("ending")

    @property
    def ended_by(self) -> str:
        """Who ended it: time, candidate, abort; empty while it runs."""
        return text(self.ending, "by") or text(self.closed, "by")

    @property
    def used(self) -> float:
        """The minutes that were used."""
        if self.closed:
            return max(0.0, number(self.closed, "used", self.minute(self.closed)))
        return self.minute(self.ending or self.events[-1])

    def minute(self, event: Event) -> float:
        """Return the minutes from the opening to ``event``."""
        seconds = number(event, "at") - number(self.opened, "at")
        return max(0.0, seconds / 60)

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """The judge's runs in order; what was judged in parts is put together."""
        groups: dict[tuple[int, bool], list[Event]] = {}
        for event in self.of("judged"):
            key = (whole(event, "run"), flag(event, "final"))
            groups.setdefault(key, []).append(event)
        return tuple(self._run(*key, events) for key, events in groups.items())

    def _run(self, run: int, final: bool, events: Sequence[Event]) -> Run:
        return Run(
            number=run,
            final=final,
            minute=self.asked_at(run, final, events[-1]),
            state=_state(events),
            error=next((r for e in events if (r := text(e, "error"))), ""),
            refused=next((r for e in events if (r := text(e, "refused"))), ""),
            digest=text(events[0], "digest"),
            results=_results(events),
            lines=tuple(line(event) for event in events),
            blank=_blank(events),
        )

    def asked_at(self, run: int, final: bool, judged: Event) -> float:
        """Return the minute at which a verdict was asked for, not when it came."""
        if final and self.ending:
            return self.minute(self.ending)
        asked = [e for e in self.of("asked-judge") if whole(e, "run", -1) == run]
        return self.minute(asked[0] if asked else judged)

    @property
    def baseline(self) -> Run | None:
        """The run on what the candidate was given."""
        return next((run for run in self.runs if run.number == 0), None)

    @property
    def submissions(self) -> tuple[Run, ...]:
        """The runs that the candidate asked for, and the last one."""
        return tuple(run for run in self.runs if run.number > 0 or run.final)

    @property
    def final(self) -> Run | None:
        """The run that counts: the final one, else the last that was asked for."""
        runs = self.submissions
        last = runs[-1] if runs else None
        return next((run for run in reversed(runs) if run.final), last)


def _results(events: Sequence[Event]) -> tuple[Result, ...]:
    found: dict[tuple[int, str], Result] = {}
    for event in events:
        for entry in records(event, "results"):
            result = Result(
                name=text(entry, "name"),
                sentence=text(entry, "sentence") or text(entry, "name"),
                core=flag(entry, "core"),
                held=flag(entry, "held"),
                level=whole(entry, "level", whole(event, "level")),
            )
            found[result.level, result.name] = result
    return tuple(found.values())


def _state(events: Sequence[Event]) -> str:
    """Return the state of what was judged in parts: begun if one part was."""
    states = [text(event, "state") for event in events]
    begun = [state for state in states if state != "not started"]
    wrong = [state for state in begun if state != "solved"]
    return (wrong or begun or states)[0]


def _blank(events: Sequence[Event]) -> bool:
    texts = [event["text"] for event in events if isinstance(event.get("text"), str)]
    return bool(texts) and not any(str(content).strip() for content in texts)


@dataclass(frozen=True)
class SessionLog:
    """All that is known of a session; nothing from ``altered`` on is in it."""

    events: tuple[Event, ...]
    altered: int = 0
    rounds: tuple[RoundLog, ...] = field(default=())

    def of(self, name: str) -> tuple[Event, ...]:
        """Return the events of one name, in order."""
        return tuple(event for event in self.events if text(event, "event") == name)

    @cached_property
    def began(self) -> Event:
        """How the session began, or an empty event."""
        found = self.of("began")
        return found[0] if found else {}

    @property
    def planned(self) -> tuple[tuple[str, float], ...]:
        """Kind and minutes of each round that was planned."""
        return tuple(
            (text(entry, "kind"), max(0.0, number(entry, "minutes")))
            for entry in records(self.began, "rounds")
        )

    @property
    def minutes(self) -> float:
        """The minutes that were planned for all rounds."""
        return sum(minutes for _, minutes in self.planned) or max(
            0.0, number(self.began, "minutes")
        )

    @property
    def used(self) -> float:
        """The minutes that the rounds took, breaks left out."""
        return sum(found.used for found in self.rounds)

    @property
    def aborted(self) -> bool:
        """Whether the candidate broke off."""
        return bool(self.of("aborted"))

    @property
    def over(self) -> bool:
        """Whether the session has ended, in whichever way."""
        return self.aborted or bool(self.of("finished"))


def read_session(events: Sequence[Event], altered: int = 0) -> SessionLog:
    """Sort events into rounds; those from line ``altered`` on are left out."""
    if altered:
        events = [e for i, e in enumerate(events, 1) if i < altered]
    by_round: dict[int, list[Event]] = {}
    for event in events:
        by_round.setdefault(whole(event, "round"), []).append(event)
    rounds = (
        RoundLog(number, tuple(by_round[number]))
        for number in sorted(by_round)
        if number
    )
    return SessionLog(tuple(events), altered, tuple(r for r in rounds if r.opened))
