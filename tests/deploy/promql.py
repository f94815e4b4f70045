"""Which metrics and labels a PromQL expression asks for.

Enough of the language for the expressions of ``deploy/``; that they are valid as a
whole is for ``promtool`` and Prometheus to say.
"""

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r'"(?:\\.|[^"\\])*"'  # text
    r"|\[[^\]]*\]"  # a range
    r"|[a-zA-Z_:][\w:]*"  # a name
    r"|[0-9.]+\w*"  # a number or a duration
    r"|=~|!~|!=|\S"
)
_NAME = re.compile(r"[a-zA-Z_:][\w:]*")
_BEFORE_LABELS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_WORDS = _BEFORE_LABELS | {"and", "or", "unless", "bool", "offset", "inf", "nan"}


@dataclass
class Question:
    """The metrics of an expression with the labels that each is selected by.

    ``grouped`` are the labels of its ``by`` and its like.
    """

    metrics: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    grouped: set[str] = field(default_factory=set)


def read(expression: str) -> Question:
    """Return what ``expression`` asks for."""
    tokens = [*_TOKEN.findall(expression), "", ""]
    question = Question()
    place = 0
    while place < len(tokens) - 2:
        token, following = tokens[place : place + 2]
        if token in _BEFORE_LABELS:
            labels, place = _until(tokens, place + 2, ")")
            question.grouped |= {label for label in labels if _NAME.fullmatch(label)}
        elif not _NAME.fullmatch(token) or token in _WORDS:
            place += 1
        elif following == "{":
            inside, place = _until(tokens, place + 2, "}")
            question.metrics.append((token, _selecting(inside)))
        else:
            # A function or an aggregation is followed by "(", or by its labels.
            if following != "(" and following not in _BEFORE_LABELS:
                question.metrics.append((token, frozenset()))
            place += 1
    return question


def _until(tokens: list[str], start: int, end: str) -> tuple[list[str], int]:
    stop = tokens.index(end, start)
    return tokens[start:stop], stop + 1


def _selecting(inside: list[str]) -> frozenset[str]:
    text_or_mark = {"=", "!=", "=~", "!~", ","}
    return frozenset(
        token
        for token in inside
        if token not in text_or_mark and not token.startswith('"')
    )
