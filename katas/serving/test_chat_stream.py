import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from dojo.testing import assert_equal, assert_holds
from dojo.testing.events import Event, EventParser, parse_events
from dojo.testing.http import Answer, Client, StreamedAnswer, assert_status, new_input
from dojo.testing.loops import START, in_virtual_time, now, run_virtual, settle
from katas.serving.chat_stream import create_app

Chunk = dict[str, Any]

PATHS = ("/chat/completions", "/v1/chat/completions")
PATH = PATHS[1]
ERROR_FIELDS = ["code", "message", "param", "type"]
SECRETS = ("secret", "RuntimeError", "Traceback", "srv")

# Without surrogates, which UTF-8 does not have.
pieces = st.lists(st.text(max_size=6), max_size=5)
few = settings(max_examples=10)


class Script:
    """A `generate` that gives its pieces, one after each wait, and may end in an error.

    `calls` is what it was called with, `asked` the number of pieces asked for, and
    `closed` are the times when a generator was closed or came to its end.
    """

    def __init__(
        self, pieces: Sequence[str], *, wait: float = 0.0, fails: bool = False
    ) -> None:
        self.calls: list[tuple[object, object, object]] = []
        self.asked = 0
        self.closed: list[float] = []
        self._pieces = pieces
        self._wait = wait
        self._fails = fails
        # Held, so that it is not the garbage collector that closes them.
        self._generators: list[AsyncGenerator[str, None]] = []

    def __repr__(self) -> str:
        ending = ", then an error" if self._fails else ""
        return f"<generates {list(self._pieces)}{ending}>"

    def __call__(
        self, messages: list[dict[str, str]], temperature: float, max_tokens: int
    ) -> AsyncGenerator[str, None]:
        self.calls.append((messages, temperature, max_tokens))
        self._generators.append(self._generate())
        return self._generators[-1]

    async def _generate(self) -> AsyncGenerator[str, None]:
        try:
            for piece in self._pieces:
                self.asked += 1
                await asyncio.sleep(self._wait)
                yield piece
            if self._fails:
                raise RuntimeError("secret at /srv/model.bin")
        finally:
            self.closed.append(now() - START)


class Ticking:
    """A clock that is later by a second at each look."""

    def __init__(self, start: float) -> None:
        self._next = start

    def __repr__(self) -> str:
        return "clock"

    def __call__(self) -> float:
        self._next += 1.0
        return self._next - 1.0


def client_of(script: Script, **options: Any) -> Client:
    """Return a client of a new application."""
    new_input()
    return Client(create_app(script, **options))


def body(content: str = "Hello there.", **fields: object) -> dict[str, object]:
    """Return a request with one message."""
    return {"messages": [{"role": "user", "content": content}], **fields}


def ask(client: Client, value: object, path: str = PATH) -> Answer:
    """Send a request, and wait for the whole answer without time going by."""
    content = json.dumps(value).encode()
    return run_virtual(lambda: client.ask("POST", path, content))


def assert_fields(actual: object, expected: object, what: str) -> None:
    """Check the fields that are expected; there may be more of them."""
    __tracebackhide__ = True
    if isinstance(expected, dict):
        sound = isinstance(actual, dict) and expected.keys() <= actual.keys()
        claim = f"{what} has the fields {', '.join(expected)}"
        assert_holds(sound, claim, actual=actual)
        assert isinstance(actual, dict)
        for name, value in expected.items():
            assert_fields(actual[name], value, f"{name} in {what}")
    elif isinstance(expected, list):
        sound = isinstance(actual, list) and len(actual) == len(expected)
        assert_holds(sound, f"{what} is a list of {len(expected)}", actual=actual)
        assert isinstance(actual, list)
        for place, value in enumerate(expected):
            assert_fields(actual[place], value, f"{what}[{place}]")
    else:
        assert_equal(actual, expected, what)


def assert_error(value: object, kind: str, param: str | None, what: str) -> None:
    """Check an error object."""
    __tracebackhide__ = True
    claim = f'{what} is {{"error": {{message, type, param, code}}}} and nothing else'
    error = value.get("error") if isinstance(value, dict) and len(value) == 1 else None
    sound = isinstance(error, dict) and sorted(error) == ERROR_FIELDS
    assert_holds(sound, claim, actual=value)
    assert isinstance(error, dict)
    assert_fields(error, {"type": kind, "param": param}, f"the error in {what}")
    message, code = error["message"], error["code"]
    sound = isinstance(message, str) and message != ""
    assert_holds(sound, f"the message in {what} is text", actual=message)
    sound = isinstance(code, str | None)
    assert_holds(sound, f"the code in {what} is text or null", actual=code)
    for word in SECRETS:
        claim = f"{what} does not tell of the exception ({word!r})"
        assert_holds(word not in str(value), claim, actual=value)


def assert_refused(answer: Answer, param: str | None) -> None:
    """Check that the answer is a 400 with the name of the field."""
    __tracebackhide__ = True
    assert_status(answer, 400)
    what = f"the answer to {answer.request}"
    assert_error(answer.json(), "invalid_request_error", param, what)


def chunk(delta: dict[str, str], finish_reason: str | None = None) -> Chunk:
    """Return what a chunk has, apart from id, time and model."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return {"object": "chat.completion.chunk", "choices": [choice]}


def chunks_of(pieces: Sequence[str], finish_reason: str) -> list[Chunk]:
    """Return what the chunks of an answer have."""
    told = [chunk({"content": piece}) for piece in pieces]
    return [chunk({"role": "assistant"}), *told, chunk({}, finish_reason)]


def assert_chunks(events: Sequence[Event], expected: Sequence[Chunk]) -> None:
    """Check that these events are these chunks, with nothing more in a delta."""
    __tracebackhide__ = True
    assert_equal(len(events), len(expected), "the number of chunks")
    for place, (event, wanted) in enumerate(zip(events, expected, strict=True)):
        given_one = event.json()
        assert_fields(given_one, wanted, f"chunk {place}")
        delta = given_one["choices"][0]["delta"]
        assert_equal(
            delta, wanted["choices"][0]["delta"], f"the delta of chunk {place}"
        )


def assert_stream(answer: Answer, pieces: Sequence[str], finish_reason: str) -> None:
    """Check a whole stream."""
    __tracebackhide__ = True
    assert_status(answer, 200)
    kind = answer.headers.get("content-type", "").partition(";")[0]
    assert_equal(kind, "text/event-stream", "the type of a stream")
    events = parse_events(answer.body)
    end = events[-1].data if events else ""
    assert_equal(end, "[DONE]", "the data of the last event")
    assert_chunks(events[:-1], chunks_of(pieces, finish_reason))


@few
@given(pieces)
@example(["Hel", "lo", "", "\n\n!"])
@example([])
def test_a_whole_answer(pieces: list[str]) -> None:
    """Without stream the answer is one object with the whole text."""
    client = client_of(Script(pieces), model="tiny", clock=lambda: 1234.75)
    answer = ask(client, body())
    assert_status(answer, 200)
    text = "".join(pieces)
    expected = {
        "object": "chat.completion",
        "created": 1234,
        "model": "tiny",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "finish_reason": "stop",
            }
        ],
    }
    assert_fields(answer.json(), expected, "the answer")


@few
@given(
    st.lists(st.sampled_from(["", " ", "one", "two  words", "a\nb\tc "]), max_size=3)
)
@example(["one", "two  words"])
def test_the_usage_is_counted(contents: list[str]) -> None:
    """The usage is the words of all messages, the pieces, and both together."""
    roles = ("system", "assistant", "user")
    messages = [
        {"role": roles[place], "content": content}
        for place, content in enumerate(["to begin", *contents][:3])
    ]
    answer = ask(client_of(Script(["Hello", "", " you"])), {"messages": messages})
    assert_status(answer, 200)
    words = sum(len(message["content"].split()) for message in messages)
    usage = {
        "prompt_tokens": words,
        "completion_tokens": 3,
        "total_tokens": words + 3,
    }
    assert_fields(answer.json(), {"usage": usage}, "the answer")


def test_what_reaches_the_model() -> None:
    """The model gets messages, temperature and max_tokens; null is the default."""
    script = Script(["x"])
    client = client_of(script)
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi", "name": "Ann"},
        {"role": "assistant", "content": ""},
    ]
    told = [{"role": m["role"], "content": m["content"]} for m in messages]
    nothing = {"temperature": None, "max_tokens": None, "stream": None, "model": None}
    for fields, temperature, max_tokens in (
        ({}, 0.7, 512),
        (nothing, 0.7, 512),
        ({"temperature": 0, "max_tokens": 1}, 0.0, 1),
        ({"temperature": 2, "max_tokens": 4096}, 2.0, 4096),
        ({"temperature": 0.25, "model": "other", "later_field": [1]}, 0.25, 512),
    ):
        answer = ask(client, {"messages": messages, **fields})
        assert_status(answer, 200)
        assert_fields(answer.json(), {"model": "small"}, "the answer")
        expected = [(told, temperature, max_tokens)]
        assert_equal(script.calls, expected, "the calls of generate")
        script.calls.clear()


@few
@given(pieces)
@example(["Hel", "lo", "", "\n\n!"])
@example(["data: x\r\n\r\n", "\u2028", '"é\\'])
@example([])
def test_a_stream(pieces: list[str]) -> None:
    """A stream is the role, a chunk for each piece, the finish_reason and [DONE]."""
    answer = ask(client_of(Script(pieces)), body(stream=True))
    assert_stream(answer, pieces, "stop")


def test_an_answer_has_one_id() -> None:
    """All chunks of an answer have one id and one time, and no other answer has it."""
    ids = []
    client = client_of(Script(["a", "b"]), model="tiny", clock=Ticking(70.5))
    for created in (70, 71):
        answer = ask(client, body(stream=True))
        assert_stream(answer, ["a", "b"], "stop")
        chunks = [event.json() for event in parse_events(answer.body)[:-1]]
        ids.append(chunks[0].get("id"))
        expected = {"id": ids[-1], "created": created, "model": "tiny"}
        for place, one in enumerate(chunks):
            assert_fields(one, expected, f"chunk {place}")
    ids.append(ask(client, body()).json().get("id"))
    sound = all(isinstance(one, str) and one != "" for one in ids)
    claim = "each answer has an id of its own, a text"
    assert_holds(sound and len(set(ids)) == 3, claim, actual=ids)


def test_both_paths() -> None:
    """/chat/completions and /v1/chat/completions are the same."""
    client = client_of(Script(["a", "b"]))
    for path in PATHS:
        answer = ask(client, body(), path)
        assert_status(answer, 200)
        message = {"role": "assistant", "content": "ab"}
        expected = {"choices": [{"message": message}]}
        assert_fields(answer.json(), expected, f"the answer at {path}")
        assert_stream(ask(client, body(stream=True), path), ["a", "b"], "stop")


@few
@given(st.integers(0, 4), st.integers(1, 4))
@example(3, 2)
@example(2, 2)
@example(1, 2)
@in_virtual_time
async def test_there_are_max_tokens_pieces_at_most(count: int, limit: int) -> None:
    """After max_tokens pieces none is asked for, and the finish_reason is length."""
    given_ones = list("abcd"[:count])
    for stream in (False, True):
        script = Script(given_ones)
        content = json.dumps(body(max_tokens=limit, stream=stream)).encode()
        answer = await client_of(script).ask("POST", PATH, content)
        # Before the event loop ends, which closes what is left over.
        assert_equal(script.closed, [0.0], "when the generator was closed")
        assert_equal(script.asked, min(count, limit), "the pieces asked for")
        reason = "length" if count >= limit else "stop"
        if stream:
            assert_stream(answer, given_ones[:limit], reason)
        else:
            assert_status(answer, 200)
            choice = {
                "message": {"content": "abcd"[: min(count, limit)]},
                "finish_reason": reason,
            }
            usage = {"completion_tokens": min(count, limit)}
            expected = {"choices": [choice], "usage": usage}
            assert_fields(answer.json(), expected, "the answer")


class Reader:
    """Takes the events from a stream, and when each of them came."""

    def __init__(self, answer: StreamedAnswer) -> None:
        self.events: list[Event] = []
        self.times: list[float] = []
        self._answer = answer
        self._parser = EventParser()

    async def read(self, count: int) -> None:
        """Wait until `count` events have come, or the end of the stream."""
        while len(self.events) < count and (piece := await self._answer.piece()):
            for event in self._parser.feed(piece):
                self.events.append(event)
                self.times.append(now() - START)


@few
@given(st.integers(1, 4))
@example(3)
@in_virtual_time
async def test_each_piece_comes_at_once(count: int) -> None:
    """A piece is sent when it has come, before the next one is asked for."""
    script = Script("abcd"[:count], wait=1.0)
    client = client_of(script)
    content = json.dumps(body(stream=True)).encode()
    async with client.stream("POST", PATH, content) as answer:
        reader = Reader(answer)
        await reader.read(2)
        assert_equal(reader.times, [1.0, 1.0], "when the first two events came")
        await reader.read(count + 3)
    expected = [1.0, *(float(place) for place in range(1, count + 1)), count, count]
    assert_equal(reader.times, list(map(float, expected)), "when the events came")
    assert_chunks(reader.events[:-1], chunks_of("abcd"[:count], "stop"))


@few
@given(st.integers(1, 3), st.sampled_from([0.25, 0.75]))
@example(1, 0.25)
@in_virtual_time
async def test_a_client_that_goes_away_ends_it(count: int, later: float) -> None:
    """When the client goes away the generator is closed at that moment."""
    script = Script("abcdef", wait=1.0)
    client = client_of(script)
    content = json.dumps(body(stream=True)).encode()
    async with client.stream("POST", PATH, content) as answer:
        reader = Reader(answer)
        await reader.read(1 + count)
        assert_chunks(reader.events, chunks_of("abcdef"[:count], "")[:-1])
        await asyncio.sleep(later)
        await answer.hang_up()
        await settle()
        assert_equal(script.closed, [count + later], "when the generator was closed")
    await asyncio.sleep(10.0)
    assert_equal(script.asked, count + 1, "the pieces asked for")


@in_virtual_time
async def test_answers_do_not_wait_for_each_other() -> None:
    """Answers at one time take as long as the longest, and each has its own pieces."""
    client = client_of(Script("abc", wait=1.0))
    bodies = [body(stream=True), body(), body(stream=True, max_tokens=2)]

    async def timed(value: object) -> tuple[Answer, float]:
        answer = await client.ask("POST", PATH, json.dumps(value).encode())
        return answer, now() - START

    answers = await asyncio.gather(*map(timed, bodies))
    assert_stream(answers[0][0], "abc", "stop")
    message = {"role": "assistant", "content": "abc"}
    whole = {"choices": [{"message": message}], "usage": {"completion_tokens": 3}}
    assert_status(answers[1][0], 200)
    assert_fields(answers[1][0].json(), whole, "the answer")
    assert_stream(answers[2][0], "ab", "length")
    assert_equal([time for _, time in answers], [3.0, 3.0, 2.0], "when they ended")


@few
@given(st.integers(0, 2), st.booleans())
@example(0, True)
@example(0, False)
@example(1, False)
def test_a_failure_before_the_answer_is_500(count: int, stream: bool) -> None:
    """Where nothing has been sent yet, a failure of the model is an error with 500."""
    script = Script("ab"[: 0 if stream else count], fails=True)
    answer = ask(client_of(script), body(stream=stream))
    assert_status(answer, 500)
    what = f"the answer to {answer.request}"
    assert_error(answer.json(), "server_error", None, what)
    assert_equal(answer.crash, "", "what the application raised")


@few
@given(st.integers(1, 3))
@example(1)
@example(2)
def test_a_failure_in_a_stream_is_its_end(count: int) -> None:
    """A failure in the middle is an event with the error, the last one, no [DONE]."""
    given_ones = list("abc"[:count])
    answer = ask(client_of(Script(given_ones, fails=True)), body(stream=True))
    assert_status(answer, 200)
    events = parse_events(answer.body)
    assert_chunks(events[:-1], chunks_of(given_ones, "")[:-1])
    assert_error(events[-1].json(), "server_error", None, "the last event")
    assert_equal(answer.crash, "", "what the application raised")


def test_a_bad_field_is_named() -> None:
    """A field of another type or range is a 400 whose param is its name."""
    sound = {"role": "user", "content": "Hi"}
    messages: tuple[object, ...] = (
        None,
        [],
        "Hi",
        sound,
        ["Hi"],
        [sound, None],
        [{"role": "user"}],
        [{"content": "Hi"}],
        [sound, {"role": "robot", "content": "Hi"}],
        [{"role": "user", "content": 5}],
        [{"role": "user", "content": None}],
    )
    numbers: tuple[object, ...] = (-1, "1", True, [1])
    wrong: dict[str, tuple[object, ...]] = {
        "messages": messages,
        "temperature": (*numbers, -0.001, 2.001),
        "max_tokens": (*numbers, 0, 4097, 1.5),
        "stream": (1, 0, "true", []),
        "model": (5, ["small"], False),
    }
    script = Script(["x"])
    client = client_of(script)
    for stream in (False, True):
        for field, values in wrong.items():
            for value in values:
                answer = ask(client, {**body(stream=stream), field: value})
                assert_refused(answer, field)
        assert_refused(ask(client, {"stream": stream}), "messages")
    beyond = b'{"messages": [{"role": "user", "content": "Hi"}], "temperature": 1e999}'
    assert_refused(client.request("POST", PATH, beyond), "temperature")
    assert_equal(script.calls, [], "the calls of generate")


def test_a_body_that_is_no_object_is_refused() -> None:
    """Whatever bytes come, the answer is a 400 with the error object, param null."""
    script = Script(["x"])
    client = client_of(script)
    for content in (b"", b"{", b"\xff", b"null", b"[]", b'"Hi"', b"{'messages': 1}"):
        for path in PATHS:
            answer = run_virtual(lambda c=content, p=path: client.ask("POST", p, c))
            assert_refused(answer, None)
    assert_equal(script.calls, [], "the calls of generate")
