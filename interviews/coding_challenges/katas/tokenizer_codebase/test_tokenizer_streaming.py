from collections.abc import Sequence
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from dojo.testing import assert_equal, assert_raises_naming
from katas.tokenizer_codebase.tokenizer_streaming import Tokenizer

Pair = tuple[int, int]

SPECIALS = ["<e>", "<e><e>", "b("]

texts = st.text("abéß€🙂\x00\x7f\u07ff\u0800\uffff\U00010000\U0010ffff", max_size=6)
mixed_texts = st.lists(
    st.sampled_from(["a", "b", "ab", "é", "<e>", "("]), max_size=10
).map("".join)
special_lists = st.lists(st.sampled_from(SPECIALS), unique=True, max_size=3)

# Every beginning of a character: the last byte tells 64 neighbours apart.
BEGINNINGS = {
    chr(code).encode()[:size]
    for code in range(0x80, 0x110000, 64)
    if not 0xD800 <= code < 0xE000
    for size in range(1, len(chr(code).encode()))
}

# Ids that hold an A and one to three bytes of a longer character.
ENDS_WITHIN = [(0x41, 0xF0), (258, 0x90), (259, 0x80), (0x41, 0xE2), (261, 0x82)]

# The bytes at the bounds of what UTF-8 allows, two specials, and those.
BOUNDS = "00 41 7f 80 8f 90 9f a0 bf c0 c1 c2 df e0 e1 ec ed ee ef f0 f1 f3 f4 f5 ff"
broken = st.lists(
    st.sampled_from([*bytes.fromhex(BOUNDS), *range(256, 263)]), min_size=1, max_size=8
)


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


@given(texts)
@example("a")
@example("é")
@example("€b")
@example("🙂🙂")
def test_a_character_comes_with_its_last_byte(text: str) -> None:
    """Byte by byte, a character comes out when it is whole, and not a byte later."""
    stream = Tokenizer().stream()
    for character in text:
        *begun, last = character.encode()
        for byte in begun:
            assert_equal(stream.push(byte), "", f"the answer within {character!r}")
        assert_equal(stream.push(last), character, f"the answer at {character!r}")
    assert_equal(stream.flush(), "", "what was held back")


@given(texts, st.integers(0, 8))
@example("🙂🙂", 3)
@example("€€", 1)
@example("€€", 2)
@example("éaéa", 1)
def test_ids_may_end_within_a_character(text: str, more: int) -> None:
    """With merges an id ends anywhere; what is whole comes out, the rest waits."""
    tokenizer = Tokenizer(["<e>"])
    tokenizer.train(text + text, 257 + more)
    stream = tokenizer.stream()
    answers, seen = [], 0
    for number in tokenizer.encode(text):
        answers.append(stream.push(number))
        seen += _size(number, tokenizer.merges)
        whole = text.encode()[:seen].decode(errors="ignore")
        assert_equal("".join(answers), whole, "the text so far")
    assert_equal("".join(answers), text, "the text")
    assert_equal(stream.flush(), "", "what was held back")


def _size(number: int, merges: Sequence[Pair]) -> int:
    if number < 256:
        return 1
    return sum(_size(part, merges) for part in merges[number - 257])


@given(broken)
@example([0x80, 0x41])
@example([0xC3, 0x41])
@example([0xC3, 0xC3, 0xA9])
@example([0xE2, 0x82, 256])
@example([0xE0, 0x80, 0x41])
@example([0xED, 0xA0, 0x41])
@example([0xED, 0x9F, 0xBF])
@example([0xE0, 0xA0, 0x80])
@example([0xF0, 0x8F, 0x41])
@example([0xF0, 0x90, 0x80, 0x80])
@example([0xF4, 0x90, 0x41])
@example([0xF4, 0x8F, 0xBF, 0xBF])
@example([0xC1, 0xF5, 0xFF])
@example([0xF0, 0x90, 0x80])
@example([258, 0x90, 0x41])
@example([259, 0x80, 0x80])
@example([260, 0x80])
@example([262, 0xAC])
def test_what_is_broken_comes_as_soon_as_it_is_certain(ids: list[int]) -> None:
    """U+FFFD comes when no later byte can help; all texts joined are decode(ids)."""
    tokenizer = Tokenizer(["é", "<e>"], ENDS_WITHIN)
    tokens = dict(enumerate(["é".encode(), b"<e>"], start=256))
    tokens |= {number: b"A\xf0\x90\x80"[: number - 256] for number in (258, 259, 260)}
    tokens |= {261: b"A\xe2", 262: b"A\xe2\x82"}
    stream = tokenizer.stream()
    data, text = b"", ""
    for number in ids:
        data += tokens.get(number, bytes([number % 256]))
        text += stream.push(number)
        waits = next((n for n in (1, 2, 3) if data[-n:] in BEGINNINGS), 0)
        certain = data[: len(data) - waits].decode(errors="replace")
        assert_equal(text, certain, f"the text up to {number}")
    text += stream.flush()
    assert_equal(text, data.decode(errors="replace"), "the text with what waited")
    assert_equal(text, tokenizer.decode(ids), "all texts joined")


@given(st.sampled_from(["é", "€", "🙂"]), st.integers(1, 3), st.booleans())
@example("🙂", 3, True)
@example("é", 1, False)
def test_flush_ends_the_text(character: str, size: int, twice: bool) -> None:
    """What was begun comes out as one U+FFFD, and the stream begins again."""
    stream = Tokenizer().stream()
    assert_equal(stream.flush(), "", "the answer of an empty stream")
    begun = character.encode()[:-1][:size]
    for byte in begun:
        assert_equal(stream.push(byte), "", "the answer to a byte")
    assert_equal(stream.flush(), "\ufffd", "what was held back")
    if twice:
        assert_equal(stream.flush(), "", "the second flush")
    rest = [stream.push(byte) for byte in character.encode()]
    assert_equal("".join(rest), character, "the text after a flush")


@given(texts, texts)
@example("é", "🙂")
def test_streams_know_nothing_of_each_other(first: str, second: str) -> None:
    """Two streams of one tokenizer, in turns, give each its own text."""
    tokenizer = Tokenizer()
    streams = [tokenizer.stream(), tokenizer.stream()]
    data = [first.encode(), second.encode()]
    answers = ["", ""]
    for place in range(max(map(len, data))):
        for which in (0, 1):
            for byte in data[which][place : place + 1]:
                answers[which] += streams[which].push(byte)
    assert_equal(answers, [first, second], "the texts of the two streams")


@given(st.sampled_from(["é", "€", "🙂"]), st.integers(0, 300))
@example("é", 0)
@example("🙂", 1)
def test_a_bad_number_is_refused(character: str, above: int) -> None:
    """A number that is no id is refused, and what was held back is still there."""
    tokenizer = Tokenizer(["<e>"], [(97, 98)])
    stream = tokenizer.stream()
    *begun, last = character.encode()
    for byte in begun:
        stream.push(byte)
    for number in (258 + above, -1 - above):
        assert_raises_naming("number", stream.push, number)
    assert_equal(stream.push(last), character, "the answer after the refusal")
    texts_of = [stream.push(number) for number in (0, 256, 257)]
    assert_equal(texts_of, ["\0", "<e>", "ab"], "the answers")


@given(mixed_texts, special_lists, st.integers(0, 6))
@example("a<e><e>(b(", SPECIALS, 0)
@example("ababab<e>ab", [], 6)
@example("ab<e>abb(ab", ["b(", "<e>"], 6)
@example("aabaa", [], 2)
@example("bbbaaa", [], 3)
@example("<e><e><e>aa<e>aa", ["<e>", "<e><e>"], 2)
def test_encoding_and_training_go_on_to_hold(
    text: str, specials: list[str], more: int
) -> None:
    """Specials, merges learned or taken over, and their order are as before."""
    first = 256 + len(specials)
    tokenizer = Tokenizer(specials)
    plain = tokenizer.encode(text)
    assert_equal(plain, _encoded(text, specials, []), "the ids before training")
    ends = [-1, *(i for i, n in enumerate(plain) if n >= 256), len(plain)]
    pieces = [plain[i + 1 : j] for i, j in pairwise(ends)]
    merges = _learned(pieces, first, first + more)
    tokenizer = Tokenizer(specials, [(98, 99), (97, 98)])
    around = [97, first]
    assert_equal(tokenizer.encode("abc"), around, "the ids with bc learned before ab")
    tokenizer.train(text, first + more)
    assert_equal(tokenizer.merges, tuple(merges), "the merges")
    assert_equal(len(tokenizer), first + len(merges), "the number of ids")
    ids = tokenizer.encode(text)
    assert_equal(ids, _encoded(text, specials, merges), "the ids")
    assert_equal(tokenizer.decode(ids), text, "the text decoded again")
    expected = list(text.encode())
    for number, pair in enumerate(merges, start=first):
        expected = _replaced(expected, pair, number)
    ids = tokenizer.encode(text, allow_specials=False)
    assert_equal(ids, expected, "the ids without specials")


@given(special_lists)
@example([])
@example(SPECIALS)
def test_refusals_go_on_to_hold(specials: list[str]) -> None:
    """What the levels before refuse is refused, at just the same bounds."""
    first = 256 + len(specials)
    for bad in ([*specials, ""], ["x", *specials, "x"]):
        assert_raises_naming("specials", Tokenizer, bad)
    for number in (-1, 256, first + 1):
        assert_raises_naming("merges", Tokenizer, ["y", *specials], [(97, number)])
    assert_raises_naming("merges", Tokenizer, specials, [(97, 98), (97, 98)])
    merges = [(0, 255), (first, 0), (first + 1, first)]
    tokenizer = Tokenizer(specials, merges)
    assert_equal(tokenizer.merges, tuple(merges), "the merges")
    assert_raises_naming("vocabulary_size", tokenizer.train, "ab", first - 1)
    assert_equal(tokenizer.merges, tuple(merges), "the merges after the refusal")
    assert_equal(tokenizer.decode([0, 255]), "\0\ufffd", "the text of two bytes")
    for number in (-1, first + 3):
        assert_raises_naming("ids", tokenizer.decode, [97, number])
    tokenizer.train("abab", first)
    assert_equal(tokenizer.merges, (), "the merges where there is room for none")
