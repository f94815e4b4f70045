"""Quantities as candidates type them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interviews.quantities import interval, parse, show

READ = [
    ("80 GiB", "GiB", 80),
    ("80 GB", "GiB", 80e9 / 2**30),
    ("80 B", "GiB", 80 / 2**30),
    ("80 B", "GB", 80e-9),
    ("2^20 B", "KiB", 1024),
    ("2 kB", "bytes", 2000),
    ("2 KiB", "bytes", 2048),
    ("7B", "", 7e9),
    ("7B", "parameters", 7e9),
    ("7b params", "parameters", 7e9),
    ("7 bn", "", 7e9),
    ("12 Mtokens", "tokens", 12e6),
    ("5m", "", 5e6),
    ("5m", "s", 300),
    ("8 Gb", "GB", 1),
    ("8 Gbit", "GB", 1),
    ("8 Gbps", "GB/s", 1),
    ("1 GB", "Gbit", 8),
    ("5000 QPS", "requests/s", 5000),
    ("5k queries per second", "requests/day", 432e6),
    ("5 TPS", "tokens/s", 5),
    ("3 alerts a day", "alerts/day", 3),
    ("3.9M", "alerts/day", 3.9e6),
    ("24 /day", "alerts/h", 1),
    ("1.5 h", "s", 5400),
    ("250 µs", "ms", 0.25),
    ("250 μs", "ms", 0.25),
    ("1 month", "days", 30),
    ("36 GPU hours", "GPU-days", 1.5),
    ("989 TFLOP/s", "FLOPS", 989e12),
    ("6e21 FLOPs", "FLOP", 6e21),
    ("$5M", "$", 5e6),
    ("$30k/month", "$/day", 1000),
    ("5%", "", 0.05),
    ("5 %", "%", 5),
    ("0.05", "%", 0.05),
    ("1/3", "", 1 / 3),
    ("2**-2", "", 0.25),
    ("3×10^9", "", 3e9),
    ("3 · 10⁹", "", 3e9),
    ("1,234,567.5", "", 1234567.5),
    ("1_000", "", 1000),
    ("−0.5", "", -0.5),
    ("~ .5", "", 0.5),
    ("1e-3", "", 0.001),
]


@pytest.mark.parametrize(("text", "unit", "value"), READ)
def test_quantities_that_are_read(text: str, unit: str, value: float) -> None:
    assert parse(text, unit) == pytest.approx(value, rel=1e-12)


REFUSED = [
    ("", ""),
    ("five", ""),
    ("fine", "GB"),
    ("nan", ""),
    ("inf", ""),
    ("-Infinity", ""),
    ("1e999", ""),
    ("10^400", ""),
    ("1e308 B", ""),
    ("1/0", ""),
    ("0^-1", ""),
    ("1,5", ""),
    ("12,34,567", ""),
    ("9^9^9", ""),
    ("1 2", ""),
    ("1e9 1e9", ""),
    ("5 GB", ""),
    ("5 GB", "GB/s"),
    ("5 GB/s", "GB"),
    ("80G", "GiB"),
    ("80 gb", "GiB"),
    ("5 apples", "pears"),
    ("5 apples", ""),
    ("5 s", "GB"),
    ("5/day", "GB/s"),
    ("1" * 5000, ""),
    ("2^" + "9" * 5000, ""),
    ("٣", ""),
    ("1\n; import os", ""),
]


@pytest.mark.parametrize(("text", "unit"), REFUSED)
def test_what_is_no_quantity_of_the_unit_is_refused_in_one_line(
    text: str, unit: str
) -> None:
    with pytest.raises(ValueError, match=r"^.{10,160}$") as refused:
        parse(text, unit)
    assert "\n" not in str(refused.value)


def test_ambiguous_bits_and_bytes_are_explained() -> None:
    with pytest.raises(ValueError, match="GB are bytes, Gb are bits"):
        parse("80 gb", "GiB")


INTERVALS = [
    ("3M 5M", "", (3e6, 5e6)),
    ("3-5 M", "", (3e6, 5e6)),
    ("3 to 5 million", "", (3e6, 5e6)),
    ("3M–5M", "", (3e6, 5e6)),
    ("between 3 and 5 M", "", (3e6, 5e6)),
    ("from 3 to 5", "", (3, 5)),
    ("[3, 5] M", "", (3e6, 5e6)),
    ("3..5", "", (3, 5)),
    ("3 - 5", "", (3, 5)),
    ("3e-3 5e-3", "", (0.003, 0.005)),
    ("-5 -3", "", (-5, -3)),
    ("1/3 1/2", "", (1 / 3, 1 / 2)),
    ("500M 1B", "", (5e8, 1e9)),
    ("900 MB - 1 GB", "MB", (900, 1000)),
    ("1-2 GB", "MB", (1000, 2000)),
    ("3 GPU-hours - 6 GPU-hours", "GPU-hours", (3, 6)),
    ("$3M-$5M", "$", (3e6, 5e6)),
    ("$3-5M", "$", (3e6, 5e6)),
    ("1,000-2,000 users", "users", (1000, 2000)),
    ("10-20%", "", (0.1, 0.2)),
    ("4M", "", (4e6, 4e6)),
    ("5k-6k QPS", "requests/s", (5000, 6000)),
]


@pytest.mark.parametrize(("text", "unit", "ends"), INTERVALS)
def test_intervals_that_are_read(
    text: str, unit: str, ends: tuple[float, float]
) -> None:
    assert interval(text, unit) == pytest.approx(ends, rel=1e-12)


@pytest.mark.parametrize(
    "text",
    ["", "fine", "3 5 7", "5 3", "3 -5", "100 - 2k", "1 GB - 2", "3M 5", "1 nan"],
)
def test_what_is_no_interval_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"^.{10,160}$") as refused:
        interval(text, "GB" if "GB" in text else "")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (3.9e6, "alerts/day", "3,900,000 alerts/day"),
        (0.1 + 0.2, "", "0.3"),
        (1 / 3, "%", "0.333333%"),
        (1234.5678, "ms", "1,234.57 ms"),
        (3.5e20, "FLOP", "3.5e20 FLOP"),
        (1e-7, "s", "1e-7 s"),
        (12.5, "$", "$12.5"),
        (12.5, "$/day", "$12.5/day"),
        (5, "/s", "5/s"),
        (-0.0, "", "0"),
    ],
)
def test_values_are_shown_plainly(value: float, unit: str, text: str) -> None:
    assert show(value, unit) == text


UNITS = ["", "%", "$", "$/month", "bytes", "GiB", "Gbit", "GB/s", "QPS", "/s", "s"]
UNITS += ["us", "FLOP/s", "alerts/day", "GPU-hours", "parameters", "bits", "/day"]
FINITE = st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)


@given(value=FINITE, unit=st.sampled_from(UNITS))
def test_what_is_shown_is_read_back(value: float, unit: str) -> None:
    if abs(value) > 1e300:  # rounding to six digits may overflow near the top
        value /= 1e10
    # Six significant digits are off by at most half of the sixth.
    assert parse(show(value, unit), unit) == pytest.approx(value, rel=5e-6, abs=1e-300)


@given(value=st.integers(-(10**15) + 1, 10**15 - 1), unit=st.sampled_from(UNITS))
def test_whole_numbers_are_read_back_exactly(value: int, unit: str) -> None:
    assert parse(show(value, unit), unit) == value


@given(
    low=st.integers(1, 10**9),
    width=st.integers(0, 10**9),
    unit=st.sampled_from(UNITS),
    between=st.sampled_from([" ", " - ", "-", "–", " to ", ".."]),
)
def test_intervals_of_shown_ends_are_read_back(
    low: int, width: int, unit: str, between: str
) -> None:
    text = f"{show(low, unit)}{between}{show(low + width, unit)}"
    assert interval(text, unit) == (low, low + width)


@given(text=st.text(max_size=60), unit=st.sampled_from(UNITS))
def test_any_text_is_a_finite_number_or_refused(text: str, unit: str) -> None:
    problem, ends = "", (0.0, 0.0, 0.0)
    try:
        ends = (*interval(text, unit), parse(text, unit))
    except ValueError as refused:
        problem = str(refused)
    assert len(problem.splitlines()) <= 1
    assert all(map(math.isfinite, ends))


@given(value=st.floats(1e-3, 1e6), pair=st.sampled_from([("GiB", "GB"), ("s", "day")]))
def test_units_convert_there_and_back(value: float, pair: tuple[str, str]) -> None:
    there = parse(f"{value!r} {pair[0]}", pair[1])
    assert parse(f"{there!r} {pair[1]}", pair[0]) == pytest.approx(value, rel=1e-12)
