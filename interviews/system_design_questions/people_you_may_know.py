"""The numbers of "people you may know": candidates, edges, memory, a test."""

import math

NUMBERS = {
    "edges": "edges",
    "adjacency": "TB",
    "two_hop": "people",
    "pairs": "pairs",
    "pair_store": "TB",
    "core_hours": "core-hours",
    "cores": "cores",
    "possible_pairs": "x 10^15 pairs",
    "shown": "people/day",
    "invitations": "invitations/day",
    "accepted": "edges/day",
    "negatives": "",
    "sample": "clusters",
}


def edges(members: float, degree: float) -> float:
    """Undirected edges: each is counted by both of its ends."""
    return members * degree / 2


def adjacency(members: float, degree: float, id_bytes: float) -> float:
    """Terabytes of the lists of neighbours, each edge in both."""
    return members * degree * id_bytes / 1e12


def two_hop(degree: float, repeats: float) -> float:
    """Friends of friends of one member, each counted once.

    ``repeats`` is how often one of them is reached on average.
    """
    return degree * degree / repeats


def pairs(members: float, kept: float) -> float:
    """Candidate pairs that are kept: ``kept`` for each member."""
    return members * kept


def pair_store(members: float, kept: float, pair_bytes: float) -> float:
    """Terabytes of the kept candidates with their features."""
    return pairs(members, kept) * pair_bytes / 1e12


def core_hours(members: float, degree: float, paths_per_core: float) -> float:
    """Core hours to walk each path of two edges once."""
    return members * degree * degree / paths_per_core / 3600


def cores(members: float, degree: float, paths_per_core: float, hours: float) -> float:
    """Cores that do it in ``hours``."""
    return core_hours(members, degree, paths_per_core) / hours


def possible_pairs(members: float) -> float:
    """Pairs of members that could be scored, in 10**15."""
    return members * (members - 1) / 2 / 1e15


def shown(dau: float, slots: float) -> float:
    """People shown in a day."""
    return dau * slots


def invitations(dau: float, slots: float, invite_rate: float) -> float:
    """Invitations sent in a day; ``invite_rate`` in percent of those shown."""
    return shown(dau, slots) * invite_rate / 100


def accepted(dau: float, slots: float, invite_rate: float, accept_rate: float) -> float:
    """New edges in a day; ``accept_rate`` in percent of the invitations."""
    return invitations(dau, slots, invite_rate) * accept_rate / 100


def negatives(degree: float, repeats: float, new_edges: float) -> float:
    """Friends of friends of one member for each that becomes a friend in a month."""
    return two_hop(degree, repeats) / new_edges


def sample(deviation: float, lift: float) -> float:
    """Clusters in each arm for 80 % power at 5 %, two-sided.

    The rule 16 s^2 / d^2 over clusters (Kohavi, Tang and Xu, Trustworthy Online
    Controlled Experiments, 2020, chapter 17); both in percent of the mean.
    """
    return 16 * math.pow(deviation / lift, 2)
