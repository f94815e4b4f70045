from hypothesis import example, given
from hypothesis import strategies as st

from dojo.testing import assert_equal, assert_raises_naming
from katas.tokenizer_codebase.tokenizer_basic import Tokenizer

# Specials that begin alike, that hold each other, and that mean something elsewhere.
SPECIALS = ["<e>", "<e>!", "e>", "a+", "|", "(é)", "🙂"]

texts = st.text(max_size=8)
special_lists = st.lists(st.sampled_from(SPECIALS), unique=True, max_size=4)
mixed_texts = st.lists(
    st.sampled_from([*SPECIALS, "<", "e", "aa", "é", " ", "🙂"]), max_size=6
).map("".join)


def _expected(text: str, specials: list[str]) -> list[int]:
    """Encode one character after the other, by looking at every special."""
    ids: list[int] = []
    while text:
        found = [special for special in specials if text.startswith(special)]
        head = max(found, key=len) if found else text[0]
        ids += [256 + specials.index(head)] if found else list(head.encode())
        text = text[len(head) :]
    return ids


@given(texts)
@example("")
@example("hi")
@example("é")
@example("a🙂\x00")
def test_a_text_becomes_its_bytes(text: str) -> None:
    """Without specials the ids are the UTF-8 bytes of the text, and come back as it."""
    tokenizer = Tokenizer()
    ids = tokenizer.encode(text)
    assert_equal(ids, list(text.encode()), "the ids")
    assert_equal(tokenizer.decode(ids), text, "the text decoded again")


@given(special_lists)
@example([])
@example(["<e>"])
@example(["b", "a", "ab"])
def test_specials_follow_the_bytes(specials: list[str]) -> None:
    """Each special is one id, from 256 on in the order given; all count in len."""
    tokenizer = Tokenizer(specials)
    assert_equal(len(tokenizer), 256 + len(specials), "the number of ids")
    for number, special in enumerate(specials, start=256):
        assert_equal(tokenizer.encode(special), [number], f"the ids of {special!r}")
        assert_equal(tokenizer.decode([number]), special, f"the text of {number}")


@given(mixed_texts, special_lists)
@example("a<e>b<e><e>", ["<e>"])
@example("<e>!", ["<e>", "<e>!"])
@example("<e>!", ["e>", "<e>"])
@example("aaa+|b", ["a+", "|"])
def test_specials_are_found_in_a_text(text: str, specials: list[str]) -> None:
    """The first special from the left counts, the longest of those at one place."""
    tokenizer = Tokenizer(specials)
    ids = tokenizer.encode(text)
    assert_equal(ids, _expected(text, specials), "the ids")
    assert_equal(tokenizer.decode(ids), text, "the text decoded again")


@given(st.lists(st.integers(0, 257), max_size=6))
@example([0xC3, 0xA9])
@example([0xFF, 0x61])
@example([0xC3, 256])
@example([0xE2, 0x82])
@example([257, 0x80])
def test_any_ids_have_a_text(ids: list[int]) -> None:
    """The bytes of all ids are joined, and what is no UTF-8 becomes U+FFFD."""
    specials = {256: "é", 257: "<e>"}
    joined = b"".join(
        specials[number].encode() if number in specials else bytes([number])
        for number in ids
    )
    decoded = Tokenizer(["é", "<e>"]).decode(ids)
    assert_equal(decoded, joined.decode(errors="replace"), "the text")


@given(special_lists, st.integers(0, 9))
@example([], 0)
@example(["<e>", "|"], 0)
def test_bad_specials_and_ids_are_refused(specials: list[str], above: int) -> None:
    """A special that is empty or given twice, or a number that is no id, is refused."""
    assert_raises_naming("specials", Tokenizer, [*specials, ""])
    assert_raises_naming("specials", Tokenizer, ["+", *specials, "+"])
    tokenizer = Tokenizer(specials)
    last = 255 + len(specials)
    assert_raises_naming("ids", tokenizer.decode, [97, last + 1 + above])
    assert_raises_naming("ids", tokenizer.decode, [-1 - above, 97])
    # The last byte alone is no UTF-8.
    expected = specials[-1] if specials else "\ufffd"
    assert_equal(tokenizer.decode([last]), expected, "the text of the last id")
