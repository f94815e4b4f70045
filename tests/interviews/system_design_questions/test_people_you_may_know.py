"""The numbers of "people you may know", on small graphs and member by member."""

import itertools
import math
import statistics

import pytest

from interviews.system_design_questions import people_you_may_know as numbers
from tests.interviews.system_design_questions.drawn import assumptions, called, expected


def test_the_numbers_by_hand() -> None:
    assert expected("people_you_may_know") == pytest.approx(
        {
            "graph": 0.96,  # 600e6 x 200 x 8 bytes
            "store": 30,  # 600e6 x 500 x 100 bytes
            "sample": 1600,
            "cores": 24e12 / 2e6 / 3600 / 6,
            "edges": 15e6,  # 1.5e9 shown, 30e6 invited
        }
    )


def test_on_a_graph_that_can_be_counted() -> None:
    # Nine members on a torus: four friends each.
    place = list(itertools.product(range(3), repeat=2))
    friends = {
        one: [
            two
            for two in place
            if sum(a != b for a, b in zip(one, two, strict=True)) == 1
        ]
        for one in place
    }
    links = {frozenset((a, b)) for a in place for b in friends[a]}
    assert numbers.edges(9, 4) == len(links)
    everybody = list(itertools.combinations(place, 2))
    assert numbers.possible_pairs(9) * 1e15 == pytest.approx(len(everybody))
    paths = [(a, b, c) for a in place for b in friends[a] for c in friends[b]]
    assert numbers.core_hours(9, 4, len(paths)) * 3600 == pytest.approx(1)
    ends = {(a, c) for a, _, c in paths}
    repeats = len(paths) / len(ends)
    assert numbers.two_hop(4, repeats) == pytest.approx(len(ends) / 9)


@pytest.mark.parametrize("given", assumptions("people_you_may_know"))
def test_memory_and_work(given: dict[str, float]) -> None:
    entries = 2 * called(numbers.edges, given)
    stored = called(numbers.adjacency, given) * 1e12
    assert stored / entries == pytest.approx(given["id_bytes"])
    kept = called(numbers.pairs, given)
    assert kept / given["kept"] == pytest.approx(given["members"])
    size = called(numbers.pair_store, given) * 1e12
    assert size / kept == pytest.approx(given["pair_bytes"])
    fleet = called(numbers.cores, given)
    walked = fleet * given["paths_per_core"] * given["hours"] * 3600
    paths = called(numbers.two_hop, given) * given["repeats"] * given["members"]
    assert walked == pytest.approx(paths)
    hours = called(numbers.core_hours, given)
    assert hours / given["hours"] == pytest.approx(fleet)
    others = given["members"] - 1
    pairs = called(numbers.possible_pairs, given) * 1e15
    assert 2 * pairs / others == pytest.approx(given["members"])
    rare = called(numbers.negatives, given)
    assert rare * given["new_edges"] * given["repeats"] == pytest.approx(
        given["degree"] ** 2
    )


@pytest.mark.parametrize("given", assumptions("people_you_may_know"))
def test_a_days_edges(given: dict[str, float]) -> None:
    seen = called(numbers.shown, given)
    assert seen / given["dau"] == pytest.approx(given["slots"])
    sent = called(numbers.invitations, given)
    assert 100 * sent / seen == pytest.approx(given["invite_rate"])
    made = called(numbers.accepted, given)
    assert 100 * made / sent == pytest.approx(given["accept_rate"])


@pytest.mark.parametrize("given", assumptions("people_you_may_know"))
def test_the_sample_has_the_power_that_the_rule_promises(
    given: dict[str, float],
) -> None:
    error = given["deviation"] * math.sqrt(2 / called(numbers.sample, given))
    normal = statistics.NormalDist()
    power = 1 - normal.cdf(normal.inv_cdf(0.975) - given["lift"] / error)
    # Sixteen is 2 (1.96 + 0.84)^2 = 15.7, rounded up: a little more than 80 %.
    assert power == pytest.approx(0.8074, abs=1e-3)
