from collections.abc import Sequence
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from dojo.testing import assert_equal, assert_raises_naming
from katas.tokenizer_codebase.tokenizer_encode import Tokenizer

Pair = tuple[int, int]

SPECIALS = ["<e>", "<e><e>", "b("]

# Few letters make many pairs; é is two bytes.
texts = st.text("abcé", max_size=12)
mixed_texts = st.lists(
    st.sampled_from(["a", "b", "ab", "é", "<e>", "("]), max_size=10
).map("".join)
special_lists = st.lists(st.sampled_from(SPECIALS), unique=True, max_size=3)


@st.composite
def merge_lists(draw: st.DrawFn, first: int = 256) -> list[Pair]:
    """Pairs of letters and of what was merged before."""
    merges: list[Pair] = []
    for number in range(first, first + draw(st.integers(0, 6))):
        known = st.sampled_from([97, 98, 99, *range(first, number)])
        merges.append(draw(st.tuples(known, known).filter(lambda p: p not in merges)))
    return merges


def _learned(pieces: list[list[int]], first: int, size: int) -> list[Pair]:
    """Learn merges by looking at every place again for every pair."""
    merges: list[Pair] = []
    for new in range(first, size):
        places = [pair for ids in pieces for pair in pairwise(ids)]
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


def _encoded(text: str, specials: list[str], merges: Sequence[Pair]) -> list[int]:
    """Cut off the special or the piece at the front, apply every merge in turn."""
    ids: list[int] = []
    while text:
        places = [
            place for place in range(len(text)) if _special(text[place:], specials)
        ]
        end = min(places, default=len(text))
        piece = list(text[:end].encode())
        for number, pair in enumerate(merges, start=256 + len(specials)):
            piece = _replaced(piece, pair, number)
        ids += piece
        special = _special(text[end:], specials)
        ids += [256 + specials.index(special)] if special else []
        text = text[end + len(special) :]
    return ids


def _special(text: str, specials: list[str]) -> str:
    found = [special for special in specials if text.startswith(special)]
    return max(found, key=len, default="")


@given(st.sampled_from(["", "a", "c"]), st.sampled_from(["", "c", "b"]))
@example("", "")
def test_the_older_merge_goes_first(before: str, after: str) -> None:
    """With bc learned before ab, abc is a and bc: not ab and c, and not one abc."""
    merges = [(98, 99), (97, 98), (257, 99)]
    tokenizer = Tokenizer(merges=merges)
    assert_equal(tokenizer.merges, tuple(merges), "the merges")
    assert_equal(len(tokenizer), 259, "the number of ids")
    around = [list(before.encode()), list(after.encode())]
    ids = tokenizer.encode(f"{before}abc{after}")
    assert_equal(ids, [*around[0], 97, 256, *around[1]], "the ids of abc")
    assert_equal(tokenizer.encode("ab"), [257], "the ids of ab")
    assert_equal(tokenizer.decode([258]), "abc", "the text of the third merge")


@given(texts, merge_lists())
@example("aaa", [(97, 97)])
@example("aaaaa", [(97, 97), (256, 256)])
@example("abcab", [(97, 98), (256, 99), (257, 256)])
@example("bcabc", [(97, 98), (98, 99)])
@example("bcab", [(97, 98), (98, 99), (99, 97)])
def test_encoding_is_every_merge_in_turn(text: str, merges: list[Pair]) -> None:
    """The ids are what all merges make, one after the other, each from the left."""
    tokenizer = Tokenizer((), merges)
    ids = tokenizer.encode(text)
    assert_equal(ids, _encoded(text, [], merges), "the ids")
    assert_equal(tokenizer.decode(ids), text, "the text decoded again")


@given(mixed_texts, special_lists, st.integers(0, 6))
@example("ababab", [], 6)
@example("ab<e>abb(ab", ["b(", "<e>"], 6)
@example("a<e>ba<e>b", ["<e>"], 6)
@example("<e><e><e>aa<e>aa", ["<e>", "<e><e>"], 2)
def test_the_text_trained_on_becomes_what_training_made(
    text: str, specials: list[str], more: int
) -> None:
    """Encoding goes through the merges that training went through, in each piece."""
    first = 256 + len(specials)
    tokenizer = Tokenizer(specials, [(98, 97), (97, 98)])
    tokenizer.train(text, first + more)
    plain = Tokenizer(specials).encode(text)
    ends = [-1, *(i for i, n in enumerate(plain) if n >= 256), len(plain)]
    pieces = [plain[i + 1 : j] for i, j in pairwise(ends)]
    merges = _learned(pieces, first, first + more)
    assert_equal(tokenizer.merges, tuple(merges), "the merges")
    assert_equal(len(tokenizer), first + len(merges), "the number of ids")
    ids = tokenizer.encode(text)
    assert_equal(ids, _encoded(text, specials, merges), "the ids")
    assert_equal(tokenizer.decode(ids), text, "the text decoded again")


@given(mixed_texts, special_lists, merge_lists(first=259))
@example("a<e>b", SPECIALS, [])
@example("b(abb(ab", SPECIALS, [(97, 98), (98, 40), (259, 260)])
def test_a_text_may_hold_no_specials(
    text: str, specials: list[str], merges: list[Pair]
) -> None:
    """Without specials allowed what looks like one is text, merged as any other."""
    specials = [*specials, *(s for s in SPECIALS if s not in specials)]
    tokenizer = Tokenizer(specials, merges)
    with_specials = _encoded(text, specials, merges)
    assert_equal(tokenizer.encode(text), with_specials, "the ids by default")
    named = tokenizer.encode(text, allow_specials=True)
    assert_equal(named, with_specials, "the ids with specials")
    ids = tokenizer.encode(text, allow_specials=False)
    expected = list(text.encode())
    for number, pair in enumerate(merges, start=259):
        expected = _replaced(expected, pair, number)
    assert_equal(ids, expected, "the ids without specials")
    assert_equal(tokenizer.decode(ids), text, "the text decoded again")


@given(st.text(max_size=8), texts, st.booleans())
@example("é🙂é🙂", "éaéa", True)
@example("<e>", "ab", False)
@example("", "", True)
def test_every_text_comes_back(text: str, trained_on: str, allow: bool) -> None:
    """Whatever was learned, any text is the same after encoding and decoding."""
    tokenizer = Tokenizer(["<e>"])
    tokenizer.train(trained_on + text, 270)
    learned = tokenizer.merges
    other = Tokenizer(["<e>"], learned)
    for whole in (text, trained_on, text + "<e>" + trained_on):
        ids = tokenizer.encode(whole, allow)
        assert_equal(tokenizer.decode(ids), whole, "the text decoded again")
        assert_equal(
            other.encode(whole, allow), ids, "the ids by the merges taken over"
        )


@given(merge_lists(first=258), st.integers(0, 3))
@example([], 0)
@example([(97, 98), (97, 258)], 0)
def test_bad_merges_are_refused(merges: list[Pair], above: int) -> None:
    """Merges need what is there before them; none may hold a special or come twice."""
    specials = ["<e>", "b("]
    new = 258 + len(merges)
    for number in (-1 - above, 256, 257, new + above):
        for pair in ((97, number), (number, 97)):
            assert_raises_naming("merges", Tokenizer, specials, [*merges, pair])
            assert_raises_naming("merges", Tokenizer, specials, [pair, *merges])
    twice = [*merges, (0, 255), (0, 255)]
    assert_raises_naming("merges", Tokenizer, specials, twice)
    fine = [*merges, (0, 255), (new, new)]
    assert_equal(Tokenizer(specials, fine).merges, tuple(fine), "the merges")


@given(mixed_texts, special_lists)
@example("a<e><e>(b(", SPECIALS)
@example("a<e>", [])
def test_levels_1_and_2_go_on_to_hold(text: str, specials: list[str]) -> None:
    """Specials, broken bytes and refusals are as before, trained or not."""
    tokenizer = Tokenizer(specials)
    first = 256 + len(specials)
    assert_equal(tokenizer.encode(text), _encoded(text, specials, []), "the ids")
    assert_equal(tokenizer.decode([0, 255]), "\0\ufffd", "the text of two bytes")
    for bad in ([*specials, ""], ["x", *specials, "x"]):
        assert_raises_naming("specials", Tokenizer, bad)
    assert_raises_naming("vocabulary_size", tokenizer.train, text, first - 1)
    tokenizer.train("abab", first)
    assert_equal(tokenizer.merges, (), "the merges where there is room for none")
    tokenizer.train("abab", first + 1)
    assert_equal(tokenizer.decode([97, first]), "aab", "the text of the new id")
    for number in (-1, first + 1):
        assert_raises_naming("ids", tokenizer.decode, [97, number])
