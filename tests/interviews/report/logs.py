"""Logs made by hand: events with a right chain, without a session."""

import json
from collections.abc import Sequence
from pathlib import Path

from interviews.engine.log import LOG, Log

Made = dict[str, object]


class Script:
    """Events in the order of writing; ``at`` is in minutes, as a reader thinks."""

    def __init__(self, level: str = "mid", rounds: Sequence[tuple[str, float]] = ()):
        self.made: list[tuple[str, int, float, Made]] = []
        self.now = 0.0
        self.round = 0
        self.add(
            "began",
            version=1,
            session="s-1",
            seed=7,
            level=level,
            tracks=[],
            preset="product-ml-engineer",
            minutes=sum(minutes for _, minutes in rounds),
            ai_policy="no assistants",
            claim="",
            rounds=[{"kind": kind, "minutes": minutes} for kind, minutes in rounds],
        )

    def add(self, event: str, *, at: float | None = None, **data: object) -> "Script":
        """Append an event of the present round, ``at`` minutes into the session."""
        self.now = self.now if at is None else at
        self.made.append((event, self.round, self.now * 60, data))
        return self

    def open(
        self, kind: str, minutes: float = 30, par: float = 20, **subject: object
    ) -> "Script":
        """Begin the next round at the present minute."""
        self.round += 1
        self.start = self.now
        self.minutes = minutes
        return self.add(
            "opened",
            kind=kind,
            title=f"A round of {kind}",
            minutes=minutes,
            par=par,
            level="mid",
            seed=self.round,
            phases=[],
            subject=subject,
        )

    def after(self, minute: float) -> float:
        """Return the minute of the session ``minute`` minutes into the round."""
        return self.start + minute

    def run(
        self,
        held: str,
        *,
        number: int = 1,
        final: bool = False,
        after: float = 0.0,
        **more: object,
    ) -> "Script":
        """Judge: a letter a property, ``C`` core and ``e`` other; ``-`` it failed.

        ``"CC-e"`` is three properties: a core one that held, a core one that did
        not, another one that held.
        """
        data: Made = {
            "run": number,
            "final": final,
            "level": 0,
            "results": results(held),
            "state": "solved" if "-" not in held else "wrong",
            "refused": "",
            "digest": f"digest-{number}-{final}",
            "seconds": 0.5,
            "text": "def solve(): ...",
        }
        self.add("judged", at=self.after(after))
        self.made[-1][3].update(data | more)
        return self

    def close(self, by: str = "time", used: float | None = None) -> "Script":
        """End the round, by the clock unless told otherwise."""
        used = self.minutes if used is None else used
        self.add("ending", at=self.after(used), by=by)
        self.made.append(
            ("closed", self.round, self.now * 60, {"by": by, "used": used})
        )
        return self

    def judged_close(
        self, held: str, by: str = "time", more: Made | None = None
    ) -> "Script":
        """End the round with a final run; ``more`` is other data of it."""
        self.add("ending", at=self.after(self.minutes), by=by)
        self.run(held, number=99, final=True, after=self.minutes)
        self.made[-1][3].update(more or {})
        self.made.append(
            ("closed", self.round, self.now * 60, {"by": by, "used": self.minutes})
        )
        return self

    def end(self, event: str = "finished") -> "Script":
        """End the session."""
        self.round = 0
        return self.add(event)

    def write(self, folder: Path) -> Path:
        """Write the log and return its file."""
        log = Log.create(folder)
        for event, number, at, data in self.made:
            wall = f"2026-03-01T10:{int(at // 60) % 60:02d}:{int(at) % 60:02d}+00:00"
            log.append(event, number, at, wall, **data)
        log.close()
        return folder / LOG

    @property
    def events(self) -> tuple[Made, ...]:
        """The events without a chain."""
        return tuple(
            {"line": i, "at": at, "wall": "2026-03-01T10:00:00+00:00", "event": event}
            | {"round": number}
            | data
            for i, (event, number, at, data) in enumerate(self.made, 1)
        )


def results(held: str, level: int | None = None, prefix: str = "") -> list[Made]:
    """Return results from letters; see ``Script.run``."""
    found: list[Made] = []
    for letter in held:
        if letter == "-":
            found[-1]["held"] = False
            continue
        name = f"{prefix}property_{len(found)}"
        one: Made = {
            "name": name,
            "sentence": f"It has {prefix}property {len(found)}.",
            "core": letter == "C",
            "held": True,
        }
        found.append(one if level is None else one | {"level": level})
    return found


def answer(
    script: Script,
    item: str,
    right: bool,
    confidence: float | None = 0.9,
    took: float = 60.0,
    **more: object,
) -> Script:
    """Ask a number and answer it."""
    script.add("asked", item=item, form="number", prompt="How many?", unit="")
    data: Made = {
        "item": item,
        "text": "42",
        "confidence": confidence,
        "correct": right,
        "expected": "42",
        "value": 42.0,
        "steps": [],
        "misconception": "" if right else "GB taken for GiB",
        "took": took,
    }
    script.add("answered")
    script.made[-1][3].update(data | more)
    return script


def items(count: int, minutes: float = 2.0, form: str = "number") -> list[Made]:
    """Return the items of a theory round."""
    return [
        {"id": f"item-{i}", "form": form, "title": f"Item {i}", "topic": "serving"}
        | {"minutes": minutes, "points": 1}
        for i in range(count)
    ]


def theory(script: Script, right: str, by: str = "time", **more: object) -> Script:
    """Sit a theory round: ``+`` a right answer, ``-`` a wrong one, ``s`` skipped."""
    script.open("theory", 20, 20, items=items(len(right)))
    for i, letter in enumerate(right):
        if letter == "s":
            script.add("asked", item=f"item-{i}", form="number")
            script.add("skipped", item=f"item-{i}")
        else:
            answer(script, f"item-{i}", letter == "+", **more)  # type: ignore[arg-type]  # the rest is passed on as given
    return script.close(by)


def design(
    script: Script,
    earned: Sequence[float] = (1.0, 1.0),
    decisions: Sequence[bool] = (True,),
    cap: str = "",
    stages: int = 6,
) -> Script:
    """Sit a design round of six stages, two estimates and as many decisions."""
    names = ["framing", "data", "model", "evaluation", "serving", "estimation"]
    script.open(
        "design",
        45,
        45,
        prompt_id="fraud",
        topic="fraud",
        stages=names,
        temporal=True,
        estimates=["alerts", "storage"],
        decisions=[f"choice-{i}" for i in range(len(decisions))],
        points=2,
    )
    for i, name in enumerate(names[:stages]):
        said = "we predict whether a payment is fraud before it is settled"
        script.add("locked", at=script.after(5 * (i + 1)), stage=name, text=said)
    given = list(zip(("alerts", "storage"), earned, strict=False))
    for name, _ in given:
        script.add("estimated", id=name, low=1, high=2, unit="", text="1 2")
    for i, right in enumerate(decisions):
        found = "" if right else cap
        script.add("decided", id=f"choice-{i}", option="o", right=right, cap=found)
    for name, credit in given:
        script.add("scored", id=name, credit=credit, error=0.1, why="")
    script.add(
        "point", stage="framing", point="p1", text="Says who acts on an alert.",
        source="", said=True, quote="who acts on it", accepted=True, why="",
    )  # fmt: skip
    return script.close()


def full(level: str = "mid", core: str = "CCCeee") -> Script:
    """Return a loop of three rounds: coding, theory and design, well sat."""
    rounds = (("coding", 30.0), ("theory", 20.0), ("design", 45.0))
    script = Script(level, rounds)
    script.open("coding", 30, 20, kata="softmax", shelf="katas", needs_unmet=[])
    script.run("C-C-C-e-e-e-", number=0)
    script.add("phase", name="read", by="start")
    script.add("phase", at=script.after(3), name="write", by="time")
    script.run("CCC-ee-e", number=1, after=8).run("CCCeee", number=2, after=14)
    script.judged_close(core)
    theory(script, "++++++-+++")
    design(script)
    return script.end()


def tampered(file: Path, number: int) -> None:
    """Change the time of a line, as a hand with an editor would."""
    lines = file.read_text(encoding="utf-8").splitlines()
    event = json.loads(lines[number - 1])
    lines[number - 1] = json.dumps(event | {"seed": 8}, ensure_ascii=False)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
