"""Whether a quotation is evidence that the candidate made a point.

No program here understands an answer. What can be checked is that the words are the
candidate's own, that they are about the point, and that somebody would write them
as a sentence. A wrongly refused quotation hurts more than a missed trick, since
points are reported apart and decide nothing: every threshold is on the lenient side.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
LISTED = HERE / "words.txt"
AUTHORED = ("ml_theory_questions", "system_design_questions")

# Fewer words than this are a phrase; more are the answer, not the place in it.
FEWEST, MOST = 4, 60
# So many words in a row, shared with the question, are copied and no coincidence.
COPIED_RUN = 4
# English prose has about one half of function words and verbs; the tersest honest
# notes have one in six, a list of keywords none.
GLUE_SHARE = 1 / 6
# Noun compounds of five or six words occur; seven words without a verb or a
# preposition are a list.
LONGEST_COMPOUND = 6
# Four parts or more, none longer than this and most without a verb, are an
# enumeration of which nothing is said.
LONGEST_ITEM = 4
# Three in five: names and rare terms are in no list, keys hit at random are not words.
KNOWN_SHARE = 0.6
# In sixty words "the" takes its share; in honest quotations three in five differ.
DISTINCT_SHARE = 0.6
SUFFIXES = ("s", "es", "ed", "d", "ly", "ing", "er", "est", "ers", "ings")

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_BREAK = re.compile(r"[,;:/|\n•·]|\b(?:and|or|plus)\b", re.IGNORECASE)


def words(text: str) -> tuple[str, ...]:
    """Return the words of ``text`` in lower case, numbers included."""
    return tuple(_WORD.findall(text.lower().replace("’", "'")))


def refusal(
    quote: str,
    *,
    answer: str,
    prompt: str,
    terms: Sequence[str],
    used: Sequence[str],
) -> str:
    """Return why ``quote`` is no evidence, in a line, or "" if it is accepted.

    It must be found word by word in ``answer`` (case, white space and punctuation
    apart), not copied from ``prompt``, not ``used`` for another point, contain one
    of ``terms``, and be prose.
    """
    said = words(quote)
    return (
        _length(said)
        or _origin(said, answer, prompt, used)
        or _subject(quote, terms, prompt)
        or _prose(quote, said)
    )


def _length(said: Sequence[str]) -> str:
    if len(said) < FEWEST:
        return f"quote at least {FEWEST} words of your answer, got {len(said)}"
    if len(said) > MOST:
        return f"quote the place that says it, at most {MOST} words, got {len(said)}"
    return ""


def _origin(said: Sequence[str], answer: str, prompt: str, used: Sequence[str]) -> str:
    if not _contains(words(answer), said):
        return "these words do not stand in your answer"
    if 2 * _shared(said, words(prompt)) > len(said):
        return "these words are the question's, or a fact's that you were told"
    for before in map(words, used):
        shorter, longer = sorted((said, before), key=len)
        if 2 * _shared(shorter, longer) > len(shorter):
            return "you quoted these words for another point"
    return ""


def _subject(quote: str, terms: Sequence[str], prompt: str) -> str:
    if terms and not any(_mentions(quote, term) for term in terms):
        return "the quote does not speak of this point"
    # "pre-norm" is one idea, and so one word.
    content = {
        word
        for word in words(quote.replace("-", ""))
        if not _is_function(word) and not _is_filler(word)
    }
    if len(content) < 2:
        return "the quote says too little"
    if content <= set(words(prompt.replace("-", ""))):
        return "the quote says nothing that the question does not say"
    return ""


def _prose(quote: str, said: Sequence[str]) -> str:
    if len(set(said)) < DISTINCT_SHARE * len(said):
        return "the quote repeats the same words"
    if _is_list(quote):
        return "the quote is a list of keywords, not a sentence"
    # Acronyms and figures are neither known nor unknown.
    spelled = [word for word in said if word.isalpha() or "'" in word]
    acronyms = {word.lower() for word in re.findall(r"\b[A-Z]{2,5}\b", quote)}
    judged = [word for word in spelled if word not in acronyms]
    known = sum(_is_known(word) for word in judged)
    if known < KNOWN_SHARE * len(judged) or known < 2:
        return "too few of the words are English"
    return ""


def _is_list(quote: str) -> bool:
    parts = [words(part) for part in _BREAK.split(quote.replace("-", ""))]
    glue = sum(map(_is_glue, words(quote)))
    spoken = len(words(quote.replace("-", "")))
    if glue < GLUE_SHARE * spoken or max(map(_compound, parts)) > LONGEST_COMPOUND:
        return True
    said_parts = [part for part in parts if part]
    clauses = sum(any(map(_is_verb, part)) for part in said_parts)
    return (
        len(said_parts) > 3
        and max(map(len, said_parts)) <= LONGEST_ITEM
        and 2 * clauses < len(said_parts)
    )


def _compound(part: Sequence[str]) -> int:
    """Return the length of the longest run without a verb or a function word."""
    longest = run = 0
    for word in part:
        run = 0 if _is_glue(word) else run + 1
        longest = max(longest, run)
    return longest


def _contains(text: Sequence[str], run: Sequence[str]) -> bool:
    # Words hold no blank, so a blank on each side marks whole words.
    return f" {' '.join(run)} " in f" {' '.join(text)} "


def _shared(said: Sequence[str], other: Sequence[str]) -> int:
    """Count the words of ``said`` that lie in a run which ``other`` has as well."""
    runs = set(_runs(other))
    covered: set[int] = set()
    for start, run in enumerate(_runs(said)):
        if run in runs:
            covered.update(range(start, start + COPIED_RUN))
    return len(covered)


def _runs(text: Sequence[str]) -> Iterable[tuple[str, ...]]:
    return (
        tuple(text[start : start + COPIED_RUN])
        for start in range(len(text) - COPIED_RUN + 1)
    )


def _mentions(quote: str, term: str) -> bool:
    return (
        re.search(rf"(?<![^\W_]){re.escape(_plain(term))}", _plain(quote)) is not None
    )


def _plain(text: str) -> str:
    """Fold case, white space, hyphens and curly apostrophes."""
    folded = re.sub(r"[-‐‑–]", " ", text.lower().replace("’", "'"))
    return " ".join(folded.split())


def _is_function(word: str) -> bool:
    return word in _listed()["function"]


def _is_glue(word: str) -> bool:
    return _is_function(word) or _is_verb(word)


def _is_filler(word: str) -> bool:
    return word in _listed()["filler"]


def _is_verb(word: str) -> bool:
    # A form in -ing is mostly a noun here (learning, sampling) and proves no sentence.
    verbs = _listed()["verbs"]
    return any(stem in verbs for stem in _stems(word, ("s", "es", "ed", "d")))


def _is_known(word: str) -> bool:
    known = _vocabulary()
    return len(word) == 1 or any(stem in known for stem in _stems(word, SUFFIXES))


def _stems(word: str, suffixes: Sequence[str]) -> Iterable[str]:
    """Yield ``word`` and what it may be an inflection of (stopped: stopp, stop)."""
    yield word.removesuffix("'s")
    for suffix in suffixes:
        stem = word.removesuffix(suffix)
        if stem == word or len(stem) < 2:
            continue
        yield stem
        yield stem + "e"
        if stem.endswith("i"):
            yield stem[:-1] + "y"
        if stem[-1] == stem[-2] and stem[-1] not in "aeiou":
            yield stem[:-1]


@cache
def _listed() -> dict[str, frozenset[str]]:
    """Return the words of each section of the list."""
    sections: dict[str, set[str]] = {}
    section: set[str] = set()
    for line in LISTED.read_text("utf-8").splitlines():
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), set())
        elif not line.startswith("#"):
            section.update(line.split())
    return {name: frozenset(listed) for name, listed in sections.items()}


@cache
def _vocabulary() -> frozenset[str]:
    """Return every known word: the list, and all that our own questions are made of."""
    known = set().union(*_listed().values())
    for folder in AUTHORED:
        for pattern in ("*.toml", "*.md"):
            for file in sorted((HERE / folder).glob(pattern)):
                known.update(words(file.read_text("utf-8")))
    return frozenset(known)
