"""The numbers of a batching inference server: batches, queues, replicas."""

import math

NUMBERS = {
    "peak_rate": "requests/s",
    "batch_time": "ms",
    "single_throughput": "requests/s",
    "throughput": "requests/s",
    "limit_throughput": "requests/s",
    "gain": "",
    "largest_batch": "requests",
    "fill_time": "ms",
    "latency": "ms",
    "replicas": "replicas",
    "replicas_without": "replicas",
    "cost": "USD/day",
    "in_flight": "requests",
    "queue_bound": "requests",
}


def peak_rate(rate: float, peak_factor: float) -> float:
    """Requests a second at the peak."""
    return rate * peak_factor


def batch_time(fixed_ms: float, each_ms: float, batch: float) -> float:
    """Milliseconds to run one batch: a fixed part, and one for each request."""
    return fixed_ms + each_ms * batch


def single_throughput(fixed_ms: float, each_ms: float) -> float:
    """Requests a second of one replica without batching."""
    return 1000 / batch_time(fixed_ms, each_ms, 1)


def throughput(fixed_ms: float, each_ms: float, batch: float) -> float:
    """Requests a second of one replica with full batches."""
    return 1000 * batch / batch_time(fixed_ms, each_ms, batch)


def limit_throughput(each_ms: float) -> float:
    """Requests a second that no batch exceeds."""
    return 1000 / each_ms


def gain(fixed_ms: float, each_ms: float, batch: float) -> float:
    """How many times as many requests full batches serve."""
    return throughput(fixed_ms, each_ms, batch) / single_throughput(fixed_ms, each_ms)


def largest_batch(deadline_ms: float, fixed_ms: float, each_ms: float) -> float:
    """The batch whose run takes half of the deadline; at least one.

    A request that has just missed a batch waits for it and then rides the next.
    """
    return max(1.0, math.floor((deadline_ms / 2 - fixed_ms) / each_ms))


def replicas(
    rate: float,
    peak_factor: float,
    fixed_ms: float,
    each_ms: float,
    batch: float,
    utilisation: float,
) -> float:
    """Replicas for the peak with full batches; ``utilisation`` in percent."""
    one = throughput(fixed_ms, each_ms, batch) * utilisation / 100
    return peak_rate(rate, peak_factor) / one


def replicas_without(
    rate: float, peak_factor: float, fixed_ms: float, each_ms: float, utilisation: float
) -> float:
    """Replicas for the peak when every request runs alone."""
    return replicas(rate, peak_factor, fixed_ms, each_ms, 1, utilisation)


def fill_time(
    rate: float,
    peak_factor: float,
    fixed_ms: float,
    each_ms: float,
    batch: float,
    utilisation: float,
) -> float:
    """Milliseconds in which a batch's requests arrive at one replica, at the peak."""
    fleet = replicas(rate, peak_factor, fixed_ms, each_ms, batch, utilisation)
    return 1000 * batch / (peak_rate(rate, peak_factor) / fleet)


def latency(fixed_ms: float, each_ms: float, batch: float, wait_ms: float) -> float:
    """Milliseconds at worst: the wait, a batch just begun, and one's own."""
    return wait_ms + 2 * batch_time(fixed_ms, each_ms, batch)


def cost(
    rate: float,
    peak_factor: float,
    fixed_ms: float,
    each_ms: float,
    batch: float,
    utilisation: float,
    gpu_hour: float,
) -> float:
    """Dollars a day for a fleet that stands ready for the peak."""
    fleet = replicas(rate, peak_factor, fixed_ms, each_ms, batch, utilisation)
    return fleet * 24 * gpu_hour


def in_flight(
    rate: float,
    peak_factor: float,
    fixed_ms: float,
    each_ms: float,
    batch: float,
    wait_ms: float,
) -> float:
    """Requests inside the system at the peak, if all stay the longest: Little's law."""
    stay = latency(fixed_ms, each_ms, batch, wait_ms) / 1000
    return peak_rate(rate, peak_factor) * stay


def queue_bound(
    deadline_ms: float, fixed_ms: float, each_ms: float, batch: float
) -> float:
    """Requests that may wait at one replica and still be answered in time."""
    left = deadline_ms - batch_time(fixed_ms, each_ms, batch)
    return max(1.0, left / 1000 * throughput(fixed_ms, each_ms, batch))
