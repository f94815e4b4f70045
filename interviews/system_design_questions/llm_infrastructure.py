"""The numbers of serving a large language model: memory, time, accelerators."""

import math

NUMBERS = {
    "kv_token": "kB",
    "kv_sequence": "MB",
    "weights": "GB",
    "concurrency": "requests",
    "token_floor": "ms",
    "duration": "s",
    "in_flight": "requests",
    "memory_replicas": "replicas",
    "decode_gpus": "GPUs",
    "prefill_gpus": "GPUs",
    "cached_gpus": "GPUs",
    "replicas": "replicas",
    "cost": "USD/day",
}


def kv_token(
    layers: float, kv_heads: float, head_size: float, bytes_per_value: float
) -> float:
    """Kilobytes of keys and values of one token."""
    return 2 * layers * kv_heads * head_size * bytes_per_value / 1e3


def kv_sequence(
    layers: float,
    kv_heads: float,
    head_size: float,
    bytes_per_value: float,
    input_tokens: float,
    output_tokens: float,
) -> float:
    """Megabytes of keys and values of one request at its end."""
    token = kv_token(layers, kv_heads, head_size, bytes_per_value)
    return token * (input_tokens + output_tokens) / 1e3


def weights(parameters: float, bytes_per_value: float) -> float:
    """Gigabytes of the weights."""
    return parameters * bytes_per_value / 1e9


def concurrency(
    layers: float,
    kv_heads: float,
    head_size: float,
    bytes_per_value: float,
    input_tokens: float,
    output_tokens: float,
    parameters: float,
    gpus_per_replica: float,
    gpu_memory: float,
) -> float:
    """Requests whose cache fits beside the weights, with a tenth kept free.

    At least one: a replica that cannot hold a request is no replica.
    """
    left = 0.9 * gpus_per_replica * gpu_memory - weights(parameters, bytes_per_value)
    one = kv_sequence(
        layers, kv_heads, head_size, bytes_per_value, input_tokens, output_tokens
    )
    return max(1.0, left * 1e3 / one)


def token_floor(
    parameters: float, bytes_per_value: float, gpus_per_replica: float, bandwidth: float
) -> float:
    """Milliseconds to read all weights once; ``bandwidth`` of one GPU in TB/s."""
    return weights(parameters, bytes_per_value) / (gpus_per_replica * bandwidth)


def duration(first_token: float, token_time: float, output_tokens: float) -> float:
    """Seconds of one request; the two times in milliseconds."""
    return (first_token + token_time * output_tokens) / 1e3


def in_flight(
    rate: float, first_token: float, token_time: float, output_tokens: float
) -> float:
    """Requests in the system at the peak: Little's law."""
    return rate * duration(first_token, token_time, output_tokens)


def memory_replicas(
    layers: float,
    kv_heads: float,
    head_size: float,
    bytes_per_value: float,
    input_tokens: float,
    output_tokens: float,
    parameters: float,
    gpus_per_replica: float,
    gpu_memory: float,
    rate: float,
    first_token: float,
    token_time: float,
) -> float:
    """Replicas whose memory holds all that is in flight."""
    held = concurrency(
        layers,
        kv_heads,
        head_size,
        bytes_per_value,
        input_tokens,
        output_tokens,
        parameters,
        gpus_per_replica,
        gpu_memory,
    )
    return math.ceil(in_flight(rate, first_token, token_time, output_tokens) / held)


def prefill_gpus(
    rate: float,
    input_tokens: float,
    parameters: float,
    gpu_tflops: float,
    utilisation: float,
) -> float:
    """GPUs that read the prompts of the peak: 2 N operations a token."""
    needed = rate * input_tokens * 2 * parameters
    return needed / (gpu_tflops * 1e12 * utilisation / 100)


def decode_gpus(
    rate: float,
    output_tokens: float,
    parameters: float,
    gpu_tflops: float,
    utilisation: float,
) -> float:
    """GPUs that the answers' arithmetic would take, were it not for memory."""
    return prefill_gpus(rate, output_tokens, parameters, gpu_tflops, utilisation)


def cached_gpus(
    rate: float,
    input_tokens: float,
    parameters: float,
    gpu_tflops: float,
    utilisation: float,
    shared_prefix: float,
) -> float:
    """GPUs for prefill when the shared prefix, in percent, is kept."""
    whole = prefill_gpus(rate, input_tokens, parameters, gpu_tflops, utilisation)
    return whole * (1 - shared_prefix / 100)


def replicas(
    rate: float,
    input_tokens: float,
    parameters: float,
    gpu_tflops: float,
    utilisation: float,
    gpus_per_replica: float,
    prefill_share: float,
) -> float:
    """Replicas, where prefill may take ``prefill_share`` percent of their time."""
    whole = prefill_gpus(rate, input_tokens, parameters, gpu_tflops, utilisation)
    return math.ceil(whole / gpus_per_replica / (prefill_share / 100))


def cost(
    rate: float,
    input_tokens: float,
    parameters: float,
    gpu_tflops: float,
    utilisation: float,
    gpus_per_replica: float,
    prefill_share: float,
    gpu_hour: float,
) -> float:
    """Dollars a day for that many replicas."""
    count = replicas(
        rate,
        input_tokens,
        parameters,
        gpu_tflops,
        utilisation,
        gpus_per_replica,
        prefill_share,
    )
    return count * gpus_per_replica * 24 * gpu_hour
