"""The numbers of notifications: sends, opens, people lost, load, a test."""

import math

NUMBERS = {
    "sent": "sends/day",
    "opened": "opens/day",
    "switched_off": "users/day",
    "years_share": "%",
    "break_even": "%",
    "mean_load": "sends/s",
    "burst_load": "sends/s",
    "scored": "events/s",
    "cores": "cores",
    "state": "GB",
    "sample": "users",
    "sample_share": "%",
    "caused": "opens/day",
}
SECONDS_PER_DAY = 86_400


def sent(users: float, sends: float) -> float:
    """Notifications in a day."""
    return users * sends


def opened(users: float, sends: float, open_rate: float) -> float:
    """Notifications opened in a day; ``open_rate`` in percent."""
    return sent(users, sends) * open_rate / 100


def caused(users: float, sends: float, open_rate: float, uplift: float) -> float:
    """Opens without which the user would not have come; ``uplift`` in percent."""
    return opened(users, sends, open_rate) * uplift / 100


def switched_off(users: float, sends: float, off_rate: float) -> float:
    """Users who turn notifications off in a day; ``off_rate`` for a million sends."""
    return sent(users, sends) * off_rate / 1e6


def years_share(sends: float, off_rate: float) -> float:
    """Percent of users who have turned them off after a year."""
    return 100 * (1 - math.pow(1 - off_rate / 1e6, sends * 365))


def break_even(off_rate: float, reach_value: float) -> float:
    """Percent chance of a visit caused, above which a send pays.

    ``reach_value``: the visits that are lost with a user who turns them off.
    """
    return off_rate / 1e6 * reach_value * 100


def mean_load(users: float, sends: float) -> float:
    """Sends a second, averaged over a day."""
    return sent(users, sends) / SECONDS_PER_DAY


def burst_load(users: float, burst_share: float, burst_minutes: float) -> float:
    """Sends a second when ``burst_share`` percent of users get one event's news."""
    return users * burst_share / 100 / (burst_minutes * 60)


def scored(users: float, events: float, peak_factor: float) -> float:
    """Events a second at the peak for which a send is considered."""
    return users * events / SECONDS_PER_DAY * peak_factor


def cores(
    users: float,
    events: float,
    peak_factor: float,
    scores_per_core: float,
    utilisation: float,
) -> float:
    """Cores that score the peak; ``utilisation`` in percent."""
    work = scored(users, events, peak_factor)
    return work / (scores_per_core * utilisation / 100)


def state(users: float, user_bytes: float) -> float:
    """Gigabytes of history and counters, one copy."""
    return users * user_bytes / 1e9


def sample(off_in_test: float, lift: float) -> float:
    """Users in each arm for 80 % power at 5 %, two-sided; both in percent.

    The rule 16 s^2 / d^2 (Kohavi, Tang and Xu, Trustworthy Online Controlled
    Experiments, 2020, chapter 17), with d relative to the share.
    """
    share = off_in_test / 100
    return 16 * share * (1 - share) / math.pow(share * lift / 100, 2)


def sample_share(off_in_test: float, lift: float, users: float) -> float:
    """Percent of all users that are in one arm."""
    return 100 * sample(off_in_test, lift) / users
