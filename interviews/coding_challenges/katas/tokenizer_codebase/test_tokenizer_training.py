from hypothesis import example, given
from hypothesis import strategies as st

from dojo.testing import assert_equal, assert_raises_naming
from katas.tokenizer_codebase.tokenizer_training import Tokenizer

Pair = tuple[int, int]

# Few letters make many pairs and ties; é is two bytes.
texts = st.text("abé", max_size=14)
mixed_texts = st.lists(st.sampled_from(["a", "b", "ab", "<e>", "é"]), max_size=10).map(
    "".join
)
special_lists = st.sampled_from([[], ["<e>"], ["<e>", "é"]])


def _expected(pieces: list[list[int]], first: int, size: int) -> list[Pair]:
    """Learn merges by looking at every place again for every pair."""
    merges: list[Pair] = []
    for new in range(first, size):
        places = [(ids[i], ids[i + 1]) for ids in pieces for i in range(len(ids[:-1]))]
        ranked = sorted((-places.count(pair), pair) for pair in set(places))
        if not ranked or ranked[0][0] > -2:
            break
        merges.append(ranked[0][1])
        pieces = [_replaced(ids, ranked[0][1], new) for ids in pieces]
    return merges


def _replaced(ids: list[int], pair: Pair, new: int) -> list[int]:
    for i in range(len(ids)):
        if tuple(ids[i : i + 2]) == pair:
            return [*ids[:i], new, *_replaced(ids[i + 2 :], pair, new)]
    return ids


def _bytes(number: int, merges: list[Pair], specials: list[str]) -> bytes:
    if number < 256:
        return bytes([number])
    if number < 256 + len(specials):
        return specials[number - 256].encode()
    parts = merges[number - 256 - len(specials)]
    return b"".join(_bytes(part, merges, specials) for part in parts)


def _pieces(text: str, specials: list[str]) -> list[list[int]]:
    for special in specials:
        text = text.replace(special, "\0")
    return [list(piece.encode()) for piece in text.split("\0")]


@given(st.integers(0, 4), special_lists)
@example(4, [])
@example(2, [])
@example(3, ["<e>"])
def test_a_worked_example(more: int, specials: list[str]) -> None:
    """From aaabdaaabac the merges learned are aa, then ab, then the two together."""
    tokenizer = Tokenizer(specials)
    assert_equal(tokenizer.merges, (), "the merges before training")
    first = 256 + len(specials)
    answer = tokenizer.train("aaabdaaabac", first + more)
    assert_equal(answer, None, "the answer of train")
    learned = ((97, 97), (97, 98), (first, first + 1))
    assert_equal(tokenizer.merges, learned[:more], "the merges")
    assert_equal(len(tokenizer), first + min(more, 3), "the number of ids")


@given(texts, st.integers(0, 6))
@example("aabb", 6)
@example("abab", 1)
@example("baba", 1)
@example("aaa", 3)
@example("bbbaaa", 3)
@example("aabaa", 2)
@example("aaaa", 2)
@example("bcbcab", 1)
@example("babbab", 6)
@example("", 3)
def test_the_most_frequent_pair_is_next(text: str, more: int) -> None:
    """The highest count wins, the smallest ids among equals; a count of one is none."""
    tokenizer = Tokenizer()
    tokenizer.train(text, 256 + more)
    expected = _expected([list(text.encode())], 256, 256 + more)
    assert_equal(tokenizer.merges, tuple(expected), "the merges")


@given(mixed_texts, special_lists, st.integers(0, 6))
@example("ab<e>ab", ["<e>"], 6)
@example("a<e>ba<e>b", ["<e>"], 6)
@example("<e><e><e>", ["<e>"], 6)
@example("<e><e><e>", [], 6)
@example("abéabéaé", ["<e>", "é"], 6)
def test_specials_take_no_part(text: str, specials: list[str], more: int) -> None:
    """A special is in no pair, and the texts around it are no neighbours."""
    tokenizer = Tokenizer(specials)
    first = 256 + len(specials)
    tokenizer.train(text, first + more)
    expected = _expected(_pieces(text, specials), first, first + more)
    assert_equal(tokenizer.merges, tuple(expected), "the merges")
    for number, special in enumerate(specials, start=256):
        assert_equal(tokenizer.encode(special), [number], f"the ids of {special!r}")


@given(mixed_texts, special_lists)
@example("aaabdaaabac", [])
@example("éabéab", ["<e>"])
@example("aéaéaé", [])
def test_a_new_id_stands_for_its_parts(text: str, specials: list[str]) -> None:
    """The bytes of a new id are those of its first part and then of its second."""
    tokenizer = Tokenizer(specials)
    first = 256 + len(specials)
    tokenizer.train(text, first + 5)
    merges = list(tokenizer.merges)
    assert_equal(len(tokenizer), first + len(merges), "the number of ids")
    for number in range(254, len(tokenizer)):
        whole = _bytes(number, merges, specials).decode(errors="replace")
        assert_equal(tokenizer.decode([number]), whole, f"the text of {number}")
    assert_raises_naming("ids", tokenizer.decode, [first + len(merges)])
    assert_equal(tokenizer.decode(tokenizer.encode(text)), text, "text, there and back")


@given(texts, texts)
@example("abab", "bbbb")
@example("abab", "")
def test_training_again_begins_anew(before: str, text: str) -> None:
    """The merges depend on the last text only, and are the same every time."""
    used, fresh = Tokenizer(["<e>"]), Tokenizer(["<e>"])
    used.train(before, 262)
    fresh.train(text, 260)
    used.train(text, 260)
    assert_equal(used.merges, fresh.merges, "the merges")
    assert_equal(len(used), len(fresh), "the number of ids")
    for number in range(255, len(fresh)):
        expected = fresh.decode([number])
        assert_equal(used.decode([number]), expected, f"the text of {number}")


@given(special_lists, st.integers(1, 300))
@example([], 1)
@example(["<e>", "é"], 1)
def test_a_vocabulary_below_the_base_is_refused(
    specials: list[str], below: int
) -> None:
    """There must be room for bytes and specials; just that is enough, for no merge."""
    tokenizer = Tokenizer(specials)
    base = 256 + len(specials)
    tokenizer.train("abab", base + 1)
    assert_raises_naming("vocabulary_size", tokenizer.train, "bbb", base - below)
    assert_equal(tokenizer.merges, ((97, 98),), "the merges after the refusal")
    assert_equal(len(tokenizer), base + 1, "the number of ids after the refusal")
    tokenizer.train("abab", base)
    assert_equal(tokenizer.merges, (), "the merges where there is room for none")


@given(mixed_texts, st.permutations(["<e>", "<e><e>", "b", "("]))
@example("a<e><e>(b", ["<e>", "<e><e>", "b", "("])
@example("a<e><e>(b", ["<e><e>", "<e>", "b", "("])
def test_level_1_goes_on_to_hold(text: str, specials: list[str]) -> None:
    """Specials are found, the longest first; bad specials and ids are refused."""
    tokenizer = Tokenizer(specials)
    ids = tokenizer.encode(text)
    rest, longest, short = text, specials.index("<e><e>"), specials.index("<e>")
    rest = rest.replace("<e><e>", chr(0x100 + longest))
    rest = rest.replace("<e>", chr(0x100 + short))
    for number, special in enumerate(specials, start=0x100):
        rest = rest.replace(special, chr(number))
    # The é is the only other character, and it is below 256.
    expected = [n for c in rest for n in ([ord(c)] if c > "\xff" else c.encode())]
    assert_equal(ids, expected, "the ids")
    assert_equal(tokenizer.decode(ids), text, "the text decoded again")
    assert_equal(tokenizer.decode([0, 255]), "\0\ufffd", "the text of two bytes")
    for bad in ("", "<e>"):
        assert_raises_naming("specials", Tokenizer, [*specials, bad])
    for number in (-1, len(specials) + 256):
        assert_raises_naming("ids", tokenizer.decode, [number])
