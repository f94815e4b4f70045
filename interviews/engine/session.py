"""A session: rounds one after the other, against a clock that never stands still.

Every change is an event, recorded before it is acted on, so that a session whose
process died goes on from its log: ``Session.resume`` feeds the events back. What
fell due meanwhile then happens at once, recorded at the time at which it was due;
``wall`` is always the time of day that belongs to ``at``.

The clock goes on while the process is dead and while the machine sleeps. Judging at
the end of a round, and drawing at its beginning, are off the clock.

After a crash ``Round.enter`` is called again for the phase that runs and
``Round.end`` for a round that was ending: both must do only what is still to do.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from interviews.engine.clock import Clock, Timekeeper, away, stamp
from interviews.engine.lines import LONGEST, clean, minutes_and_seconds
from interviews.engine.log import Event, Log, LogError, altered
from interviews.engine.plan import Plan, data_of, plan_from
from interviews.engine.rounds import make_round
from interviews.engine.running import Running, Show, last_at
from interviews.rounds.base import Round, Spec, Tools

VERSION = 1
# Who meant to end one phase must not end the next, which came by itself just now.
_GRACE = 1.0
_OWN_KEYS = (("/time", "times left"), ("/help", "all keys"), ("/abort", "give up"))

Make = Callable[[Spec, Tools], Round]


@dataclass(frozen=True)
class Status:
    """What is always seen: times left in seconds, breaks not among the loop's.

    ``phase`` is "ending" while a round that is over is judged, "break" between
    rounds (``left_phase`` is what is left of it), "over" at the end.
    """

    title: str
    round: int
    rounds: int
    phase: str
    left_phase: float
    left_round: float
    left_loop: float
    keys: tuple[tuple[str, str], ...]
    prompt: str
    busy: bool
    over: bool
    takes_text: bool = False


class Session:
    """One session; made by ``begin`` or ``resume``, then ticked and given lines.

    An exception, whatever it is, closes the log: what was recorded stays, and the
    session goes on by ``resume`` only.
    """

    def __init__(
        self,
        log: Log,
        plan: Plan,
        time: Timekeeper,
        tools: Tools,
        show: Show,
        make: Make,
    ) -> None:
        def made(spec: Spec, used: frozenset[str]) -> Round:
            return make(spec, replace(tools, seen=tools.seen | used))

        self._run = Running(log, plan, time, made, show)
        # The round whose end was asked about, so that /next again ends it.
        self._asked_to_end = 0

    @classmethod
    def begin(
        cls,
        folder: Path,
        plan: Plan,
        *,
        clock: Clock,
        tools: Tools,
        show: Show,
        make: Make = make_round,
    ) -> "Session":
        """Begin a session in a folder that has none, and open its first round.

        Raise ``LogError`` where a session began already.
        """
        if not plan.rounds:
            raise ValueError("plan must have at least one round, got none")
        log = Log.create(folder)
        session = cls(log, plan, Timekeeper(clock), tools, show, make)
        with session._safely():
            session._run.record(
                "began",
                0,
                version=VERSION,
                session=folder.name,
                **data_of(plan),
                **stamp(clock),
                seen=sorted(tools.seen),
            )
            session._greet()
            session._run.advance()
        return session

    @classmethod
    def resume(
        cls,
        folder: Path,
        *,
        clock: Clock,
        tools: Tools,
        show: Show,
        make: Make = make_round,
    ) -> "Session":
        """Go on with a session from its log; the time away is counted.

        ``tools.seen`` is taken from the log. Raise ``LogError`` where there is no
        session, where another process holds it, or where its log was changed.
        """
        log = Log.open(folder)
        try:
            plan, seen = _beginning(log)
            passed, note = away(log.events, clock)
            time = Timekeeper(clock, at=last_at(log) + passed)
            session = cls(log, plan, time, replace(tools, seen=seen), show, make)
            session._run.restore()
        except BaseException:
            log.close()
            raise
        if session.over:
            session._run.say("This session is over.")
            session.close()
            return session
        with session._safely():
            session._go_on(clock, note)
        return session

    @property
    def plan(self) -> Plan:
        """What the session asks."""
        return self._run.plan

    @property
    def folder(self) -> Path:
        """Where the session is kept."""
        return self._run.log.folder

    @property
    def events(self) -> tuple[Event, ...]:
        """All events so far."""
        return self._run.log.events

    @property
    def over(self) -> bool:
        """Whether the session has finished."""
        return self._run.course.finished

    def close(self) -> None:
        """Let go of the folder; the session may be resumed later."""
        self._run.log.close()

    def tick(self) -> None:
        """Let happen what is due, and go on with what has finished elsewhere."""
        if self.over:
            return
        with self._safely():
            self._run.advance()

    def handle(self, text: str) -> None:
        """Take a line of the candidate, once what is due has happened."""
        if not self.over:
            with self._safely():
                before = self._place
                self._run.advance()
                line, cut = clean(text)
                if line and not self.over:
                    if cut:
                        self._run.say(f"The line was cut at {LONGEST} characters.")
                    self._take(line, before)
                    self._run.advance()
                    return
        if self.over and text.strip():
            self._run.say("The session is over; this counts for nothing.")

    def status(self) -> Status:
        """Tell where the session stands."""
        course, now = self._run.course, self._run.time.now()
        playing = self._run.round if course.stage in ("running", "ending") else None
        running = course.stage == "running"
        left_round = max(0.0, course.ends - now) if running else 0.0
        to_come = () if course.aborted else self.plan.rounds[course.number :]
        return Status(
            title=course.title,
            round=course.number,
            rounds=course.rounds,
            phase=course.phase_name,
            left_phase=max(0.0, (course.due or 0.0) - now),
            left_round=left_round,
            left_loop=left_round + sum(60 * asked.minutes for asked in to_come),
            keys=self._keys(),
            prompt=playing.prompt if playing and running else "",
            busy=playing is not None and (not running or playing.busy),
            over=self.over,
            takes_text=running and bool(getattr(playing, "takes_text", False)),
        )

    @property
    def _place(self) -> tuple[int, str]:
        return self._run.course.number, self._run.course.stage

    @contextmanager
    def _safely(self) -> Iterator[None]:
        """Close the log if anything goes wrong: it holds all that happened."""
        if self._run.log.closed:
            raise LogError(f"{self.folder}: the session is closed; resume it")
        try:
            yield
        except BaseException:
            self.close()
            raise

    def _greet(self) -> None:
        plan = self.plan
        many = "round" if len(plan.rounds) == 1 else "rounds"
        self._run.say(
            f"Session {self.folder.name}: {len(plan.rounds)} {many}, "
            f"{plan.minutes:g} minutes, level {plan.level}, seed {plan.seed}."
        )

    def _go_on(self, clock: Clock, note: str) -> None:
        """Record that the session was resumed; then what fell due, and the rest."""
        run = self._run
        if run.log.repaired:
            run.record_at_last("repaired", note=run.log.repaired)
            run.say(f"The log was repaired: {run.log.repaired}.")
        gone = float(f"{run.time.now() - last_at(run.log):.3f}")
        run.record_at_last("resumed", away=gone, **stamp(clock), note=note)
        run.say(
            f"Session {self.folder.name} goes on; {minutes_and_seconds(gone)} went by "
            "meanwhile, and the clock with it."
        )
        if note:
            run.say(f"The time away: {note}.")
        run.take_up()
        run.advance()

    def _take(self, line: str, before: tuple[int, str]) -> None:
        """Take a line that was typed when the session stood at ``before``."""
        words = line.split()
        if words not in (["/next"], ["/n"], ["/time"]):
            self._asked_to_end = 0
        match words:
            case ["/time"]:
                self._tell_time()
            case ["/help"] | ["/?"]:
                self._run.say(*(f"{key:<16} {what}" for key, what in self._keys()))
            case ["/abort", "yes"]:
                self._abort()
            case ["/abort", *_]:
                self._run.say("This ends the whole session. To do so: /abort yes")
            case ["/next"] | ["/n"] if self._place == before:
                self._next()
            case _:
                self._hand_over(line, before)

    def _hand_over(self, line: str, before: tuple[int, str]) -> None:
        number, stage = before
        if before == self._place and stage == "running":
            self._run.hand_over(line)
            return
        self._run.record("late", number, text=line)
        why = "too late, the round is over" if stage == "running" else "no round ran"
        self._run.say(f"This counts for nothing: {why}.")

    def _next(self) -> None:
        run = self._run
        stage = run.course.stage
        if stage == "break":
            run.open_next()
        elif stage == "ending":
            run.say("The round is over; it is being judged.")
        elif run.time.now() - run.moved < _GRACE:
            run.say(f"The phase {run.course.phase_name} began by itself just now.")
        elif run.course.more_phases:
            run.next_phase("candidate")
        elif not self._asks_to_end():
            run.end_round("candidate")

    def _asks_to_end(self) -> bool:
        """Ask once before a round is ended that has work left, and time for it."""
        unfinished = str(getattr(self._run.round, "unfinished", ""))
        number = self._run.course.number
        if not unfinished or self._asked_to_end == number:
            return False
        self._asked_to_end = number
        left = minutes_and_seconds(self.status().left_round)
        self._run.say(f"{unfinished}; {left} is left. /next again ends the round.")
        return True

    def _abort(self) -> None:
        run = self._run
        if not run.course.aborted:
            run.record("aborted", 0)
        if run.course.stage == "running":
            run.end_round("abort")

    def _tell_time(self) -> None:
        status = self.status()
        left = minutes_and_seconds
        self._run.say(
            f"{left(status.left_phase)} left of {status.phase}, "
            f"{left(status.left_round)} of the round, "
            f"{left(status.left_loop)} of the loop."
        )

    def _keys(self) -> tuple[tuple[str, str], ...]:
        course = self._run.course
        if course.stage == "break" and not course.last_round:
            return (("/next", "next round"), *_OWN_KEYS)
        if course.stage != "running" or self._run.round is None:
            return _OWN_KEYS
        following = "next phase" if course.more_phases else "end the round"
        return (*self._run.round.keys, ("/next", following), *_OWN_KEYS)


def _beginning(log: Log) -> tuple[Plan, frozenset[str]]:
    """Return the plan and what had been seen, from a log that must be whole."""
    if not log.events:
        raise LogError(f"{log.folder}: nothing was recorded; begin a new session")
    line = altered(log.events)
    if line:
        raise LogError(f"{log.folder}: line {line} of the log was changed")
    began = log.events[0]
    if began["event"] != "began" or began.get("version") != VERSION:
        raise LogError(f"{log.folder}: the log is not of version {VERSION}")
    seen = began.get("seen")
    return plan_from(began), frozenset(map(str, seen if isinstance(seen, list) else []))
