"""The numbers of a large training run: operations, days, memory, failures."""

import math

NUMBERS = {
    "operations": "x 10^21 operations",
    "days": "days",
    "ideal_days": "days",
    "gpu_hours": "GPU-hours",
    "cost": "USD",
    "state": "GB",
    "sharded_state": "GB",
    "checkpoint": "GB",
    "save_time": "s",
    "time_between_failures": "hours",
    "failures": "failures",
    "checkpoint_interval": "minutes",
    "lost": "%",
    "steps": "steps",
    "step_time": "s",
    "tokens_per_parameter": "tokens",
}


def operations(parameters: float, tokens: float) -> float:
    """Operations of the run, 6 N D, in 10**21; N and D in billions."""
    return 6 * parameters * tokens / 1e3


def ideal_days(
    parameters: float, tokens: float, gpus: float, gpu_tflops: float, mfu: float
) -> float:
    """Days of computing without interruption; ``mfu`` in percent."""
    rate = gpus * gpu_tflops * 1e12 * mfu / 100
    return operations(parameters, tokens) * 1e21 / rate / 86_400


def time_between_failures(gpus: float, gpu_mtbf: float) -> float:
    """Hours until something in the whole cluster fails; ``gpu_mtbf`` in hours."""
    return gpu_mtbf / gpus


def checkpoint(parameters: float, checkpoint_bytes: float) -> float:
    """Gigabytes of one checkpoint."""
    return parameters * checkpoint_bytes


def save_time(parameters: float, checkpoint_bytes: float, storage: float) -> float:
    """Seconds to write a checkpoint; ``storage`` in GB a second."""
    return checkpoint(parameters, checkpoint_bytes) / storage


def checkpoint_interval(
    parameters: float,
    checkpoint_bytes: float,
    storage: float,
    gpus: float,
    gpu_mtbf: float,
) -> float:
    """Minutes between checkpoints that lose least: sqrt(2 x save x failures apart).

    Young, A First Order Approximation to the Optimum Checkpoint Interval,
    Communications of the ACM 17(9), 1974.
    """
    save = save_time(parameters, checkpoint_bytes, storage)
    apart = time_between_failures(gpus, gpu_mtbf) * 3600
    return math.sqrt(2 * save * apart) / 60


def lost(
    parameters: float,
    checkpoint_bytes: float,
    storage: float,
    gpus: float,
    gpu_mtbf: float,
    restart: float,
) -> float:
    """Percent of useful time that saving, repeating and restarting add.

    Saving costs save / interval, repeating half an interval a failure, restarting
    ``restart`` minutes a failure.
    """
    save = save_time(parameters, checkpoint_bytes, storage) / 60
    apart = time_between_failures(gpus, gpu_mtbf) * 60
    interval = checkpoint_interval(
        parameters, checkpoint_bytes, storage, gpus, gpu_mtbf
    )
    return 100 * (save / interval + (interval / 2 + restart) / apart)


def days(
    parameters: float,
    tokens: float,
    gpus: float,
    gpu_tflops: float,
    mfu: float,
    checkpoint_bytes: float,
    storage: float,
    gpu_mtbf: float,
    restart: float,
) -> float:
    """Days of the run, what is lost included."""
    more = lost(parameters, checkpoint_bytes, storage, gpus, gpu_mtbf, restart)
    return ideal_days(parameters, tokens, gpus, gpu_tflops, mfu) * (1 + more / 100)


def gpu_hours(
    parameters: float, tokens: float, gpus: float, gpu_tflops: float, mfu: float
) -> float:
    """Accelerator hours without interruption."""
    return ideal_days(parameters, tokens, gpus, gpu_tflops, mfu) * 24 * gpus


def cost(
    parameters: float,
    tokens: float,
    gpus: float,
    gpu_tflops: float,
    mfu: float,
    gpu_hour: float,
) -> float:
    """Dollars of those hours."""
    return gpu_hours(parameters, tokens, gpus, gpu_tflops, mfu) * gpu_hour


def failures(
    parameters: float,
    tokens: float,
    gpus: float,
    gpu_tflops: float,
    mfu: float,
    gpu_mtbf: float,
) -> float:
    """Interruptions to expect in the days of computing."""
    hours = ideal_days(parameters, tokens, gpus, gpu_tflops, mfu) * 24
    return hours / time_between_failures(gpus, gpu_mtbf)


def state(parameters: float, state_bytes: float) -> float:
    """Gigabytes of weights, gradients and optimiser state, one copy."""
    return parameters * state_bytes


def sharded_state(parameters: float, state_bytes: float, shards: float) -> float:
    """Gigabytes of that on each accelerator."""
    return state(parameters, state_bytes) / shards


def steps(tokens: float, batch_tokens: float) -> float:
    """Optimiser steps; ``batch_tokens`` in millions."""
    return tokens * 1e9 / (batch_tokens * 1e6)


def step_time(
    parameters: float, batch_tokens: float, gpus: float, gpu_tflops: float, mfu: float
) -> float:
    """Seconds of one step."""
    rate = gpus * gpu_tflops * 1e12 * mfu / 100
    return 6 * parameters * 1e9 * batch_tokens * 1e6 / rate


def tokens_per_parameter(parameters: float, tokens: float) -> float:
    """Tokens that the model reads for each of its parameters."""
    return tokens / parameters
