"""The numbers of a code assistant: requests, tokens, time, accelerators."""

NUMBERS = {
    "requests_per_day": "requests/day",
    "peak_rate": "requests/s",
    "prompt_rate": "tokens/s",
    "prefill_gpus": "GPUs",
    "cached_gpus": "GPUs",
    "gpus_for_chat_model": "GPUs",
    "time_to_suggestion": "ms",
    "speculative_time": "ms",
    "shown": "suggestions/day",
    "accepted": "suggestions/day",
    "minutes_saved": "minutes",
    "value": "USD/day",
    "cost": "USD/day",
    "index": "GB",
    "sample": "developers",
}


def requests_per_day(developers: float, pauses: float) -> float:
    """Requests for a completion in a day."""
    return developers * pauses


def peak_rate(
    developers: float, pauses: float, work_hours: float, peak_factor: float
) -> float:
    """Requests a second in the busiest hour of the working day."""
    every_day = requests_per_day(developers, pauses)
    return every_day / (work_hours * 3600) * peak_factor


def prompt_rate(
    developers: float,
    pauses: float,
    work_hours: float,
    peak_factor: float,
    prompt_tokens: float,
) -> float:
    """Tokens of prompts a second at the peak."""
    return peak_rate(developers, pauses, work_hours, peak_factor) * prompt_tokens


def prefill_gpus(
    developers: float,
    pauses: float,
    work_hours: float,
    peak_factor: float,
    prompt_tokens: float,
    parameters: float,
    gpu_tflops: float,
    utilisation: float,
) -> float:
    """GPUs that read the prompts of the peak, 2 N operations a token; N in billions."""
    tokens = prompt_rate(developers, pauses, work_hours, peak_factor, prompt_tokens)
    one = gpu_tflops * 1e12 * utilisation / 100
    return tokens * 2 * parameters * 1e9 / one


def cached_gpus(
    developers: float,
    pauses: float,
    work_hours: float,
    peak_factor: float,
    prompt_tokens: float,
    parameters: float,
    gpu_tflops: float,
    utilisation: float,
    reused: float,
) -> float:
    """GPUs when ``reused`` percent of the prompt's tokens are in a prefix cache."""
    whole = prefill_gpus(
        developers,
        pauses,
        work_hours,
        peak_factor,
        prompt_tokens,
        parameters,
        gpu_tflops,
        utilisation,
    )
    return whole * (1 - reused / 100)


def gpus_for_chat_model(
    developers: float,
    pauses: float,
    work_hours: float,
    peak_factor: float,
    prompt_tokens: float,
    chat_parameters: float,
    gpu_tflops: float,
    utilisation: float,
) -> float:
    """GPUs if the large chat model read these prompts instead."""
    return prefill_gpus(
        developers,
        pauses,
        work_hours,
        peak_factor,
        prompt_tokens,
        chat_parameters,
        gpu_tflops,
        utilisation,
    )


def time_to_suggestion(
    wait_ms: float, prefill_ms: float, token_ms: float, output_tokens: float
) -> float:
    """Milliseconds from the last key to the suggestion, network apart."""
    return wait_ms + prefill_ms + token_ms * output_tokens


def speculative_time(
    wait_ms: float,
    prefill_ms: float,
    token_ms: float,
    output_tokens: float,
    tokens_per_step: float,
) -> float:
    """The same when a step yields ``tokens_per_step`` tokens on average."""
    steps = output_tokens / tokens_per_step
    return time_to_suggestion(wait_ms, prefill_ms, token_ms, steps)


def shown(developers: float, pauses: float, show_rate: float) -> float:
    """Suggestions shown in a day; ``show_rate`` in percent of requests."""
    return requests_per_day(developers, pauses) * show_rate / 100


def accepted(
    developers: float, pauses: float, show_rate: float, accept_rate: float
) -> float:
    """Suggestions accepted in a day; ``accept_rate`` in percent."""
    return shown(developers, pauses, show_rate) * accept_rate / 100


def minutes_saved(
    pauses: float, show_rate: float, accept_rate: float, seconds_saved: float
) -> float:
    """Minutes that one developer saves in a day."""
    taken = accepted(1, pauses, show_rate, accept_rate)
    return taken * seconds_saved / 60


def value(
    developers: float,
    pauses: float,
    show_rate: float,
    accept_rate: float,
    seconds_saved: float,
    hour_price: float,
) -> float:
    """Dollars a day that this time is worth."""
    each = minutes_saved(pauses, show_rate, accept_rate, seconds_saved)
    return developers * each / 60 * hour_price


def cost(
    developers: float,
    pauses: float,
    work_hours: float,
    peak_factor: float,
    prompt_tokens: float,
    parameters: float,
    gpu_tflops: float,
    utilisation: float,
    reused: float,
    gpu_hour: float,
) -> float:
    """Dollars a day for the cached fleet, standing ready day and night."""
    fleet = cached_gpus(
        developers,
        pauses,
        work_hours,
        peak_factor,
        prompt_tokens,
        parameters,
        gpu_tflops,
        utilisation,
        reused,
    )
    return fleet * 24 * gpu_hour


def index(lines: float, chunk_lines: float, dimension: float) -> float:
    """Gigabytes of vectors of one company's code, a byte for each number."""
    return lines / chunk_lines * dimension / 1e9


def sample(accept_rate: float, lift: float, own_share: float) -> float:
    """Developers in each arm for 80 % power at 5 %, two-sided.

    The rule 16 s^2 / d^2 over developers (Kohavi, Tang and Xu, Trustworthy Online
    Controlled Experiments, 2020, chapter 17): their own shares deviate by
    ``own_share`` percent points, and d is ``lift`` percent of the mean share.
    """
    return 16 * (own_share / (accept_rate * lift / 100)) ** 2
