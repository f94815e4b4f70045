"""How numbers stand in prompts and in the working of answers."""

from collections.abc import Iterable

from interviews.quantities import show


def say(value: float, digits: int = 5) -> str:
    """Return a number with ``digits`` significant digits, whole ones exactly."""
    whole = abs(value) < 1e15 and value == int(value)
    return show(value if whole else float(f"{value:.{digits}g}"), "")


def row(values: Iterable[float]) -> str:
    """Return numbers in a row, as in "0.2, 0.5, 0.3"."""
    return ", ".join(say(value) for value in values)


def total(terms: Iterable[object]) -> str:
    """Return terms as a sum, as in "0.2 + 0.5 + 0.3"."""
    texts = (say(term) if isinstance(term, int | float) else term for term in terms)
    return " + ".join(str(text) for text in texts)
