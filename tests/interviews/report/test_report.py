"""Both files: rebuilt byte for byte, from any log, and whatever was typed."""

import shutil
import time
from pathlib import Path

import pytest

from interviews.engine.log import LOG, LogError, read_log
from interviews.report import markdown, page, read, summary, write
from interviews.report.content import Report, build
from tests.interviews.report.logs import Script, design, full, tampered, theory
from tests.interviews.report.outline import Outline
from tests.interviews.report.showcase import showcase

EVIL = (
    "<script>alert(1)</script> <img src=x onerror=alert(1)> "
    "[click](http://evil.example) | `code` ![i](http://evil.example/i.png) "
    "</table></code> &lt; \"' \x00\x1b[2J"
)


def both(report: Report) -> tuple[str, str]:
    return markdown.render(report), page.render(report)


def test_the_same_log_gives_the_same_files(tmp_path: Path) -> None:
    showcase().write(tmp_path / "one")
    first = [file.read_bytes() for file in write(tmp_path / "one")]
    moved = tmp_path / "another name"
    shutil.copytree(tmp_path / "one", moved)
    for file in moved.glob("report.*"):
        file.write_text("old")
    assert [file.read_bytes() for file in write(moved)] == first
    assert sorted(file.name for file in moved.iterdir()) == [
        "lock",
        LOG,
        "report.html",
        "report.md",
    ]
    assert not any(str(tmp_path).encode() in content for content in first)


def test_the_headline_says_what_was_sat() -> None:
    for content in both(build(full().events)):
        for said in (
            "product-ml-engineer",
            "2026-03-01",
            "95 of 95 planned",
            "no assist",
        ):
            assert said in content


def test_measured_and_self_reported_stand_apart() -> None:
    text, html = both(build(showcase().events))
    for content in (text, html):
        measured, apart = content.split("Self-reported, apart", 1)
        assert "claimed with a quotation" not in measured
        assert "claimed with a quotation" in apart
        assert "keeps the expectation" not in measured


def test_caps_notes_and_advice_are_said() -> None:
    for content in both(build(showcase().events)):
        assert "split at random: no dimension above 2" in content
        assert "Resumed after 1.6 min away" in content
        assert "1 line came after the time" in content
        assert "kata watch matmul" in content
        assert "kata watch softmax" in content
        assert "GB taken for GiB" in content
        assert "No test caught: mistake-4" in content
        assert "It has property 4." in content


def test_every_link_of_the_page_leads_somewhere_in_it() -> None:
    found = Outline(page.render(build(showcase().events)))
    assert found.open == []
    assert len(set(found.ids)) == len(found.ids)
    assert found.links
    assert {link.removeprefix("#") for link in found.links} <= set(found.ids)
    lines = {link for link in found.links if link.startswith("#line-")}
    assert len(lines) > 20


def test_every_line_that_markdown_cites_is_in_the_log(tmp_path: Path) -> None:
    file = showcase().write(tmp_path)
    amount = len(read_log(file))
    content = write(tmp_path)[0].read_text(encoding="utf-8")
    cited = {int(part.split(")")[0]) for part in content.split("(log.jsonl#L")[1:]}
    assert cited
    assert cited <= set(range(1, amount + 1))


def test_the_page_is_whole_in_itself() -> None:
    content = page.render(build(showcase().events))
    found = Outline(content)
    assert not found.tags & {"script", "link", "img", "iframe", "object", "base", "use"}
    assert not found.attributes & {"src", "srcset", "onload", "onclick", "background"}
    assert "url(" not in content
    assert "@import" not in content
    assert "http:" not in content
    assert "https:" not in content
    assert "prefers-color-scheme: dark" in content


def evil() -> Script:
    script = Script("mid", (("coding", 30.0),)).open("coding", 30, 20, kata=EVIL)
    script.made[0][3].update(session=EVIL, preset=EVIL, ai_policy=EVIL)
    script.made[-1][3]["title"] = EVIL
    script.add("said", text=EVIL)
    results = [{"name": EVIL, "sentence": EVIL, "core": True, "held": False}]
    script.judged_close("", more={"results": results, "text": EVIL, "refused": EVIL})
    script.open("design", 45, 45, stages=[EVIL], estimates=[EVIL])
    script.add("phase", name=EVIL, by="start")
    script.add("locked", stage=EVIL, text=EVIL)
    script.add(
        "point", stage=EVIL, point="p", text=EVIL, said=True, quote=EVIL, why=EVIL
    )
    script.close()
    script.add(EVIL)
    return script.end("resumed")


def test_what_the_candidate_typed_stays_text_in_the_page() -> None:
    content = page.render(build(evil().events))
    found = Outline(content)
    assert found.open == []
    assert not found.tags & {"script", "img"}
    assert not found.attributes & {"src", "onerror"}
    assert "<script>alert(1)</script>" in found.text
    assert all(link.startswith("#") for link in found.links)
    assert "\x1b" not in content
    assert "\x00" not in content


def test_what_the_candidate_typed_stays_text_in_markdown() -> None:
    content = markdown.render(build(evil().events))
    assert "<" not in content
    assert "://" not in content
    assert content.count("\\[click\\](http&#58;//") > 5
    assert "[click](" not in content.replace("\\]", "")
    assert "\x1b" not in content


def test_a_changed_log_scores_nothing_from_that_line_on(tmp_path: Path) -> None:
    file = full().write(tmp_path)
    lines = read_log(file)
    number = next(
        e["line"] for e in lines if e["event"] == "opened" and e["round"] == 2
    )
    assert isinstance(number, int)
    tampered(file, number)
    report = read(tmp_path)
    assert [found.log.number for found in report.rounds] == [1]
    for content in both(report):
        assert f"log was changed at line {number}; insufficient evidence" in content


def test_a_log_changed_in_its_first_line(tmp_path: Path) -> None:
    tampered(full().write(tmp_path), 1)
    report = read(tmp_path)
    assert report.rounds == ()
    assert report.decision.verdict == "insufficient evidence"


def test_a_line_that_cannot_be_read_is_a_changed_log(tmp_path: Path) -> None:
    file = full().write(tmp_path)
    lines = file.read_bytes().split(b"\n")
    lines[4] = b'{"line": 5, '
    file.write_bytes(b"\n".join(lines))
    assert "changed at line 5" in read(tmp_path).decision.reason


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    file = full().write(tmp_path)
    whole = file.read_bytes()
    events = read_log(file)
    file.write_bytes(whole + b'{"line": 99, "at": 1.0')
    assert read(tmp_path) == build(events)


def test_a_folder_without_a_log_is_an_error_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(LogError) as caught:
        write(tmp_path)
    assert "\n" not in str(caught.value)


def test_the_summary_fits_a_terminal(tmp_path: Path) -> None:
    lines = summary(read_log(showcase().write(tmp_path)))
    assert lines[0] == "Decision: no hire"
    assert all(len(line) <= 80 for line in lines)
    assert sum("of 4" in line or line.startswith("  ") for line in lines) >= 6


def test_too_few_answers_are_no_curve() -> None:
    events = theory(Script(), "+++-").end().events
    for content in both(build(events)):
        assert "Too few answers for a curve: 4 with a stated confidence." in content
    assert 'class="curve"' not in page.render(build(events))


def ten_rounds() -> Script:
    plan = (("coding", 45.0), ("theory", 30.0)) * 5
    script = Script("senior", plan)
    source = "x = 1  # <a> & more\n" * 4000
    for _ in range(5):
        script.open("coding", 45, 30, kata="softmax", shelf="katas")
        for run in range(1, 41):
            script.run("CCCCCCeeeee-e", number=run, after=run, text=source)
        script.judged_close("CCCCCCeeeeee", more={"text": source})
        theory(script, "++++-" * 6)
    return script.end()


def test_a_loop_of_ten_rounds_is_reported_within_a_second(tmp_path: Path) -> None:
    ten_rounds().write(tmp_path)
    begun = time.process_time()
    write(tmp_path)
    assert time.process_time() - begun < 1.0


@pytest.mark.parametrize(
    ("kind", "title", "name"),
    [
        ("coding", "coding, Softmax", "1. coding · Softmax"),
        ("design", "Design: Fraud", "1. design · Fraud"),
        ("theory", "Theory", "1. theory"),
        ("levels", "A cache", "1. levels · A cache"),
    ],
)
def test_a_heading_says_the_kind_once(kind: str, title: str, name: str) -> None:
    script = Script().open(kind)
    script.made[-1][3]["title"] = title
    assert build(script.events).rounds[0].name == name


def left_open() -> Script:
    """A design with a middling estimate, one missing, a wrong decision, one open."""
    script = design(Script(), (0.5,), (False,), stages=4)
    for event, _, _, data in script.made:
        if event == "opened":
            data["subject"] |= {  # type: ignore[operator]  # a dict, as made
                "decisions": ["choice-0", "split"],
                "asks": {"alerts": "Alerts a day", "split": "How do you split?"},
            }
        if event == "locked" and data["stage"] == "evaluation":
            data["text"] = "fine"
        if event == "scored":
            data["why"] = "the middle is off by a factor of 2.5"
    return script


def test_what_a_design_left_open_is_to_be_done() -> None:
    report = build(left_open().events)
    assert [advice.text for advice in report.advice] == [
        "Estimate alerts (Alerts a day): the middle is off by a factor of 2.5",
        "Estimate storage: not given",
        "Decision choice-0: o is wrong",
        "Decision split (How do you split): not taken",
        "Not written in time: evaluation, serving, estimation",
    ]
    for content in both(report):
        assert "Nothing that was measured failed" not in content


def test_only_a_stage_with_words_is_called_written() -> None:
    script = left_open()
    script.made.insert(-2, ("locked", 1, 2400.0, {"stage": "serving", "text": " "}))
    course = build(script.events).rounds[0].course
    said = [mark.label for mark in course.marks if mark.label.startswith("stage")]
    assert said == [
        "stage written framing",
        "stage written data",
        "stage written model",
        "stage too short evaluation",
        "stage left empty serving",
    ]
    assert course.pace[-1][1] == pytest.approx(3 / 6)


def test_without_a_failure_the_report_says_whether_anything_was_measured() -> None:
    whole = build(theory(Script(), "+++").events)
    for content in both(whole):
        assert "Nothing that was measured failed." in content
    for content in both(build((), altered=1)):
        assert "Nothing was measured, so there is nothing to advise." in content
        assert "Nothing that was measured failed" not in content


def test_what_was_not_answered_is_to_be_done() -> None:
    texts = [advice.text for advice in build(theory(Script(), "+s-").events).advice]
    assert texts == ["Item 1: not answered", "Item 2: GB taken for GiB"]
