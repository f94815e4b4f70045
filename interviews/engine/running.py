"""What happens in a session, step by step; each step is recorded before it is taken."""

from collections.abc import Callable
from pathlib import Path

from interviews.engine.clock import Timekeeper
from interviews.engine.course import Course, phases_of
from interviews.engine.files import write_missing
from interviews.engine.lines import fitted, minutes_and_seconds
from interviews.engine.log import Event, Log
from interviews.engine.plan import Plan
from interviews.rounds.base import Opening, Round, Spec

Show = Callable[[str], None]
Make = Callable[[Spec, frozenset[str]], Round]
# The log rounds to milliseconds: what was just recorded may seem yet to come.
_MILLISECOND = 0.001
_WHY = {"time": "the time is up", "candidate": "you ended it", "abort": "aborted"}


class Running:
    """The rounds of a session as they run: the state, and the steps that change it."""

    def __init__(
        self, log: Log, plan: Plan, time: Timekeeper, make: Make, show: Show
    ) -> None:
        self.plan = plan
        self.log = log
        self.time = time
        self.course = Course(rounds=len(plan.rounds))
        self.round: Round | None = None
        # When a phase or a round last followed on another by itself.
        self.moved = float("-inf")
        self._opening: Opening | None = None
        self._make = make
        self._show = show
        self._host = Host(self)
        # How far what happens lies behind the clock: above zero only for what fell
        # due in the past, and until the judging that this began is done.
        self._lag = 0.0
        # Set while a phase is entered that was over long ago: it asks nobody.
        self._silent = False

    @property
    def now(self) -> float:
        """Seconds since the session began, for what happens now."""
        return self.time.now() - self._lag

    @property
    def folder(self) -> Path:
        """Where the candidate works in this round."""
        kind = self.plan.rounds[self.course.number - 1].kind
        return self.log.folder / f"{self.course.number}-{kind}"

    def say(self, *lines: str) -> None:
        """Show lines, one at a time, none of them wider than the screen."""
        for text in () if self._silent else lines:
            for line in text.split("\n"):
                for part in fitted(line):
                    self._show(part)

    def record(self, event: str, number: int, **data: object) -> None:
        """Append an event, then take it into the state."""
        at = float(f"{max(self.now, last_at(self.log)):.3f}")
        recorded = self.log.append(event, number, at, self.time.wall(at), **data)
        self.course.apply(recorded)
        if self.round is not None and _concerns(recorded, self.course.number):
            self.round.apply(recorded)

    def record_at_last(self, event: str, **data: object) -> None:
        """Record an event of the session at the time of the event before it."""
        self._lag = self.time.now() - last_at(self.log)
        self.record(event, 0, **data)

    def advance(self) -> None:
        """Let happen what is due, and go on with what has finished elsewhere."""
        while self._take_due_step() or self._ask_round():
            pass
        if self.course.stage == "over":
            self.log.close()

    def hand_over(self, line: str) -> None:
        """Give the round a line of the candidate."""
        if self.round is not None:
            self.round.handle(self._host, line)

    def open_next(self) -> None:
        """Draw the next round and begin it; drawing takes none of its time."""
        spec = self.plan.specs[self.course.number]
        made = self._make(spec, frozenset(self.course.seen))
        opening = made.open()
        phases = phases_of(opening.phases, spec.minutes)
        self.round, self._opening = made, opening
        self.record(
            "opened",
            spec.number,
            kind=spec.kind,
            title=opening.title,
            minutes=spec.minutes,
            par=opening.par,
            level=spec.level,
            seed=spec.seed,
            phases=phases,
            subject=dict(opening.subject),
        )
        write_missing(self.folder, opening.files)
        self._show_opening(opening)

    def next_phase(self, by: str) -> None:
        """Begin the next phase; it ends when it was planned to end."""
        name = self.course.phases[self.course.phase + 1][0]
        self.record("phase", self.course.number, name=name, by=by)
        self._enter_phase()

    def end_round(self, by: str) -> None:
        """End the round; the draft counts."""
        self.record("ending", self.course.number, by=by)
        self.end_again()

    def end_again(self) -> None:
        """Let the round take the draft, or what is still to be taken of it."""
        if self.round is not None:
            self.round.end(self._host)

    def restore(self) -> None:
        """Make the state anew from the log."""
        start = 0
        seen: frozenset[str] = frozenset()
        for index, event in enumerate(self.log.events):
            if event["event"] == "opened":
                start, seen = index, frozenset(self.course.seen)
            self.course.apply(event)
        if self.course.number == 0 or self.course.finished:
            return
        self.round = self._make(self.plan.specs[self.course.number - 1], seen)
        self._opening = self.round.open()
        for event in self.log.events[start:]:
            if _concerns(event, self.course.number):
                self.round.apply(event)

    def take_up(self) -> None:
        """Go on where the process died: do again what may not have been done."""
        stage = self.course.stage
        self._lag = self.time.now() - last_at(self.log)
        if stage in ("running", "ending") and self._opening is not None:
            write_missing(self.folder, self._opening.files)
            self._show_opening(self._opening)
        if stage == "running" and self.course.aborted:
            self.end_round("abort")
        elif stage == "running" and self.round is not None and self.round.complete:
            self.end_round("candidate")
        elif stage == "running" and self.course.phase >= 0:
            # Even one that is over by now: what it records first may be missing.
            self._lag = self._lag if self._is_due() else 0.0
            self._enter_phase()
        elif stage == "ending":
            self.end_again()
        elif stage == "break":
            self._show_debrief()

    @property
    def _left(self) -> float:
        """Seconds until something happens by itself, by the clock as it stands."""
        return (self.course.due or 0.0) - self.time.now()

    def _is_due(self) -> bool:
        due = self.course.due
        return due is not None and due <= self.time.now() + _MILLISECOND

    def _take_due_step(self) -> bool:
        """Take one step that is due, at the time at which it was due."""
        due = self.course.due
        now = self.time.now()
        if due is None or due > now + _MILLISECOND:
            return False
        self._lag = now - due
        if self.course.stage == "break" or self.course.phase >= 0:
            self.moved = now
        if self.course.stage == "running":
            self._take_due_phase()
        elif self.course.stage == "break" and self.course.last_round:
            self._finish()
        else:
            self.open_next()
        return True

    def _take_due_phase(self) -> None:
        if self.course.more_phases:
            self.next_phase("start" if self.course.phase < 0 else "time")
        else:
            self.end_round("time")

    def _ask_round(self) -> bool:
        """Let the round go on; tell whether that changed where the session stands."""
        stage = self.course.stage
        if stage != "ending":
            self._lag = 0.0
        if self.round is None or stage not in ("running", "ending"):
            return False
        self.round.poll(self._host)
        if stage == "running":
            complete = self.round.complete
            if complete:
                self.end_round("candidate")
            return complete
        if self.round.busy:
            return False
        self._close_round()
        return True

    def _close_round(self) -> None:
        course = self.course
        used = min(course.ended - course.opened, course.ends - course.opened) / 60
        by = course.ending
        self.record("closed", course.number, by=by, used=float(f"{used:.3f}"))
        done = by == "candidate" and self.round is not None and self.round.complete
        why = "all of it is done" if done else _WHY[by]
        self.say(f"Round {course.number} is over: {why}.")
        self._show_debrief()

    def _finish(self) -> None:
        self.record("finished", 0)
        self.say("The session is over.")

    def _enter_phase(self) -> None:
        course = self.course
        if self.round is None or self._opening is None:
            return
        name, _ = course.phases[course.phase]
        over = self._is_due()
        left = minutes_and_seconds(self._left)
        self.say(
            f"Phase {course.phase + 1} of {len(course.phases)}: {name}, "
            f"{'over' if over else left}."
        )
        self._silent = over
        for phase in self._opening.phases:
            if phase.name == name and phase.says:
                self.say(phase.says)
        self.round.enter(self._host, name)
        self._silent = False

    def _show_opening(self, opening: Opening) -> None:
        course = self.course
        minutes = self.plan.rounds[course.number - 1].minutes
        self.say(
            "",
            f"Round {course.number} of {course.rounds}: {opening.title}, "
            f"{minutes:g} minutes.",
            *opening.lines,
        )

    def _show_debrief(self) -> None:
        if self.round is not None:
            self.say(*self.round.debrief)
        if not self.course.last_round and not self._is_due():
            left = minutes_and_seconds(self._left)
            self.say(f"The next round begins in {left}, or with /next.")


class Host:
    """The session, as the round that runs sees it."""

    def __init__(self, running: Running) -> None:
        self._running = running

    @property
    def folder(self) -> Path:
        """The round's own folder."""
        return self._running.folder

    @property
    def now(self) -> float:
        """Seconds since the session began."""
        return self._running.now

    @property
    def left(self) -> float:
        """Seconds that are left of the round."""
        return max(0.0, self._running.course.ends - self.now)

    def record(self, event: str, **data: object) -> None:
        """Append to the log and apply to the round."""
        self._running.record(event, self._running.course.number, **data)

    def say(self, *lines: str) -> None:
        """Show lines."""
        self._running.say(*lines)


def last_at(log: Log) -> float:
    """Return the time of the last event; 0 where there is none."""
    return float(str(log.last["at"])) if log.last else 0.0


def _concerns(event: Event, number: int) -> bool:
    """Tell whether an event is the round's: what came too late belongs to none."""
    return event["round"] == number > 0 and event["event"] != "late"
