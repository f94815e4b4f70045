"""Numbers as one would say them: «3.89 million alerts a day»."""

from interviews.quantities import show

_WORDS = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))
_PERIODS = {"s": "a second", "min": "a minute", "h": "an hour", "hour": "an hour"}


def spoken(value: float, unit: str) -> str:
    """Return ``value`` to three digits, large ones in words, with its unit."""
    value = float(f"{value:.3g}")
    thing, slash, period = unit.partition("/")
    if slash:
        thing = f"{thing} {_PERIODS.get(period, f'a {period}')}"
    for size, word in _WORDS:
        if abs(value) >= size and thing != "%":
            return f"{value / size:.3g} {word} {thing}".strip()
    return show(value, thing)
