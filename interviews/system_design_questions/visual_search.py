"""The numbers of visual search: encoding, an index, load, labels."""

import math

NUMBERS = {
    "encoding_hours": "GPU-hours",
    "encoding_days": "days",
    "index": "GB",
    "compressed_index": "GB",
    "shrink": "",
    "daily_gpus": "GPUs",
    "mean_load": "requests/s",
    "peak_load": "requests/s",
    "query_gpus": "GPUs",
    "index_copies": "copies",
    "found": "searches/day",
    "ceiling": "%",
    "judged": "searches",
    "sampled_pairs": "pairs",
}
SECONDS_PER_DAY = 86_400


def encoding_hours(images: float, images_per_gpu: float) -> float:
    """GPU hours to encode the whole catalogue once."""
    return images / images_per_gpu / 3600


def encoding_days(images: float, images_per_gpu: float, gpus: float) -> float:
    """Days of that on ``gpus`` accelerators: a change of the model costs so much."""
    return encoding_hours(images, images_per_gpu) / gpus / 24


def index(images: float, dimension: float, bytes_per_value: float) -> float:
    """Gigabytes of all vectors as they are."""
    return images * dimension * bytes_per_value / 1e9


def compressed_index(images: float, code_bytes: float) -> float:
    """Gigabytes of product-quantised codes, each with an 8-byte id."""
    return images * (code_bytes + 8) / 1e9


def shrink(dimension: float, bytes_per_value: float, code_bytes: float) -> float:
    """How many times smaller the codes are, ids included."""
    return dimension * bytes_per_value / (code_bytes + 8)


def daily_gpus(new_images: float, images_per_gpu: float) -> float:
    """GPUs, busy all day, that encode what is new."""
    return new_images / images_per_gpu / SECONDS_PER_DAY


def mean_load(searches: float) -> float:
    """Searches a second, averaged over a day."""
    return searches / SECONDS_PER_DAY


def peak_load(searches: float, peak_factor: float) -> float:
    """Searches a second in the busiest hour."""
    return mean_load(searches) * peak_factor


def query_gpus(
    searches: float,
    peak_factor: float,
    crops: float,
    crops_per_gpu: float,
    utilisation: float,
) -> float:
    """GPUs that detect and encode at the peak; ``utilisation`` in percent."""
    work = peak_load(searches, peak_factor) * crops
    return work / (crops_per_gpu * utilisation / 100)


def index_copies(
    searches: float, peak_factor: float, crops: float, lookups_per_copy: float
) -> float:
    """Copies of the index that answer the peak; whole ones."""
    work = peak_load(searches, peak_factor) * crops
    return math.ceil(work / lookups_per_copy)


def found(searches: float, recall: float) -> float:
    """Searches in a day whose own product is among the results; in percent."""
    return searches * recall / 100


def ceiling(absent: float) -> float:
    """Percent of searches that can find the product; ``absent`` in percent."""
    return 100 - absent


def judged(recall: float, margin: float) -> float:
    """Judged searches that place the share within ``margin`` percent, at 95 %.

    The normal approximation: 1.96^2 p (1 - p) / margin^2.
    """
    share = recall / 100
    return math.pow(1.96 / (margin / 100), 2) * share * (1 - share)


def sampled_pairs(batch: float) -> float:
    """Pairs of a photo and a picture that do not belong together, in one batch."""
    return batch * (batch - 1)
