"""Quantization, and the memory and the work of nearest-neighbour search."""

import math
from random import Random

from interviews.ml_theory_questions.question import Distractor, Question
from interviews.ml_theory_questions.working import say


def quantization_noise(random: Random) -> Question:
    """Root mean square error of uniform quantization."""
    bits = random.choice((4, 5, 6, 8))
    low = -random.randint(1, 30) / 10
    high = random.randint(1, 40) / 10
    levels = 2**bits
    step = (high - low) / (levels - 1)
    answer = step / math.sqrt(12)
    return Question(
        prompt=f"Numbers spread evenly over [{say(low)}, {say(high)}] are rounded to "
        f"the nearest of {levels} evenly spaced levels ({bits} bits), the ends "
        "included. What is the root mean square of the rounding error?",
        answer=answer,
        steps=(
            f"Step: {say(high - low)} / ({levels} - 1) = {say(step)}",
            "The error is uniform on [-step / 2, step / 2], of variance step^2 / 12",
            f"{say(step)} / sqrt(12) = {say(answer)}",
        ),
        distractors=(
            Distractor("the largest error: half a step", step / 2),
            Distractor("the whole step", step),
            Distractor("the variance, without the root", step**2 / 12),
            Distractor("the mean absolute error: a quarter of a step", step / 4),
        ),
        given={"bits": bits, "low": low, "high": high},
    )


def affine_quantization(random: Random) -> Question:
    """Zero point, integer and restored value of an affine 8-bit code."""
    scale = random.choice((0.01, 0.02, 0.04, 0.05))
    zero = random.randint(40, 200)
    low, high = -zero * scale, (255 - zero) * scale
    # At most 0.4 of a step off the grid: no rounding is a tie.
    code = random.randint(10, 245)
    off = random.choice((-0.4, -0.3, 0.3, 0.4))
    value = (code + off - zero) * scale
    restored = (code - zero) * scale
    return Question(
        prompt="An asymmetric quantizer maps the range "
        f"[{say(low)}, {say(high)}] to unsigned 8-bit integers, 0 to 255, by "
        "q = round(x / scale) + zero point. To which integer q does it map "
        f"x = {say(value)}, and which number is restored from it? Give both, in this "
        "order.",
        answer=(float(code), restored),
        steps=(
            f"Scale: ({say(high)} + {say(-low)}) / 255 = {say(scale)}",
            f"Zero point: {say(-low)} / {say(scale)} = {zero}",
            f"q: round({say(value / scale)}) + {zero} = {code}",
            f"Restored: ({code} - {zero}) × {say(scale)} = {say(restored)}",
        ),
        distractors=(
            Distractor("the zero point left out of q", (float(code - zero), restored)),
            Distractor(
                "restored without subtracting the zero point",
                (float(code), code * scale),
            ),
            Distractor("restored without loss", (float(code), value)),
            Distractor(
                "rounded to the other neighbour",
                (
                    code + math.copysign(1, off),
                    restored + math.copysign(scale, off),
                ),
            ),
        )
        # Near zero a relative tolerance cannot tell values apart: drawn anew.
        if abs(code - zero) > 5
        else (),
        given={"low": low, "high": high, "value": value},
    )


def grouped_weights_size(random: Random) -> Question:
    """Size of weights quantized in groups."""
    size = random.choice((7, 8, 13, 34, 70))
    bits = random.choice((2, 3, 4))
    group = random.choice((16, 32, 64, 128))
    each = bits + (16 + bits) / group
    answer = size * each / 8
    return Question(
        prompt=f"The {size} billion weights of a model are quantized to {bits} bits in "
        f"groups of {group}. Each group has a 16-bit scale and a {bits}-bit zero "
        "point. How many GB (10^9 bytes) do the weights take?",
        answer=answer,
        steps=(
            f"Bits a weight: {bits} + (16 + {bits}) / {group} = {say(each)}",
            f"{size}e9 × {say(each)} / 8 bytes = {say(answer)} GB",
        ),
        distractors=(
            Distractor("scales and zero points left out", size * bits / 8),
            Distractor("bits taken for bytes", size * each),
            Distractor(
                "a scale and a zero point for every weight",
                size * (2 * bits + 16) / 8,
            ),
            Distractor("16-bit weights: not quantized", size * 2.0),
        ),
        given={"size": size, "bits": bits, "group": group},
    )


def product_quantization_memory(random: Random) -> Question:
    """Memory of product-quantized vectors and their codebooks."""
    width = random.choice((96, 128, 256, 384, 768, 1024))
    parts = random.choice((8, 12, 16, 32, 48, 64))
    bits = random.choice((8, 10, 12))
    count = random.choice((20, 50, 100, 200, 500)) * 1000
    while width % parts or parts * bits % 8:
        parts = random.choice((8, 16, 32))
    codes = count * parts * bits // 8
    books = 2**bits * width * 4
    answer = (codes + books) / 1e6
    return Question(
        prompt=f"{say(count)} vectors of dimension {width} are stored by product "
        f"quantization: {parts} sub-vectors, each with a codebook of {say(2**bits)} "
        "centroids in 32-bit floats. How many MB (10^6 bytes) do codes and codebooks "
        "take together?",
        answer=answer,
        steps=(
            f"A code: {parts} × {bits} bits = {say(parts * bits / 8)} bytes",
            f"Codes: {say(count)} × {say(parts * bits / 8)} = {say(codes)} bytes",
            (
                f"Codebooks: {parts} × {say(2**bits)} × {width // parts} × 4 "
                f"= {say(books)} bytes"
            ),
            f"Sum: {say(answer)} MB",
        ),
        distractors=(
            Distractor("the codebooks left out", codes / 1e6),
            Distractor(
                "codebooks as wide as the vector", (codes + parts * books) / 1e6
            ),
            Distractor(
                "the codebook of one sub-vector only", (codes + books / parts) / 1e6
            ),
            Distractor("32-bit floats kept: not quantized", count * width * 4 / 1e6),
        ),
        given={"width": width, "parts": parts, "bits": bits, "count": count},
    )


def graph_index_memory(random: Random) -> Question:
    """Memory of a hierarchical navigable small world graph."""
    count = random.choice((1, 2, 5, 10, 20, 50, 100))
    width = random.choice((64, 96, 128, 256, 384))
    links = random.choice((8, 12, 16, 24, 32, 48))
    upper = links / (links - 1)
    each = 4 * width + 4 * (2 * links + upper)
    answer = count * each / 1000
    return Question(
        prompt=f"An HNSW graph holds {count} million vectors of dimension {width} in "
        f"32-bit floats. A node has room for {2 * links} links on the bottom layer and "
        f"for M = {links} on each higher layer that it reaches; it reaches layer l or "
        f"higher with probability {links}^-l. A link takes 4 bytes. How many GB "
        "(10^9 bytes) are expected, for vectors and links?",
        answer=answer,
        steps=(
            f"Vector: 4 × {width} = {say(4 * width)} bytes",
            f"Higher layers a node: 1/{links} + 1/{links}^2 + ... = 1 / {links - 1}",
            (
                f"Links: {2 * links} + {links} / {links - 1} = "
                f"{say(2 * links + upper)}, times 4 bytes"
            ),
            f"{count}e6 × {say(each)} bytes = {say(answer)} GB",
        ),
        distractors=(
            Distractor("the vectors alone", count * 4 * width / 1000),
            Distractor(
                "M links on the bottom layer, not 2M",
                count * (4 * width + 4 * (links + upper)) / 1000,
            ),
            Distractor(
                "every node on one higher layer",
                count * (4 * width + 4 * 3 * links) / 1000,
            ),
            Distractor("the links alone", count * 4 * (2 * links + upper) / 1000),
        ),
        given={"count": count, "width": width, "links": links},
    )


def banded_hashing(random: Random) -> Question:
    """Chance that two documents meet in a band of MinHash."""
    rows = random.choice((3, 4, 5, 6, 8))
    bands = random.choice((8, 10, 16, 20, 25, 32))
    alike = random.choice((0.4, 0.5, 0.6, 0.7, 0.8))
    band = alike**rows
    missed = (1 - band) ** bands
    return Question(
        prompt=f"MinHash signatures of {bands * rows} hashes are cut into {bands} "
        f"bands of {rows}. Two documents become candidates if they agree in all rows "
        f"of at least one band. Their Jaccard similarity is {say(alike)}. With what "
        "probability do they become candidates?",
        answer=1 - missed,
        steps=(
            f"Alike in one band: {say(alike)}^{rows} = {say(band)}",
            f"In no band: (1 - {say(band)})^{bands} = {say(missed)}",
            f"In at least one: {say(1 - missed)}",
        ),
        distractors=(
            Distractor("the chance of one band", band),
            Distractor("chances of the bands added", bands * band),
            Distractor("the chance that they are missed", missed),
            Distractor("rows and bands swapped", 1 - (1 - alike**bands) ** rows),
        ),
        given={"rows": rows, "bands": bands, "alike": alike},
    )


def inverted_file_work(random: Random) -> Question:
    """Distance computations of a query to an inverted file."""
    lists = random.choice((500, 1000, 2000, 4000, 10000))
    count = lists * random.choice((50, 100, 200, 500, 1000))
    probes = random.choice((4, 8, 10, 16, 20, 32))
    scanned = probes * count // lists
    return Question(
        prompt=f"An inverted file index (IVF) holds {say(count)} vectors in "
        f"{say(lists)} lists of equal size. A query compares itself with all "
        f"centroids, then with all vectors of the {probes} nearest lists. How many "
        "distances are computed?",
        answer=float(lists + scanned),
        steps=(
            f"Centroids: {say(lists)}",
            f"Vectors: {probes} × {say(count)} / {say(lists)} = {say(scanned)}",
            f"Sum: {say(lists + scanned)}",
        ),
        distractors=(
            Distractor("the centroids left out", float(scanned)),
            Distractor("one list only", float(lists + count // lists)),
            Distractor(
                "the centroids of the nearest lists only", float(probes + scanned)
            ),
            Distractor("all vectors: no index", float(count)),
        ),
        given={"lists": lists, "count": count, "probes": probes},
    )
