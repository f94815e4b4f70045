"""Language models: their sizes, their tokens, their masks and how they are sampled."""

import math
from collections import Counter
from itertools import pairwise
from random import Random

from interviews.ml_theory_questions.question import Distractor, Question
from interviews.ml_theory_questions.working import say, total

_WORDS = (
    *("low", "lower", "lowest", "new", "newer", "newest", "wide", "wider", "widest"),
    *("slow", "slower", "show", "shower", "fast", "faster", "fewer", "lest", "west"),
)


def kv_cache_bytes(random: Random) -> Question:
    """Memory of the KV cache with grouped queries."""
    layers = random.choice((24, 32, 40, 48, 64, 80))
    heads = random.choice((32, 48, 64))
    shared = random.choice((4, 8))
    width = random.choice((64, 80, 96, 128))
    tokens = random.choice((4096, 8192, 16384, 32768))
    batch = random.choice((2, 4, 8, 12, 16))
    bits = random.choice((8, 16))
    per_token = 2 * layers * shared * width * bits // 8
    answer = per_token * tokens * batch / 2**30
    return Question(
        prompt=f"A decoder has {layers} layers, {heads} query heads in "
        f"grouped-query attention with {shared} key-value heads, and heads of "
        f"dimension {width}. The KV cache is kept in {bits}-bit numbers. How many GiB "
        f"does it take for {batch} sequences of {say(tokens)} tokens each?",
        answer=answer,
        steps=(
            (
                f"A token: 2 (key and value) × {layers} layers × {shared} heads × "
                f"{width} × {bits // 8} bytes = {say(per_token)} bytes"
            ),
            f"Tokens: {batch} × {say(tokens)} = {say(batch * tokens)}",
            (
                f"{say(per_token)} × {say(batch * tokens)} / 2^30 bytes "
                f"= {say(answer)} GiB"
            ),
        ),
        distractors=(
            Distractor("keys only: values left out", answer / 2),
            Distractor(
                "a key and a value for each query head, as without grouping",
                answer * heads / shared,
            ),
            Distractor("GB of 10^9 bytes given as GiB", answer * 2**30 / 1e9),
            Distractor("one layer only", answer / layers),
            Distractor("one sequence only", answer / batch),
        ),
        given={
            "layers": layers,
            "shared": shared,
            "width": width,
            "tokens": tokens,
            "batch": batch,
            "bits": bits,
        },
    )


def decoder_parameters(random: Random) -> Question:
    """Parameters of a decoder with grouped queries and a gated feed-forward."""
    width = random.choice((64, 128))
    heads = random.choice((16, 24, 32))
    shared = random.choice((4, 8))
    model = heads * width
    inner = model * random.choice((5, 6, 7)) // 2
    layers = random.choice((12, 16, 24, 32))
    words = random.choice((32000, 50000, 64000, 128000))
    tied = random.choice((True, False))
    attention = 2 * model**2 + 2 * model * shared * width
    forward = 3 * model * inner
    table = words * model
    tables = table if tied else 2 * table
    answer = layers * (attention + forward) + tables
    return Question(
        prompt=f"A decoder has {layers} layers, width {say(model)}, {heads} query "
        f"heads and {shared} key-value heads of dimension {width}, a SwiGLU "
        f"feed-forward network (gate, up, down) of inner width {say(inner)}, and a "
        f"vocabulary of {say(words)}. The output matrix is "
        f"{'tied to' if tied else 'separate from'} the embedding; positions are "
        "rotary; nothing has a bias. Leave out the norms. How many parameters does it "
        "have?",
        answer=float(answer),
        steps=(
            (
                f"Attention: query and output 2 × {say(model)}^2, key and value "
                f"2 × {say(model)} × {shared * width}: {say(attention)}"
            ),
            f"Feed-forward: 3 × {say(model)} × {say(inner)} = {say(forward)}",
            f"Layers: {layers} × {say(attention + forward)}",
            f"Tables: {1 if tied else 2} × {say(words)} × {say(model)}",
            f"Sum: {say(answer)}",
        ),
        distractors=(
            Distractor(
                "key and value projections as wide as the query's",
                answer + 2.0 * layers * model * (model - shared * width),
            ),
            Distractor(
                "two feed-forward matrices instead of three",
                answer - float(layers * model * inner),
            ),
            Distractor(
                "the tied output matrix counted again"
                if tied
                else "the output matrix taken for the embedding's",
                answer + (table if tied else -float(table)),
            ),
            Distractor("the tables left out", answer - float(tables)),
        ),
        given={
            "layers": layers,
            "model": model,
            "heads": heads,
            "shared": shared,
            "width": width,
            "inner": inner,
            "words": words,
            "tied": int(tied),
        },
    )


def lora_parameters(random: Random) -> Question:
    """Trainable parameters of LoRA on the query and value projections."""
    layers = random.choice((16, 24, 32, 40, 48))
    model = random.choice((2048, 3072, 4096, 5120))
    out = model // random.choice((2, 4, 8))
    rank = random.choice((4, 8, 16, 32, 64))
    query, value = rank * 2 * model, rank * (model + out)
    answer = layers * (query + value)
    return Question(
        prompt=f"LoRA of rank {rank} is put on the query and the value projection of "
        f"each of the {layers} layers of a frozen decoder. Its width is {say(model)}; "
        f"the query projection maps {say(model)} to {say(model)}, the value projection "
        f"(grouped-query attention) {say(model)} to {say(out)}. How many parameters "
        "are trained?",
        answer=float(answer),
        steps=(
            f"Query: {rank} × ({say(model)} + {say(model)}) = {say(query)}",
            f"Value: {rank} × ({say(model)} + {say(out)}) = {say(value)}",
            f"{layers} layers × {say(query + value)} = {say(answer)}",
        ),
        distractors=(
            Distractor(
                "the full matrices", float(layers * (model * model + model * out))
            ),
            Distractor("A only: B left out", float(layers * rank * 2 * model)),
            Distractor(
                "the value projection taken as square", float(2 * layers * query)
            ),
            Distractor(
                "all four attention projections", 2.0 * layers * (query + value)
            ),
        ),
        given={"layers": layers, "model": model, "out": out, "rank": rank},
    )


def _merges(
    corpus: dict[str, int], weighted: bool = True, grown: bool = True
) -> tuple[str, ...]:
    """Return the tokens of three merges; ``grown`` tokens may merge again."""
    texts = {word: list(word) for word in corpus}
    made: list[str] = []
    for _ in "123":
        pairs: Counter[tuple[str, str]] = Counter()
        for word, tokens in texts.items():
            for pair in pairwise(tokens):
                if grown or max(map(len, pair)) == 1:
                    pairs[pair] += corpus[word] if weighted else 1
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        made.append("".join(best))
        texts = {word: _merge(tokens, best) for word, tokens in texts.items()}
    return tuple(made)


def _merge(tokens: list[str], pair: tuple[str, str]) -> list[str]:
    merged: list[str] = []
    for token in tokens:
        if merged and (merged[-1], token) == pair:
            merged[-1] += token
        else:
            merged.append(token)
    return merged


def bpe_merges(random: Random) -> Question:
    """The first three merges of byte-pair encoding."""
    corpus = {word: random.randint(1, 9) for word in random.sample(_WORDS, 4)}
    first: Counter[str] = Counter()
    for word, count in corpus.items():
        for a, b in pairwise(word):
            first[a + b] += count
    top = sorted(first, key=lambda pair: (-first[pair], pair))[:3]
    answer = _merges(corpus)
    words = ", ".join(f"{word} {count}" for word, count in corpus.items())
    counts = ", ".join(f"{pair} {first[pair]}" for pair in top)
    return Question(
        prompt=f"Byte-pair encoding is trained on these words with their counts: "
        f"{words}. It begins with letters, has no end-of-word mark, and pairs do not "
        "cross words. A tie goes to the pair that comes first in the alphabet (left "
        "token first, then right). Which tokens do the first three merges make, in "
        "order?",
        answer=answer,
        steps=(
            f"Most frequent pairs at the start: {counts}; merged: {answer[0]}",
            f"Counted again with {answer[0]} as one token; merged: {answer[1]}",
            f"Counted again with {answer[1]} as one token; merged: {answer[2]}",
        ),
        distractors=(
            Distractor("the counts of the words ignored", _merges(corpus, False)),
            Distractor(
                "not counted again: the three most frequent pairs at the start",
                tuple(top),
            ),
            Distractor(
                "merged tokens are never merged again: pairs of letters only",
                _merges(corpus, grown=False),
            ),
        ),
        given={"words": tuple(corpus), "counts": tuple(corpus.values())},
    )


def visible_positions(random: Random) -> Question:
    """The positions that a query sees in a packed sequence."""
    lengths = [random.randint(6, 12) for _ in range(3)]
    window = random.choice((3, 4))
    place = random.choice((1, 2))
    start = sum(lengths[:place])
    end = start + lengths[place]
    query = random.randint(start + window + 1, end - 1)

    def names(*positions: int) -> frozenset[str]:
        return frozenset(map(str, positions))

    inside = range(query - window + 1, query + 1)
    answer = names(start, *inside)
    ends = f"{lengths[0]}, {lengths[1]} and {lengths[2]}"
    return Question(
        prompt=f"Documents of {ends} tokens are packed into one sequence; positions "
        "count from 0 over the whole of it. Attention is causal, stays inside a "
        f"document, and has a sliding window of {window}: the token itself and the "
        f"{window - 1} before it. Besides, the first token of the own document stays "
        f"visible (an attention sink). Which positions does position {query} see?",
        answer=answer,
        steps=(
            f"Position {query} is in document {place + 1}: {start} to {end - 1}",
            f"Window: {inside[0]} to {query}; sink: {start}",
        ),
        distractors=(
            Distractor("the sink left out", names(*inside)),
            Distractor(
                "the sink is the first token of the sequence, in another document",
                names(0, *inside),
            ),
            Distractor(
                "the token itself is not counted in the window",
                names(start, query - window, *inside),
            ),
            Distractor(
                "the token does not see itself", names(start, *inside) - names(query)
            ),
            Distractor(
                "the window left out: causal inside the document",
                names(*range(start, query + 1)),
            ),
        ),
        given={"lengths": tuple(lengths), "window": window, "query": query},
    )


def top_p_set(random: Random) -> Question:
    """The nucleus from which top-p sampling draws."""
    cuts = sorted(random.sample(range(1, 49), 5))
    shares = [2 * (b - a) for a, b in pairwise([0, *cuts, 50])]
    names = random.sample(("cat", "dog", "fox", "hen", "owl", "pig"), 6)
    limit = random.randint(27, 47) * 2 - 1

    def nucleus(order: list[int]) -> list[int]:
        kept: list[int] = []
        for place in order:
            if sum(shares[each] for each in kept) < limit:
                kept.append(place)
        return kept

    def named(places: list[int]) -> frozenset[str]:
        return frozenset(names[place] for place in places)

    order = sorted(range(6), key=lambda place: -shares[place])
    # Equal shares could leave two nuclei of one size: drawn anew.
    kept = nucleus(order) if len(set(shares)) == 6 else []
    mass = sum(shares[place] for place in kept)
    listed = ", ".join(
        f"{name} {say(share / 100)}" for name, share in zip(names, shares, strict=True)
    )
    return Question(
        prompt=f"The next token has the probabilities {listed}. From which tokens does "
        f"top-p (nucleus) sampling with p = {say(limit / 100)} draw?",
        answer=named(kept),
        steps=(
            (
                f"From the largest: {total(shares[place] / 100 for place in kept)} "
                f"= {say(mass / 100)}, the first sum of at least {say(limit / 100)}"
            ),
            f"Kept: {', '.join(names[place] for place in kept)}",
        ),
        distractors=(
            Distractor(
                "the token that crosses p left out: a sum below p", named(kept[:-1])
            ),
            Distractor(
                "one token more after the sum has reached p",
                named(order[: len(kept) + 1]),
            ),
            Distractor(
                "summed in the order of the list, not sorted",
                named(nucleus(list(range(6)))),
            ),
        )
        if kept
        else (),
        given={"names": tuple(names), "shares": tuple(shares), "limit": limit},
    )


def top_k_probability(random: Random) -> Question:
    """A token's probability with temperature and top-k."""
    logits = sorted(random.sample(range(-10, 31), 5), reverse=True)
    scores = [each / 10 for each in logits]
    heat = random.choice((0.5, 0.8, 1.5, 2.0))
    k = random.choice((2, 3))
    asked = random.randrange(k)
    mixed = random.sample(range(5), 5)
    names = "ABCDE"

    def probability(scale: float, kept: int) -> float:
        weights = [math.exp(score * scale) for score in scores]
        return weights[asked] / sum(weights[:kept])

    name = names[mixed.index(asked)]
    shown = ", ".join(
        f"{letter} {say(scores[place])}"
        for letter, place in zip(names, mixed, strict=True)
    )
    weights = [math.exp(score / heat) for score in scores[:k]]
    answer = probability(1 / heat, k)
    return Question(
        prompt=f"The logits of the next token are {shown}. With temperature "
        f"{say(heat)} and top-k sampling with k = {k}, what is the probability that "
        f"{name} is drawn?",
        answer=answer,
        steps=(
            f"Kept: the logits {', '.join(say(score) for score in scores[:k])}",
            (
                f"exp(logit / {say(heat)}): "
                f"{', '.join(say(weight) for weight in weights)}"
            ),
            f"{say(weights[asked])} / ({total(weights)}) = {say(answer)}",
        ),
        distractors=(
            Distractor("the temperature left out", probability(1, k)),
            Distractor(
                "logits multiplied by the temperature instead of divided",
                probability(heat, k),
            ),
            Distractor(
                "not renormalised over the tokens that are kept",
                probability(1 / heat, 5),
            ),
        ),
        given={
            "scores": tuple(scores[place] for place in mixed),
            "heat": heat,
            "k": k,
            "asked": mixed.index(asked),
        },
    )
