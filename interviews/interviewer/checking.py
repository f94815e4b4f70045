"""What a model said, held against what it may say."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LONGEST_REPLY = 400
_QUOTED = re.compile(r"[\"“«]([^\"”»]*)[\"”»]")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e]")


@dataclass(frozen=True)
class Said:
    """What may be shown: the id of a follow-up, a reply, or why neither."""

    choice: str = ""
    reply: str = ""
    fallback: str = ""

    def as_dict(self) -> dict[str, object]:
        """Return the plain data that a round records."""
        return {"choice": self.choice, "reply": self.reply, "fallback": self.fallback}


def check(
    content: str, options: Mapping[str, str], said: str, facts: Sequence[str]
) -> Said:
    """Return what of a model's answer may be shown.

    The answer must be one JSON object with ``choice``, an id of ``options`` or "",
    and ``reply``, a short text or "". Every quotation in the reply must be the
    candidate's or a fact's own words, and every number must be in one of them.
    """
    try:
        data = json.loads(_unfenced(content))
    except (ValueError, RecursionError):
        return Said(fallback="its answer is no JSON")
    if not isinstance(data, dict):
        return Said(fallback="its answer is no JSON object")
    choice, reply = data.get("choice", ""), data.get("reply", "")
    if not isinstance(choice, str) or not isinstance(reply, str):
        return Said(fallback="choice and reply must be texts")
    if choice and choice not in options:
        return Said(fallback="it chose a follow-up that nobody wrote")
    reply = " ".join(_CONTROL.sub("", reply).split())
    problem = _problem(reply, [said, *facts])
    if problem:
        return Said(fallback=problem)
    if not choice and not reply:
        return Said(fallback="it had nothing to say")
    return Said(choice, reply)


def _unfenced(content: str) -> str:
    """Take a block of code's fences off, which many models put around JSON."""
    text = content.strip()
    if text.startswith("```") and text.endswith("```"):
        text = text.removeprefix("```").removeprefix("json").removesuffix("```")
    return text


def _problem(reply: str, sources: Sequence[str]) -> str:
    if len(reply) > LONGEST_REPLY:
        return f"its reply is longer than {LONGEST_REPLY} characters"
    known = [" ".join(source.split()).casefold() for source in sources]
    for quotation in _QUOTED.findall(reply):
        words = " ".join(quotation.split()).casefold().strip(" .,;:!?…")
        if not any(words in source for source in known):
            return "it quotes what was not said"
    numbers = {number for source in sources for number in _NUMBER.findall(source)}
    if not set(_NUMBER.findall(reply)) <= numbers:
        return "it names a number that is in no fact"
    return ""
