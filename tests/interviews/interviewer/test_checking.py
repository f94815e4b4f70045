import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interviews.interviewer.checking import LONGEST_REPLY, check

OPTIONS = {"reviewers": "Who reviews them?", "labels": "When do labels arrive?"}
FACTS = ["10,000 transactions a second", "0.1 % are fraud"]
SAID = "We would alert on about 3.9 million payments a day and block the rest."


def answer(**fields: object) -> str:
    return json.dumps(fields)


@pytest.mark.parametrize(
    ("content", "choice", "reply"),
    [
        (answer(choice="labels", reply=""), "labels", ""),
        (answer(choice="labels"), "labels", ""),
        (answer(choice="", reply="At 10,000 a second?"), "", "At 10,000 a second?"),
        (
            answer(choice="reviewers", reply='You said "3.9 million payments a day".'),
            "reviewers",
            'You said "3.9 million payments a day".',
        ),
        (
            answer(reply="You said «Block the rest.»: why?"),
            "",
            "You said «Block the rest.»: why?",
        ),
        ('```json\n{"choice": "labels"}\n```', "labels", ""),
        (answer(reply="two\n\x1b[mlines\u202e"), "", "two [mlines"),
    ],
)
def test_what_may_be_said(content: str, choice: str, reply: str) -> None:
    said = check(content, OPTIONS, SAID, FACTS)
    assert (said.choice, said.reply, said.fallback) == (choice, reply, "")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "no JSON"),
        ("Sure! I choose labels.", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "no JSON object"),
        ("null", "no JSON object"),
        (answer(choice=3), "texts"),
        (answer(reply=["a"]), "texts"),
        (answer(choice="hire"), "nobody wrote"),
        (answer(), "nothing to say"),
        (answer(reply="\x00"), "nothing to say"),
        (answer(reply="a " * LONGEST_REPLY), "longer"),
        (answer(reply='You said "we review by hand".'), "quotes"),
        (answer(reply="You said «random split»."), "quotes"),
        (answer(reply="The base rate is 2 %."), "number"),
        (answer(reply="Your score is 4 of 4."), "number"),
    ],
)
def test_what_may_not_be_said(content: str, why: str) -> None:
    said = check(content, OPTIONS, SAID, FACTS)
    assert (said.choice, said.reply) == ("", "")
    assert why in said.fallback


@given(st.text() | st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner)
    | st.dictionaries(st.sampled_from(["choice", "reply", "x"]), inner),
).map(json.dumps))  # fmt: skip
def test_nothing_that_comes_gets_past(content: str) -> None:
    said = check(content, OPTIONS, SAID, FACTS)
    assert said.choice in ("", *OPTIONS)
    assert bool(said.fallback) is not bool(said.choice or said.reply)
