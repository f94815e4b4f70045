"""Two rivals in turns: what each takes, and the ratio of the two.

A machine that others use is never equally fast for long. So the rivals run one
directly after the other, again and again, and each pair of runs gives one ratio:
what slows the machine for a while slows both halves of a pair.
"""

import time
from collections.abc import Callable
from statistics import median

from pytest_benchmark.fixture import BenchmarkFixture

# The time for one comparison, and the bounds on how often it is repeated.
_SECONDS = 6.0
_FEWEST, _MOST = 5, 101
# The idle threads of a BLAS or an OpenMP pool spin for some tens of milliseconds
# after their work is done, and would take a core from the rival.
_PAUSE = 0.06

Action = Callable[[], object]


def compare(
    benchmark: BenchmarkFixture,
    case: str,
    ours: Action,
    peer: Action,
    *,
    detail: str = "",
) -> None:
    """Run the two in turns, and keep their times and ratios under ``case``.

    The peer runs where pytest-benchmark lets a setup run, before each round, so the
    figures of its own report are ours. Both run once before anything is measured:
    what is compiled, loaded or filled on first use is not counted. ``detail`` is
    shown beside the description of the case.
    """
    peers: list[float] = []

    def peer_first() -> None:
        peers.append(_seconds(peer))
        time.sleep(_PAUSE)

    rounds = _rounds(ours, peer)
    benchmark.pedantic(  # type: ignore[no-untyped-call]  # it publishes no types
        ours, setup=peer_first, rounds=rounds, iterations=1
    )
    if benchmark.stats is None:  # --benchmark-disable
        return
    mine: list[float] = benchmark.stats.stats.data
    ratios = [one / other for one, other in zip(mine, peers, strict=True)]
    benchmark.extra_info.update(
        case=case,
        detail=detail,
        ours=median(mine),
        peer=median(peers),
        ratio=median(ratios),
        least=min(ratios),
        most=max(ratios),
        pairs=len(ratios),
    )


def compare_bytes(
    benchmark: BenchmarkFixture,
    case: str,
    ours: Callable[[], int],
    peer: Callable[[], int],
) -> None:
    """Keep what memory the two say that they took, once each, under ``case``."""
    theirs = peer()
    mine: int = benchmark.pedantic(  # type: ignore[no-untyped-call]  # no types
        ours, rounds=1, iterations=1
    )
    ratio = mine / theirs
    benchmark.extra_info.update(
        case=case, ours=mine, peer=theirs, ratio=ratio, least=ratio, most=ratio, pairs=1
    )


def _rounds(ours: Action, peer: Action) -> int:
    """Return how many pairs fit into the time, after a first run of each."""
    ours()
    peer()
    pair = _seconds(ours) + _seconds(peer) + _PAUSE
    return min(_MOST, max(_FEWEST, int(_SECONDS / pair)))


def _seconds(action: Action) -> float:
    time.sleep(_PAUSE)
    began = time.perf_counter()
    action()
    return time.perf_counter() - began
