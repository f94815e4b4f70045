"""Quantities as candidates type them: numbers with units, and intervals of them.

A unit belongs to a dimension, and only units of one dimension convert into each
other. Decimal and binary prefixes are apart (GB is 10**9 bytes, GiB 2**30: IEC
80000-13), and so are bits and bytes (8 Gb are 1 GB). A month counts 30 days and a
year 365. A word that is in no table is a thing that is counted, as in "alerts/day".
"""

import math
import re
from dataclasses import dataclass
from typing import NoReturn

_LARGE = {"k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_BINARY = {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50}
_SUFFIXES = {"k": 1e3, "thousand": 1e3, "m": 1e6, "mn": 1e6, "million": 1e6}
_SUFFIXES |= {
    "b": 1e9,
    "g": 1e9,
    "bn": 1e9,
    "billion": 1e9,
    "t": 1e12,
    "trillion": 1e12,
}
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}
_SECONDS |= {"h": 3600.0, "d": 86400.0, "sec": 1.0, "min": 60.0, "hr": 3600.0}
_SECONDS |= {"nanosecond": 1e-9, "microsecond": 1e-6, "millisecond": 1e-3}
_SECONDS |= {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}
_SECONDS |= {"week": 7 * 86400.0, "month": 30 * 86400.0, "year": 365 * 86400.0}
_SAME_THING = {"param": "parameter", "req": "request", "query": "request"}
_SAME_THING |= {"querie": "request", "dollar": "$", "usd": "$", "example": "sample"}


@dataclass(frozen=True)
class _Unit:
    """``factor`` turns a value in this unit into the base unit of its dimension."""

    dimension: str
    factor: float


def _named() -> dict[str, tuple[_Unit, ...]]:
    """Return the units that have a name of their own, with each way to read it."""
    units: dict[str, tuple[_Unit, ...]]
    units = {"": (_Unit("", 1.0),), "%": (_Unit("", 0.01),)}
    units |= {name: (_Unit("", 0.01),) for name in ("percent", "pp")}
    units |= {name: (_Unit("time", factor),) for name, factor in _SECONDS.items()}
    units |= {f"{name}s": units[name] for name in _SECONDS if len(name) > 1}
    for prefix, factor in {"": 1.0, **_LARGE, **_BINARY}.items():
        byte, bit = (_Unit("bytes", factor),), (_Unit("bytes", factor / 8),)
        for name in ("B", "byte", "bytes"):
            units[prefix + name] = byte
        for name in ("bit", "bits"):
            units[prefix + name] = bit
        units[f"{prefix}bps"] = (_Unit("bytes per time", factor / 8),)
        if prefix not in _BINARY:
            units[f"{prefix}b"] = bit
            count, rate = _Unit("flop", factor), _Unit("flop per time", factor)
            units[f"{prefix}FLOP"] = (count,)
            # Papers write FLOPs for a count and FLOPS for a rate; few keep to it.
            units[f"{prefix}FLOPs"] = units[f"{prefix}FLOPS"] = (count, rate)
    for name, thing in {"QPS": "request", "RPS": "request", "TPS": ""}.items():
        units[name] = (_Unit(f"{thing} per time".strip(), 1.0),)
    return units


_UNITS = _named()


def _by_case() -> dict[str, set[tuple[_Unit, ...]]]:
    found: dict[str, set[tuple[_Unit, ...]]] = {}
    for name, unit in _UNITS.items():
        found.setdefault(name.lower(), set()).add(unit)
    return found


_ANY_CASE = _by_case()
_DIGITS = r"(?:\d{1,3}(?:,\d{3})+(?![\d,])|\d+(?:_\d+)*(?!,\d))(?:\.(?!\.)\d*)?|\.\d+"
_TERM = rf"(?:{_DIGITS})(?:[eE][+-]?\d+)?(?:\s*(?:\^|\*\*)\s*[+-]?\d+)?"
_NUMBER = rf"(?>[+-]?\s*(?:{_TERM})(?:\s*[x*/]\s*(?:{_TERM}))*)"
_UNIT = r"[A-Za-zµ$%][A-Za-zµ$%/ -]*?|/[A-Za-zµ ]+?"
_QUANTITY = rf"(?:\$\s*)?{_NUMBER}\s*(?:{_UNIT})??"
_PARTS = re.compile(
    rf"(?P<dollar>\$\s*)?(?P<number>{_NUMBER})\s*(?P<unit>{_UNIT})?", re.ASCII
)
# " -5" is a negative number; "3-5", "3 - 5" and "3- 5" are intervals.
_BETWEEN = r"\s*(?:\.\.+|,\s|;|\bto\b|\band\b)\s*|\s+-\s+|(?<=\S)-\s*|\s+"
_INTERVAL = re.compile(
    rf"(?:(?:from|between)\s+)?(?P<low>{_QUANTITY})(?:{_BETWEEN})(?P<high>{_QUANTITY})",
    re.ASCII,
)
_LONGEST = 200
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_SPELLINGS = str.maketrans("−–—‐‑×·μ", "-----x*µ", "≈~")


def parse(text: str, unit: str) -> float:
    """Return the quantity in ``text`` as a number of ``unit``.

    A number without a unit is in ``unit``. Suffixes k, M, B, T, bn and their words
    multiply; "80 B" is 80 bytes where bytes are asked for, and 80e9 where things are
    counted. Also read: "1e9", "2^20", "3 x 10^9", "1/3", "1,234,567", "5%", "$5M",
    "3 requests/s", "3 requests a day". ValueError, in one line, for anything else,
    for other dimensions than that of ``unit`` and for what is not finite.
    """
    match = _PARTS.fullmatch(_plain(text))
    if match is None:
        _refuse(text, unit)
    number = _number(match["number"], text)
    written = (match["unit"] or "").strip()
    if match["dollar"]:
        suffix, slash, rest = written.partition("/")
        written = f"{suffix.strip()} ${slash}{rest}"
    return _finite(number * _factor(written.strip(), unit, text), text)


def interval(text: str, unit: str) -> tuple[float, float]:
    """Return the low and the high end, as numbers of ``unit``.

    Written "3M 5M", "3-5 M", "3 to 5 million" or "between 3 and 5 M"; a low end
    without suffix and unit has those of the high end. One quantity alone is an
    interval of no width. ValueError, in one line, where the low end is above the
    high end, or as for ``parse``.
    """
    plain = _plain(re.sub(r"[\[\]()]", " ", text))
    if _PARTS.fullmatch(plain):
        return (parse(plain, unit), parse(plain, unit))
    match = _INTERVAL.fullmatch(plain)
    low = _PARTS.fullmatch(match["low"].strip()) if match else None
    high = _PARTS.fullmatch(match["high"].strip()) if match else None
    if match is None or low is None or high is None:
        raise ValueError(
            f"{_quoted(text)} is no interval: write a low and a high end, as in 3M 5M"
        )
    if low["unit"] and not high["unit"]:
        raise ValueError(
            f"{_quoted(text)}: write the unit or the suffix of the high end too"
        )
    shared = "" if low["unit"] else high["unit"] or ""
    ends = (
        parse(f"{match['low']} {shared}", unit),
        parse(f"{low['dollar'] or ''}{high[0].removeprefix('$')}", unit),
    )
    if ends[0] > ends[1]:
        raise ValueError(
            f"{_quoted(text)}: the low end, {show(ends[0], unit)}, is above the high "
            f"end, {show(ends[1], unit)}"
        )
    return ends


def show(value: float, unit: str) -> str:
    """Return ``value`` of ``unit`` as text that ``parse`` reads.

    Whole numbers below 10**15 are exact, others have six significant digits.
    """
    if value == int(value) and abs(value) < 1e15:
        number = f"{value + 0.0:,.0f}"
    elif 1e-4 <= abs(value) < 1e15:
        number = f"{float(f'{value:.6g}'):,.6f}".rstrip("0").rstrip(".")
        if abs(value) < 1:
            number = f"{value:.6g}"
    else:
        number = re.sub(r"e([+-])0*", r"e\1", f"{value:.6g}").replace("e+", "e")
    if unit.startswith("$"):
        return f"${number}{unit[1:]}"
    return f"{number}{'' if unit in ('', '%') or unit[0] == '/' else ' '}{unit}"


def _plain(text: str) -> str:
    raised = re.sub(
        "[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+", lambda digits: "^" + digits[0].translate(_SUPERSCRIPTS), text
    )
    plain = raised.translate(_SPELLINGS)
    return " ".join(plain.split()) if len(plain) <= _LONGEST else ""


def _quoted(text: str) -> str:
    line = " ".join(text.split())
    return f"«{line if len(line) <= 40 else line[:39] + '…'}»"


def _refuse(text: str, unit: str) -> NoReturn:
    wanted = f" and a unit, as in {show(3, unit)}" if unit else ", as in 0.25 or 3e6"
    if re.search(r"\d,\d", text):
        wanted += "; commas only group thousands"
    raise ValueError(f"cannot read {_quoted(text)}: write a number{wanted}")


def _number(written: str, text: str) -> float:
    """Return the value of terms that are multiplied and divided, left to right."""
    pieces = re.split(r"\s*([x*/])\s*", written.replace("**", "^"))
    value = 1.0
    try:
        for operator, term in zip(["*", *pieces[1::2]], pieces[::2], strict=True):
            base, _, power = re.sub(r"[\s,_]", "", term).partition("^")
            sign = -1.0 if base.startswith("-") else 1.0
            size = sign * float(base.lstrip("+-")) ** int(power or 1)
            value = value / size if operator == "/" else value * size
    except ZeroDivisionError:
        raise ValueError(f"{_quoted(text)} divides by zero") from None
    except OverflowError:
        value = math.inf
    return _finite(value, text)


def _finite(value: float, text: str) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{_quoted(text)} is too large a number")
    return value


def _factor(written: str, asked: str, text: str) -> float:
    """Return what a number with the unit ``written`` is multiplied by."""
    if not written:
        return 1.0
    wanted = _read(asked)
    for unit in _read(written):
        for other in wanted:
            if _same(unit.dimension, other.dimension):
                return unit.factor / other.factor
    suffix, multiple = ("", 0.0) if _known(written) else _suffix(written)
    rest = written[len(suffix) :].strip()
    if rest and multiple:
        return multiple * _factor(rest, asked, text)
    if not multiple:
        raise ValueError(
            f"{_quoted(text)}: {written} is not {asked or 'a bare number'}"
            f"{_hint(written)}"
        )
    if any(unit.dimension.startswith("bytes") for unit in wanted):
        raise ValueError(
            f"{_quoted(text)}: {suffix} of what? Write the unit, as in {asked}"
        )
    return multiple


def _known(written: str) -> bool:
    """Tell a unit with a name from a suffix: "GB" is no billion of anything."""
    name = re.split(r"[/ ]", written)[0]
    return len(name) > 1 and name.lower() in _ANY_CASE


def _suffix(written: str) -> tuple[str, float]:
    """Return the suffix that a unit begins with, and what it multiplies by."""
    word = re.match(r"[A-Za-z]+", written)
    if word is None:
        return "", 0.0
    for suffix in (word[0], word[0][0]):
        name = suffix.lower().removesuffix("s") if len(suffix) > 2 else suffix.lower()
        if name in _SUFFIXES:
            return suffix, _SUFFIXES[name]
    return "", 0.0


def _hint(written: str) -> str:
    name = re.split(r"[/ ]", written)[0]
    if name not in _UNITS and name.lower().endswith("b"):
        return f": {name[:-1].upper()}B are bytes, {name[:-1].upper()}b are bits"
    return ""


def _read(name: str) -> tuple[_Unit, ...]:
    """Return each way to read the name of a unit; no way where it is ambiguous."""
    parts = [part.strip() for part in re.split(r"/|\bper\b|\ban?\b", name.strip())]
    ways = _simple(parts[0])
    for part in parts[1:]:
        below = _simple(part)
        ways = tuple(
            _Unit(f"{a.dimension} per {b.dimension}".strip(), a.factor / b.factor)
            for a in ways
            for b in below
        )
    return ways


def _simple(name: str) -> tuple[_Unit, ...]:
    """Read a unit without a denominator."""
    if name in _UNITS:
        return _UNITS[name]
    same = _ANY_CASE.get(name.lower(), set()) if len(name) > 1 else set()
    if same:
        return next(iter(same)) if len(same) == 1 else ()
    *things, last = re.split(r"[- ]", name)
    if things and last in _SECONDS.keys() | {f"{unit}s" for unit in _SECONDS}:
        second = _SECONDS[last if last in _SECONDS else last[:-1]]
        return (_Unit(f"{_thing(' '.join(things))} time", second),)
    suffix, _ = _suffix(name)
    if suffix and (suffix == name or name[len(suffix)] == " "):
        return ()
    return (_Unit(_thing(name), 1.0),)


def _thing(name: str) -> str:
    """Return a counted thing in lower case and in the singular."""
    lower = name.lower()
    single = lower[:-1] if lower.endswith("s") and not lower.endswith("ss") else lower
    return _SAME_THING.get(single, single)


def _same(one: str, other: str) -> bool:
    """Tell whether dimensions agree; a rate of nothing named is of anything."""
    if one == other:
        return True
    below = " per time"
    bare = (one, other)[other in ("per time", below.strip())]
    named = other if bare == one else one
    return bare == "per time" and named.endswith(below) and named != f"bytes{below}"
