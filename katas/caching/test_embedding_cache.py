import hashlib
import json
import zlib
from collections.abc import Callable, Sequence

import numpy as np
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dojo.testing import (
    assert_dtype,
    assert_equal,
    assert_holds,
    assert_raises_naming,
    assert_shape,
)
from dojo.testing.stateful import step
from dojo.testing.threads import (
    Gate,
    Team,
    VisitedText,
    all_at_once,
    run_inside,
    run_together,
)
from katas.caching.embedding_cache import EmbeddingCache
from reference.production import caching

Array = NDArray[np.floating]
# At so many points of a call another one comes in, up to its claim and beyond.
TURNS = range(8)

texts = st.sampled_from(["a", "b", "ab", "", "é", "e\u0301", "a" * 300])
batches = st.lists(texts, max_size=6)
dtypes = st.sampled_from(["float16", "float32", "float64"])


class Store:
    """A backend that keeps JSON, or refuses to, and notes lifetimes."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.kept: dict[str, str] = {}
        self.lifetimes: list[float | None] = []
        self.refuses = refuses
        self.meanwhile: Callable[[], object] = lambda: None

    def __repr__(self) -> str:
        return "store"

    def get(self, key: str, default: object = None) -> object:
        return json.loads(self.kept[key]) if key in self.kept else default

    def set(self, key: str, value: object, ttl: float | None = None) -> bool:
        try:
            text = json.dumps(value, allow_nan=False)
        except (TypeError, ValueError):
            text = "null"
        same = json.loads(text) == value
        assert_holds(same, "what is stored is what JSON can carry", actual=value)
        if not self.refuses:
            self.kept[key] = text
            self.lifetimes.append(ttl)
        self.meanwhile()
        return not self.refuses


class Embedder:
    """Gives each text a vector of its own, and notes what it was asked for."""

    def __init__(self, gate: Gate | None = None) -> None:
        self.asked: list[list[str]] = []
        self.gate = gate or Gate(is_open=True)

    def __repr__(self) -> str:
        return "embed"

    def __call__(self, texts: list[str]) -> Array:
        self.asked.append([str(text) for text in texts])
        self.gate.enter()
        return vectors_of(texts)


class Broken(Embedder):
    """Fails, once it has been let in."""

    error = OSError("the model is gone")

    def __call__(self, texts: list[str]) -> Array:
        super().__call__(texts)
        raise self.error


def vectors_of(texts: Sequence[str]) -> Array:
    """Return different vectors for different texts, shape (n, 2), all exact."""
    sums = [[zlib.crc32(text.encode()), len(text)] for text in texts]
    return np.array(sums, dtype=np.float64).reshape(-1, 2)


def assert_bits(actual: object, expected: Array, what: str) -> None:
    """Check that shape, dtype and every bit are the same."""
    assert_shape(actual, expected.shape, what)
    assert_dtype(actual, expected.dtype, what)
    assert_equal(actual, expected, what)
    # Equal NaN may carry different payloads, and 0.0 equals −0.0.
    got, wanted = np.asarray(actual).tobytes(), expected.tobytes()
    assert_equal(got.hex(), wanted.hex(), f"the bytes of {what}")


def assert_embedded(actual: object, texts: Sequence[str]) -> None:
    """Check the answer for a batch; what a thread raised is raised again."""
    if isinstance(actual, Exception):
        raise actual
    assert_bits(actual, vectors_of(texts), "the embeddings")


def ask(cache: EmbeddingCache, texts: list[str], embed: Embedder) -> None:
    """Check one more call, in a thread, since it might wait without end."""
    (answer,) = run_together([lambda: cache.get_or_compute(texts, embed)])
    assert_embedded(answer, texts)


def begin(cache: EmbeddingCache, texts: list[str], embed: Embedder) -> Team[object]:
    """Begin a call in a thread and wait until it is within ``embed``."""
    team: Team[object] = Team([lambda: cache.get_or_compute(texts, embed)])
    embed.gate.wait_for(1)
    return team


@st.composite
def patterns(draw: st.DrawFn) -> Array:
    """Return a vector of any bits at all: NaN of every payload, −0.0, subnormals."""
    dtype = np.dtype(draw(dtypes))
    size = draw(st.integers(0, 4)) * dtype.itemsize
    data = draw(st.binary(min_size=size, max_size=size))
    return np.frombuffer(data, dtype).copy()


@given(texts, patterns(), st.booleans())
@example("a", np.array([0.1, 1.0], dtype=np.float32), False)
@example("a", np.array([-0.0, 0.0], dtype=np.float16), False)
@example("a", np.array([0x7FF0000000000ABC, 1], dtype=np.uint64).view(float), True)
@example("a", np.array([1.0, np.nan, np.inf, -np.inf]), True)
def test_what_is_set_is_got_bit_for_bit(text: str, vector: Array, gaps: bool) -> None:
    """An embedding comes back in its dtype with every bit, however it lay in memory."""
    store = Store()
    cache = EmbeddingCache(store)
    assert_equal(cache.get(text), None, "the embedding before")
    given = np.repeat(vector, 2)[::2] if gaps else vector
    assert_equal(cache.set(text, given), True, "the answer of set")
    assert_bits(EmbeddingCache(store).get(text), vector, "the embedding")
    found = cache.get_or_compute([text, text], Broken())
    assert_bits(found, np.stack([vector, vector]), "the embeddings of a batch")


@given(batches, batches)
@example(["a", "b", "a"], [])
@example(["b", "a", "b", "ab"], ["a"])
@example(["a"], ["a"])
@example(["é", "e\u0301"], ["é"])
def test_each_missing_text_is_asked_for_once(
    batch: list[str], known: list[str]
) -> None:
    """The function gets the distinct missing texts in order, and only if there are."""
    store, embed = Store(), Embedder()
    cache = EmbeddingCache(store)
    twin: caching.EmbeddingCache = caching.EmbeddingCache()
    if known:
        cache.get_or_compute(known, embed)
        twin.get_or_compute(known, vectors_of)
    embed.asked.clear()
    missing = [text for text in dict.fromkeys(batch) if text not in known]
    got = cache.get_or_compute(batch, embed)
    assert_bits(got, twin.get_or_compute(batch, vectors_of), "the embeddings")
    assert_equal(embed.asked, [missing] if missing else [], "what was asked for")
    ask(EmbeddingCache(store), batch, embed) if batch else None
    assert_equal(
        len(embed.asked), bool(missing) + 0, "the number of calls, asked again"
    )


def test_no_texts_give_no_rows() -> None:
    """Without texts the shape is (0, 0), and nothing is computed."""
    embed = Embedder()
    got = EmbeddingCache(Store()).get_or_compute([], embed)
    assert_shape(got, (0, 0))
    assert_equal(embed.asked, [], "what was asked for")


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=3), dtypes)
@example([0.5], "float16")
def test_rows_may_come_in_any_form(row: list[float], dtype: str) -> None:
    """Rows may be nested lists or an array of any layout, and keep their dtype."""
    want = np.array([row, row[::-1]], dtype=dtype)
    forms = [want, np.asfortranarray(want), np.repeat(want, 2, axis=1)[:, ::2]]
    forms += [want.astype(np.float64).tolist()] if dtype == "float64" else []
    for form in forms:
        store = Store()
        got = EmbeddingCache(store).get_or_compute(["a", "b"], lambda _, f=form: f)
        assert_bits(got, want, "the embeddings")
        again = EmbeddingCache(store).get_or_compute(["b", "a"], Broken())
        assert_bits(again, want[::-1].copy(), "the embeddings, asked again")


@given(texts, st.sampled_from(["sha256", "sha1", "md5", "blake2b", "sha3_512"]))
@example("a" * 300, "sha256")
@example("é", "md5")
def test_the_key_is_a_digest_of_the_text(text: str, algorithm: str) -> None:
    """Keys end with the hex digest of the exact text, and are short for long texts."""
    store = Store()
    EmbeddingCache(store, algorithm).set(text, np.zeros(2))
    (key,) = store.kept
    digest = hashlib.new(algorithm, text.encode()).hexdigest()
    claim = "the key in the backend ends with the digest of the text"
    assert_holds(key.endswith(digest), claim, actual=key, expected=f"…{digest}")
    other = Store()
    EmbeddingCache(other).set(text, np.zeros(2))
    digest = hashlib.sha256(text.encode()).hexdigest()
    (key,) = other.kept
    assert_holds(key.endswith(digest), "the default is sha256", actual=key)
    assert_holds(len(key) < 200, "the key is short", actual=key)


@given(st.sampled_from([None, 0.5, 60.0]), st.booleans())
@example(60.0, False)
@example(None, True)
def test_lifetimes_and_refusals_are_the_backends(ttl: float | None, no: bool) -> None:
    """The backend gets ttl with each embedding, and its answer is the answer of set."""
    store = Store(refuses=no)
    cache = EmbeddingCache(store)
    assert_equal(cache.set("a", np.ones(2), ttl), not no, "the answer of set")
    assert_equal(cache.set("a", np.ones(2)), not no, "the answer of set")
    embed = Embedder()
    for _ in range(2):
        assert_embedded(cache.get_or_compute(["b", "c"], embed, ttl), ["b", "c"])
    assert_equal(len(embed.asked), 2 if no else 1, "the number of calls")
    expected = [] if no else [ttl, None, ttl, ttl]
    assert_equal(store.lifetimes, expected, "the lifetimes that the backend got")


def test_answers_are_the_callers_own() -> None:
    """To write to what was returned or handed over changes no later answer."""
    store = Store()
    cache = EmbeddingCache(store)
    mine = np.ones(2)
    cache.set("a", mine)
    mine[:] = 7.0
    for _ in range(2):
        got = cache.get("a")
        assert_bits(got, np.ones(2), "the embedding of 'a'")
        got[:] = 8.0
    for _ in range(3):
        batch = cache.get_or_compute(["b", "c"], vectors_of)
        assert_embedded(batch, ["b", "c"])
        batch[:] = 9.0
    buffer = vectors_of(["d", "e"])
    # Another thread lets the same model embed, while this one is storing.
    store.meanwhile = lambda: buffer.fill(0.0)
    step("# embed returns a buffer, and uses it again while rows are stored")

    def embed(texts: list[str]) -> Array:
        del texts
        return buffer

    cache.get_or_compute(["d", "e"], embed)
    assert_embedded(cache.get_or_compute(["d", "e"], Broken()), ["d", "e"])


def test_a_failure_stores_nothing() -> None:
    """What the function raises passes through, and a later call computes anew."""
    store, embed, broken = Store(), Embedder(), Broken()
    cache = EmbeddingCache(store)
    cache.get_or_compute(["a"], embed)
    for _ in range(2):
        (error,) = run_together([lambda: cache.get_or_compute(["a", "b", "c"], broken)])
        claim = "the caller gets what its function has raised"
        assert_holds(error is broken.error, claim, actual=error)
    assert_equal(broken.asked, [["b", "c"]] * 2, "what was asked for")
    assert_equal(len(store.kept), 1, "the number of stored embeddings")
    assert_equal(cache.get("b"), None, "the embedding of 'b'")
    ask(cache, ["c", "b", "a"], embed)
    assert_equal(embed.asked, [["a"], ["c", "b"]], "what was asked for")


def test_wrong_rows_are_refused() -> None:
    """Another number of rows than of missing texts is refused, and nothing stored."""
    store, embed = Store(), Embedder()
    cache = EmbeddingCache(store)
    cache.set("known", vectors_of(["known"])[0])
    one, three = np.ones((1, 2)), np.ones((3, 2))
    for rows in (one, three, [], [1.0, 2.0], 1.0, np.ones((2, 2, 2)), np.ones((0, 2))):
        step(f"# embed returns {rows!r}")

        def call(rows: object = rows) -> None:
            batch = ["a", "known", "b"]
            assert_raises_naming(
                "embed_fn", cache.get_or_compute, batch, lambda _: rows
            )

        for answer in run_together([call]):
            assert_equal(answer, None, "the refusal")
        assert_equal(len(store.kept), 1, "the number of stored embeddings")
    ask(cache, ["b", "a", "known"], embed)
    assert_equal(embed.asked, [["b", "a"]], "what was asked for")


@settings(max_examples=5)
@given(st.integers(2, 5))
@example(4)
def test_threads_that_miss_together_compute_once(number: int) -> None:
    """One thread computes, and the others wait for it and get arrays of their own."""
    embed = Embedder(Gate())
    found = miss_together(EmbeddingCache(Store()), embed, number)
    assert_equal(embed.asked, [["a", "b"]], "what was asked for")
    for answer in found:
        answer[:] = 0.0
    shared = [np.shares_memory(found[0], answer) for answer in found[1:]]
    assert_holds(not any(shared), "every thread has an array of its own")


def test_those_who_wait_need_no_backend() -> None:
    """Who waited gets the embedding even where the backend refuses to store it."""
    for _ in range(5):
        embed = Embedder(Gate())
        miss_together(EmbeddingCache(Store(refuses=True)), embed, 3)
        # On a busy machine a thread may come too late to wait, now and then.
        if len(embed.asked) == 1:
            break
    assert_equal(embed.asked, [["a", "b"]], "what was asked for")


def miss_together(cache: EmbeddingCache, embed: Embedder, number: int) -> list[Array]:
    """Ask for a batch in several threads while one computes; return the answers."""
    batch = ["a", "b", "a"]
    step(f"# {number} threads at once:")
    owner = begin(cache, batch, embed)
    team = Team([lambda: cache.get_or_compute(batch, embed)] * (number - 1))
    team.settle()
    embed.gate.open()
    found = owner.join() + team.join()
    for answer in found:
        assert_embedded(answer, batch)
    return found


def test_other_texts_do_not_wait() -> None:
    """While one text is computed, others are computed and found."""
    first, second, embed = Embedder(Gate()), Embedder(Gate()), Embedder()
    cache = EmbeddingCache(Store())
    cache.get_or_compute(["known"], embed)
    step("# while 'a' is computed:")
    owner = begin(cache, ["a"], first)
    other = begin(cache, ["b"], second)
    ask(cache, ["known"], embed)
    ask(cache, ["c"], embed)
    first.gate.open()
    assert_embedded(owner.join()[0], ["a"])
    second.gate.open()
    assert_embedded(other.join()[0], ["b"])


def test_a_batch_computes_only_what_nobody_does() -> None:
    """Of a batch only those texts are computed that no other call is computing."""
    held, embed = Embedder(Gate()), Embedder()
    cache = EmbeddingCache(Store())
    cache.get_or_compute(["known"], embed)
    step("# while 'a' and 'b' are computed:")
    owner = begin(cache, ["a", "b"], held)
    batch = ["d", "b", "known", "c", "d"]
    team = Team([lambda: cache.get_or_compute(batch, embed)])
    team.settle()
    held.gate.open()
    assert_embedded(team.join()[0], batch)
    assert_embedded(owner.join()[0], ["a", "b"])
    assert_equal(embed.asked, [["known"], ["d", "c"]], "what was asked for")


def test_after_a_failure_those_who_waited_try() -> None:
    """The failure is its own caller's; of those who waited one computes for all."""
    broken, embed = Broken(Gate()), Embedder()
    store = Store()
    cache = EmbeddingCache(store)
    step("# a call that will fail, and three that wait for it:")
    owner = begin(cache, ["a", "b"], broken)
    team = Team([lambda: cache.get_or_compute(["b", "a"], embed)] * 3)
    team.settle()
    broken.gate.open()
    found = team.join()
    claim = "the caller gets what its function has raised"
    assert_holds(owner.join()[0] is broken.error, claim)
    for answer in found:
        assert_embedded(answer, ["b", "a"])
    computed = sorted(text for texts in embed.asked for text in texts)
    assert_equal(computed, ["a", "b"], "what was computed after the failure")
    ask(cache, ["a", "b"], broken)


@given(st.permutations(["a", "b", "c"]), st.permutations(["a", "b", "c"]))
@settings(max_examples=5)
@example(["a", "c", "b"], ["b", "c", "a"])
def test_overlapping_batches_never_block(one: list[str], other: list[str]) -> None:
    """Batches that overlap in opposite orders end, with each text computed once."""
    held, embed = Embedder(Gate()), Embedder()
    cache = EmbeddingCache(Store())
    step("# while 'c' is computed, two batches in different orders:")
    owner = begin(cache, ["c"], held)
    team = Team([lambda: cache.get_or_compute(one, embed)])
    team.settle()
    second = Team([lambda: cache.get_or_compute(other, embed)])
    second.settle()
    held.gate.open()
    assert_embedded(team.join()[0], one)
    assert_embedded(second.join()[0], other)
    assert_embedded(owner.join()[0], ["c"])
    computed = sorted(text for texts in embed.asked for text in texts)
    assert_equal(computed, ["a", "b"], "what was computed beside 'c'")


def at_each_turn(function: Callable[[int], None]) -> Callable[[int], None]:
    """Run a property at each turn, as an example of its own."""
    function = settings(phases=[Phase.explicit])(given(st.integers())(function))
    for turn in reversed(TURNS):
        function = example(turn)(function)
    return function


@at_each_turn
def test_two_calls_never_claim_the_same_text(turn: int) -> None:
    """Wherever in a call another one begins, the text is computed once."""
    embed, progress = Embedder(Gate()), Gate(is_open=True)
    cache = EmbeddingCache(Store())
    step("# two threads at once:")

    def embed_for_first(texts: list[str]) -> Array:
        progress.enter()
        return embed(texts)

    def begin_second() -> Team[object]:
        second: Team[object] = Team([lambda: cache.get_or_compute(["a"], embed)])
        second.settle()
        progress.enter()
        return second

    def ask_first() -> tuple[object, Team[object]]:
        text = VisitedText("a")
        return run_inside(
            lambda: cache.get_or_compute([text], embed_for_first), begin_second, turn
        )

    team = Team([ask_first])
    progress.wait_for(1)
    team.settle()
    embed.gate.open()
    (answers,) = team.join()
    if isinstance(answers, Exception):
        raise answers
    first, second = answers
    for answer in (first, second.join()[0]):
        assert_embedded(answer, ["a"])
    assert_equal(embed.asked, [["a"]], "what was asked for")


@at_each_turn
def test_a_call_may_end_while_another_begins(turn: int) -> None:
    """Wherever in a call the one before it ends, the text is not computed again."""
    held, embed = Embedder(Gate()), Embedder()
    cache = EmbeddingCache(Store())
    step("# a call that ends while another one begins:")
    owner = begin(cache, ["a"], held)

    def end() -> object:
        held.gate.open()
        return owner.join()[0]

    def ask_meanwhile() -> tuple[object, object]:
        text = VisitedText("a")
        return run_inside(lambda: cache.get_or_compute([text], embed), end, turn)

    team = Team([ask_meanwhile])
    team.settle()
    held.gate.open()
    (answers,) = team.join()
    if isinstance(answers, Exception):
        raise answers
    for answer in answers:
        assert_embedded(answer, ["a"])
    assert_equal(embed.asked, [], "what was computed again")


def test_many_threads_compute_each_text_once() -> None:
    """Six threads with overlapping batches compute every text exactly once."""
    cache, embed = EmbeddingCache(Store()), Embedder()
    names = [f"text {number}" for number in range(40)]

    def work(number: int) -> None:
        for turn in range(12):
            start = (7 * turn + 3 * number) % 36
            batch = names[start : start + 4]
            batch = batch[::-1] if number % 2 else batch
            assert_embedded(cache.get_or_compute(batch, embed), batch)

    all_at_once(work, 6)
    computed = [text for texts in embed.asked for text in texts]
    twice = sorted({text for text in computed if computed.count(text) > 1})
    assert_equal(twice, [], "the texts that were computed twice")


def test_bad_arguments_are_refused() -> None:
    """A single text, an unknown algorithm and an embedding of another shape raise."""
    store = Store()
    assert_raises_naming("hash_algorithm", EmbeddingCache, store, "sha257")
    cache = EmbeddingCache(store)
    for text in ("abc", "a", ""):
        assert_raises_naming(
            "texts", cache.get_or_compute, text, Embedder(), error=TypeError
        )
    for bad in (np.ones((1, 2)), 1.0, np.ones((2, 1)), [[1.0]]):
        assert_raises_naming("embedding", cache.set, "a", bad)
    assert_equal(store.kept, {}, "what the backend holds")
    assert_equal(cache.set("a", [1.0, 2.0]), True, "the answer of set")
    assert_bits(cache.get("a"), np.array([1.0, 2.0]), "the embedding")
