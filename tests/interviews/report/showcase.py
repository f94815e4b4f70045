"""A loop of all six kinds, neither well nor badly sat, with everything to look at."""

from tests.interviews.report.logs import Script, answer, design, items, results

PLAN = (
    ("coding", 40.0),
    ("levels", 60.0),
    ("repair", 30.0),
    ("tests", 25.0),
    ("theory", 20.0),
    ("design", 45.0),
)


def showcase() -> Script:
    """Return the script of the loop."""
    script = Script("senior", PLAN)
    _coding(script)
    script.round, here = 0, script.round
    script.add("resumed", away=95.0, monotonic=1.0, boot="b", note="by the wall clock")
    script.round = here
    _levels(script)
    _repair(script)
    _tests(script)
    _theory(script)
    script.add("late", text="one more thing")
    design(script, earned=(1.0, 0.5), decisions=(True, False), cap="temporal")
    return script.end()


def _coding(script: Script) -> None:
    script.open("coding", 40, 25, kata="softmax", shelf="katas", needs_unmet=["matmul"])
    script.run("C-C-C-e-e-", number=0)
    script.add("phase", name="read", by="start")
    script.add("phase", at=script.after(4), name="write", by="time")
    script.run("CC-C-e-e-", number=1, after=11)
    script.run("CCC-ee-", number=2, after=19).run("CCCee-", number=3, after=27)
    script.add("phase", at=script.after(34), name="explain", by="time")
    script.add("said", at=script.after(36), text="I subtract the maximum <b>first</b>.")
    script.judged_close("CCCee-")


def _levels(script: Script) -> None:
    offered = [
        {"kata": f"cache_{i}", "title": f"Level {i}", "minutes": 15}
        for i in range(1, 5)
    ]
    script.open("levels", 60, 60, codebase="cache", levels=offered, file="cache.py")

    def judge(number: int, after: float, *held: str, final: bool = False) -> None:
        found = [r for i, h in enumerate(held, 1) for r in results(h, i, f"level-{i} ")]
        script.run("", number=number, after=after, final=final, results=found)

    judge(1, 9, "CCe")
    script.add("level", level=2, title="TTL")
    judge(2, 20, "CCe", "CCe-")
    judge(3, 27, "CCe", "CCe")
    script.add("level", level=3, title="Journal")
    judge(4, 41, "CCe-", "CCe", "CC-e-")
    judge(5, 55, "CCe", "CCe", "CC-e")
    script.add("ending", at=script.after(60), by="time")
    judge(6, 60, "CCe", "CCe", "CC-e", final=True)
    script.add("closed", by="time", used=60.0)


def _repair(script: Script) -> None:
    planted = [
        {"name": f"mistake-{i}", "why": "wrong axis", "breaks": f"property_{i}"}
        for i in range(3)
    ]
    script.open("repair", 30, 25, kata="attention", planted=planted, extension="")
    script.run("C-C-e-e", number=0).run("CC-e-e", number=1, after=9)
    script.run("CCe-e", number=2, after=15).run("CCee", number=3, after=21)
    script.minutes = 22
    script.judged_close("CCee", by="candidate")


def _tests(script: Script) -> None:
    names = [f"mistake-{i}" for i in range(5)]
    script.open("tests", 25, 20, kata="precision", shelf="katas", mistakes=names)
    for run, caught, after in ((1, 2, 8.0), (2, 4, 17.0)):
        found = [{"mistake": name, "by": ["test_values"]} for name in names[:caught]]
        script.add(
            "tested",
            at=script.after(after),
            run=run,
            final=run == 2,
            tests=5,
            false_alarms=[] if run == 2 else ["test_wrong"],
            caught=found,
            missed=names[caught:],
            refused="",
            digest="d",
            text="def test_values(): ...",
        )
    script.close("candidate", used=17)


def _theory(script: Script) -> None:
    open_item = items(1, form="open")[0] | {"id": "dropout", "points": 2}
    script.open("theory", 20, 20, items=[*items(8), open_item])
    sure = (0.95, 0.9, 0.8, 0.6, 0.7, 0.55, 0.99, 0.75)
    for i, (confidence, right) in enumerate(zip(sure, "+++-++--", strict=True)):
        script.now = script.after(2 * (i + 1))
        answer(script, f"item-{i}", right == "+", confidence, 110.0)
    script.add("asked", item="dropout", form="open", prompt="Why inverted dropout?")
    said = "Scaling at training keeps the expectation, so inference needs no change."
    script.add("answered", item="dropout", text=said, confidence=None, correct=None)
    for name, quote, accepted in (
        ("expectation", "keeps the expectation", True),
        ("inference", "I know this", False),
    ):
        script.add(
            "point",
            item="dropout",
            point=name,
            text=f"Says what it does to the {name}.",
            source="Srivastava et al. 2014",
            said=True,
            quote=quote,
            accepted=accepted,
            why="" if accepted else "these words are not in the answer",
        )
    script.close()
