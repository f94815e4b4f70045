"""Compression and search: a second derivation of every answer."""

from fractions import Fraction
from math import comb

import faiss
import numpy as np

from tests.interviews.ml_theory_questions.derive import Given, check


def test_the_noise_is_that_of_a_fine_grid() -> None:
    def derive(given: Given) -> float:
        low, high = given.real("low"), given.real("high")
        levels = np.linspace(low, high, 2 ** given.whole("bits"))
        # The same number of midpoints in each step: the average over the range.
        points = 2000 * (len(levels) - 1)
        values = low + (np.arange(points) + 0.5) / points * (high - low)
        edges = (levels[1:] + levels[:-1]) / 2
        errors = values - levels[np.searchsorted(edges, values)]
        return float(np.sqrt(np.mean(errors**2)))

    # A grid of m midpoints is off by 1 / (2 m^2).
    check("quantization-noise", derive, relative=1e-6)


def test_the_code_is_the_nearest_that_can_be_restored() -> None:
    def derive(given: Given) -> tuple[float, float]:
        # All 256 numbers that can be restored, and the nearest of them.
        numbers = np.linspace(given.real("low"), given.real("high"), 256)
        code = int(np.abs(numbers - given.real("value")).argmin())
        return float(code), float(numbers[code])

    check("affine-quantization", derive)


def test_the_size_by_packing_one_group_after_the_other() -> None:
    def derive(given: Given) -> float:
        bits, group = given.whole("bits"), given.whole("group")
        one = np.concatenate([np.zeros(group * bits), np.zeros(16), np.zeros(bits)])
        # 1024 groups fill whole bytes.
        packed = np.packbits(np.tile(one.astype(bool), 1024)).nbytes
        return packed * given.whole("size") / (1024 * group)

    check("grouped-weights-size", derive)


def test_the_memory_is_that_of_faiss() -> None:
    def derive(given: Given) -> float:
        names = ("width", "parts", "bits")
        quantizer = faiss.ProductQuantizer(*(given.whole(name) for name in names))
        codes = quantizer.code_size * given.whole("count")
        return float((codes + 4 * quantizer.centroids.size()) / 1e6)

    check("product-quantization-memory", derive)


def test_the_graph_by_layers() -> None:
    def derive(given: Given) -> float:
        count, links = given.whole("count") * 10**6, given.whole("links")
        vectors = count * given.whole("width") * 4
        on_layer, edges = Fraction(count), Fraction(0)
        for layer in range(40):
            edges += on_layer * (2 * links if layer == 0 else links)
            on_layer /= links
        return float((vectors + 4 * edges) / 10**9)

    check("graph-index-memory", derive)


def test_candidates_by_summing_over_the_bands_that_agree() -> None:
    def derive(given: Given) -> float:
        band = Fraction(str(given.real("alike"))) ** given.whole("rows")
        bands = given.whole("bands")
        return float(
            sum(
                comb(bands, some) * band**some * (1 - band) ** (bands - some)
                for some in range(1, bands + 1)
            )
        )

    check("banded-hashing", derive)


def test_distances_are_counted_in_the_lists() -> None:
    def derive(given: Given) -> float:
        lists, count = given.whole("lists"), given.whole("count")
        # Vector i lies in list i % lists; the first lists are the nearest.
        probed = [range(place, count, lists) for place in range(given.whole("probes"))]
        return lists + sum(len(members) for members in probed)

    check("inverted-file-work", derive)
