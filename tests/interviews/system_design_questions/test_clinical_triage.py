"""The numbers of triage, from a table of a million callers."""

import math
import statistics

import pytest

from interviews.system_design_questions import clinical_triage as numbers
from tests.interviews.system_design_questions.drawn import assumptions, called, expected


def test_the_numbers_by_hand() -> None:
    assert expected("clinical_triage") == pytest.approx(
        {
            "kept": 38.4,  # 20e6 calls of 480 s at 4,000 bytes a second
            "charts": 0.9604 * 0.95 * 0.05 * 10_000 * 50,
            "gpus": 5,  # 3.805 a minute x 3 x 8 minutes = 91 calls: 4 and a spare
            "missed": 2_000_000 / 365 * 0.02 * 0.05,
            "leaks": 2_000_000 / 365 * 12 * 0.02,
        }
    )


@pytest.mark.parametrize("given", assumptions("clinical_triage"))
def test_a_table_of_callers(given: dict[str, float]) -> None:
    callers = called(numbers.calls_per_day, given)
    assert callers * 365 == pytest.approx(given["calls"])
    sick = called(numbers.urgent, given)
    assert 100 * sick / callers == pytest.approx(given["base_rate"])
    not_found = called(numbers.missed, given)
    found = sick - not_found
    assert 100 * found / sick == pytest.approx(given["sensitivity"])
    well_kept = (callers - sick) * given["specificity"] / 100
    up = called(numbers.sent_up, given)
    # Each caller is in one of four cells.
    assert up + well_kept + not_found == pytest.approx(callers)
    assert called(numbers.precision, given) == pytest.approx(100 * found / up)
    rightly = well_kept / (well_kept + not_found)
    assert called(numbers.negative_value, given) == pytest.approx(100 * rightly)


@pytest.mark.parametrize("given", assumptions("clinical_triage"))
def test_nurses_and_identifiers(given: dict[str, float]) -> None:
    hours = called(numbers.nurse_hours, given)
    each = hours * 60 / called(numbers.calls_per_day, given)
    assert each == pytest.approx(given["nurse_minutes"])
    people = called(numbers.nurses, given)
    assert hours / people == pytest.approx(given["shift_hours"])
    spoken = given["calls"] / 365 * given["identifiers"]
    first = called(numbers.leaks, given)
    # 1 - x loses digits where x is close to one.
    assert 1 - first / spoken == pytest.approx(given["redaction"] / 100)
    both = called(numbers.leaks_late, given)
    assert 1 - both / first == pytest.approx(given["second"] / 100)


@pytest.mark.parametrize("given", assumptions("clinical_triage"))
def test_the_sensitivity_is_as_exact_as_asked_for(given: dict[str, float]) -> None:
    count = called(numbers.urgent_needed, given)
    share = given["sensitivity"] / 100
    half = statistics.NormalDist().inv_cdf(0.975) * math.sqrt(
        share * (1 - share) / count
    )
    # 1.96 is rounded from 1.95996.
    assert half == pytest.approx(given["margin"] / 100, rel=1e-4)
    followed = called(numbers.charts, given)
    assert followed * given["base_rate"] / 100 == pytest.approx(count)


@pytest.mark.parametrize("given", assumptions("clinical_triage"))
def test_machines_and_recordings(given: dict[str, float]) -> None:
    minutes_a_year = 365 * 24 * 60
    spoken_minutes = given["calls"] * given["call_minutes"]
    at_once = spoken_minutes / minutes_a_year * given["peak_factor"]
    assert called(numbers.peak_streams, given) == pytest.approx(at_once)
    fleet = called(numbers.gpus, given)
    assert fleet == int(fleet)
    assert (fleet - 2) * given["streams_per_gpu"] < at_once * (1 + 1e-9)
    assert (fleet - 1) * given["streams_per_gpu"] >= at_once * (1 - 1e-9)
    bits = spoken_minutes * given["retention"] * 60 * given["audio_rate"] * 1000
    assert called(numbers.kept, given) * 8e12 == pytest.approx(bits)
