"""Chat over a real connection, as the ``openai`` client sees it."""

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import openai
import pytest
import uvicorn
from fastapi import FastAPI
from openai.types.chat import (
    ChatCompletion,
    ChatCompletionChunk,
    ChatCompletionMessageParam,
)

from reference.production.serving.chat import ChatLimits, chat_router, create_app
from reference.production.serving.chat.assistant import generate as answer

# Nothing waits this long unless it has failed.
PATIENCE = 20.0
NOW = 1_700_000_000.25
TALK: list[ChatCompletionMessageParam] = [
    {"role": "system", "content": "be brief"},
    {"role": "user", "content": "what is it?"},
]


@contextmanager
def running(app: FastAPI) -> Iterator[str]:
    """Run ``app`` by uvicorn in a thread, on a free port; give its address."""
    started = threading.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            started.set()

    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        assert started.wait(PATIENCE)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        listener.close()
        assert not thread.is_alive()


@contextmanager
def client_of(app: FastAPI) -> Iterator[openai.OpenAI]:
    with (
        running(app) as address,
        openai.OpenAI(
            base_url=f"{address}/v1", api_key="none", max_retries=0, timeout=PATIENCE
        ) as client,
    ):
        yield client


@dataclass
class Script:
    """A generator that yields ``pieces`` and then fails, waits for ever or ends."""

    pieces: list[str]
    failure: Exception | None = None
    hang: bool = False
    before_each: Callable[[int], None] | None = None
    calls: list[tuple[list[dict[str, str]], float, int]] = field(default_factory=list)
    asked: int = 0
    started: threading.Event = field(default_factory=threading.Event)
    closed: threading.Event = field(default_factory=threading.Event)

    async def __call__(
        self, messages: list[dict[str, str]], temperature: float, max_tokens: int
    ) -> AsyncIterator[str]:
        """Play the script."""
        self.calls.append((messages, temperature, max_tokens))
        self.started.set()
        try:
            for number, piece in enumerate(self.pieces):
                self.asked += 1
                if self.before_each is not None:
                    await asyncio.to_thread(self.before_each, number)
                yield piece
            self.asked += 1
            if self.failure is not None:
                raise self.failure
            if self.hang:
                await asyncio.Event().wait()
        finally:
            self.closed.set()


def test_a_whole_answer() -> None:
    script = Script(["It", " is", " so."])
    with client_of(create_app(script, model="tiny", clock=lambda: NOW)) as client:
        completion = client.chat.completions.create(model="tiny", messages=TALK)
    ChatCompletion.model_validate(completion.model_dump(), strict=True)
    assert completion.id.startswith("chatcmpl-")
    assert completion.object == "chat.completion"
    assert (completion.created, completion.model) == (int(NOW), "tiny")
    (choice,) = completion.choices
    assert (choice.index, choice.finish_reason) == (0, "stop")
    assert (choice.message.role, choice.message.content) == ("assistant", "It is so.")
    usage = completion.usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens) == (5, 3)
    assert usage.total_tokens == 8
    assert script.calls == [(TALK, 0.7, 512)]


def test_a_stream() -> None:
    script = Script(["It", " is", "", " sö."])
    with client_of(create_app(script, model="tiny", clock=lambda: NOW)) as client:
        chunks = list(
            client.chat.completions.create(model="tiny", messages=TALK, stream=True)
        )
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk.model_dump(), strict=True)
        assert (chunk.object, chunk.created) == ("chat.completion.chunk", int(NOW))
        assert chunk.model == "tiny"
    assert len({chunk.id for chunk in chunks}) == 1
    choices = [chunk.choices[0] for chunk in chunks]
    deltas = [choice.delta.model_dump(exclude_unset=True) for choice in choices]
    assert deltas == [
        {"role": "assistant"},
        {"content": "It"},
        {"content": " is"},
        {"content": ""},
        {"content": " sö."},
        {},
    ]
    reasons = [choice.finish_reason for choice in choices]
    assert reasons == [None] * 5 + ["stop"]


@pytest.mark.parametrize("path", ["/chat/completions", "/v1/chat/completions"])
def test_the_bytes_of_a_stream(path: str) -> None:
    body = {"messages": TALK, "stream": True}
    with running(create_app(Script(["a\nb", "c"]))) as address:
        response = httpx.post(address + path, json=body, timeout=PATIENCE)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache"
    *events, last = response.text.split("\n\n")
    assert last == ""
    assert events.pop() == "data: [DONE]"
    assert len(events) == 4
    for event in events:
        assert event.startswith("data: ")
        assert "\n" not in event
        ChatCompletionChunk.model_validate_json(event.removeprefix("data: "))
    assert json.loads(events[-1][6:])["choices"] == [
        {"index": 0, "delta": {}, "finish_reason": "stop"}
    ]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("option", ["max_tokens", "max_completion_tokens"])
def test_the_limit_ends_an_answer_and_nothing_more_is_asked(
    stream: bool, option: str
) -> None:
    script = Script(["one", " two", " three"])
    limit = {option: 2}
    with client_of(create_app(script)) as client:
        content, reason = converse(client, stream, **limit)
    assert (content, reason) == ("one two", "length")
    assert script.asked == 2
    assert script.closed.is_set()


@pytest.mark.parametrize("stream", [False, True])
def test_a_stop_sequence_across_pieces_ends_an_answer(stream: bool) -> None:
    script = Script(["one", " tw", "o thr", "ee", " four"])
    with client_of(create_app(script)) as client:
        content, reason = converse(client, stream, stop=["zebra", "two three"])
    assert (content, reason) == ("one ", "stop")
    assert script.asked == 4
    assert script.closed.is_set()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("limit", "reason"), [(2, "length"), (3, "stop")])
def test_what_was_held_back_for_a_stop_that_never_came_is_sent(
    stream: bool, limit: int, reason: str
) -> None:
    with client_of(create_app(Script(["one", " tw"]))) as client:
        answer = converse(client, stream, stop=["two three"], max_tokens=limit)
    assert answer == ("one tw", reason)


def converse(
    client: openai.OpenAI, stream: bool, **options: int | list[str]
) -> tuple[str, str | None]:
    """Return the text and the finish reason of either mode."""
    body: dict[str, object] = dict(options)
    if not stream:
        (choice,) = client.chat.completions.create(
            model="m", messages=TALK, extra_body=body
        ).choices
        return choice.message.content or "", choice.finish_reason
    chunks = client.chat.completions.create(
        model="m", messages=TALK, stream=True, extra_body=body
    )
    choices = [chunk.choices[0] for chunk in chunks]
    text = "".join(choice.delta.content or "" for choice in choices)
    return text, choices[-1].finish_reason


def test_the_usage_of_a_stream_comes_last_if_it_is_wanted() -> None:
    with client_of(create_app(Script(["a", "b"]))) as client:
        chunks = list(
            client.chat.completions.create(
                model="m",
                messages=TALK,
                stream=True,
                stream_options={"include_usage": True},
            )
        )
    assert [chunk.usage for chunk in chunks[:-1]] == [None] * 4
    assert chunks[-1].choices == []
    usage = chunks[-1].usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens) == (5, 2)
    assert usage.total_tokens == 7


def test_a_piece_arrives_before_the_next_one_is_made() -> None:
    arrived = threading.Event()

    def wait_for_the_first(number: int) -> None:
        if number == 1 and not arrived.wait(PATIENCE):
            raise TimeoutError("the first piece was kept back")

    script = Script(["one", " two"], before_each=wait_for_the_first)
    contents = []
    with client_of(create_app(script)) as client:
        for chunk in client.chat.completions.create(
            model="m", messages=TALK, stream=True
        ):
            content = chunk.choices[0].delta.content
            if content is not None:
                contents.append(content)
                arrived.set()
    assert contents == ["one", " two"]


def test_a_client_that_leaves_in_mid_stream_closes_the_generator() -> None:
    script = Script(["one"], hang=True)
    with client_of(create_app(script)) as client:
        stream = client.chat.completions.create(model="m", messages=TALK, stream=True)
        contents = (chunk.choices[0].delta.content for chunk in stream)
        assert [next(contents), next(contents)] == [None, "one"]
        assert not script.closed.is_set()
        stream.close()
        assert script.closed.wait(PATIENCE)


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_before_the_first_piece_closes_the_generator(
    stream: bool,
) -> None:
    script = Script([], hang=True)

    async def leave(address: str) -> None:
        async with openai.AsyncOpenAI(
            base_url=f"{address}/v1", api_key="none", max_retries=0, timeout=PATIENCE
        ) as client:
            asking = asyncio.ensure_future(
                client.post(
                    "/chat/completions",
                    body={"messages": TALK, "stream": stream},
                    cast_to=ChatCompletion,
                )
            )
            assert await asyncio.to_thread(script.started.wait, PATIENCE)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            assert await asyncio.to_thread(script.closed.wait, PATIENCE)

    with running(create_app(script)) as address:
        asyncio.run(leave(address))


def test_the_asynchronous_client_streams_two_answers_at_once() -> None:
    both = threading.Barrier(2, timeout=PATIENCE)

    async def meet(messages: list[dict[str, str]], *_: object) -> AsyncIterator[str]:
        await asyncio.to_thread(both.wait)
        yield messages[-1]["content"]
        await asyncio.to_thread(both.wait)

    async def ask(client: openai.AsyncOpenAI, question: str) -> str:
        stream = await client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": question}], stream=True
        )
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    async def ask_two(address: str) -> list[str]:
        async with openai.AsyncOpenAI(
            base_url=f"{address}/v1", api_key="none", max_retries=0, timeout=PATIENCE
        ) as client:
            return list(await asyncio.gather(ask(client, "a"), ask(client, "b")))

    with running(create_app(meet)) as address:
        assert asyncio.run(ask_two(address)) == ["a", "b"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_failure_before_the_first_piece_is_a_500(stream: bool) -> None:
    script = Script([], failure=RuntimeError("secret"))
    with (
        client_of(create_app(script)) as client,
        pytest.raises(openai.InternalServerError) as caught,
    ):
        client.chat.completions.create(model="m", messages=TALK, stream=stream)
    assert caught.value.status_code == 500
    assert caught.value.body == {
        "message": "the model failed",
        "type": "server_error",
        "param": None,
        "code": "model_failed",
    }


def test_a_failure_in_mid_stream_reaches_the_client() -> None:
    script = Script(["one"], failure=RuntimeError("secret"))
    contents: list[str | None] = []
    with client_of(create_app(script)) as client:
        stream = client.chat.completions.create(model="m", messages=TALK, stream=True)
        with pytest.raises(openai.APIError, match="the model failed"):
            contents.extend(chunk.choices[0].delta.content for chunk in stream)
        raw = httpx.post(
            f"{client.base_url}chat/completions",
            json={"messages": TALK, "stream": True},
            timeout=PATIENCE,
        )
    assert contents == [None, "one"]
    *events, last = raw.text.split("\n\n")
    assert last == ""
    assert [set(json.loads(event[6:])) for event in events[-1:]] == [{"error"}]
    assert "one" in events[-2]
    assert "[DONE]" not in raw.text
    assert "secret" not in raw.text


def test_a_failure_after_some_pieces_of_a_whole_answer_is_a_500() -> None:
    script = Script(["one"], failure=RuntimeError("secret"))
    with client_of(create_app(script)) as client:
        with pytest.raises(openai.InternalServerError, match="the model failed"):
            client.chat.completions.create(model="m", messages=TALK)
        # The server goes on.
        script.failure = None
        assert converse(client, stream=False) == ("one", "stop")


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"temperature": 2.5}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"stop": ["a"] * 5}, "stop"),
        ({"n": 2}, "n"),
        ({"top_p": -1}, "top_p"),
    ],
)
def test_bad_requests_are_what_the_client_calls_them(
    options: dict[str, object], param: str
) -> None:
    with (
        client_of(create_app(Script(["a"]))) as client,
        pytest.raises(openai.BadRequestError) as caught,
    ):
        client.chat.completions.create(model="m", messages=TALK, extra_body=options)
    assert caught.value.param == param
    assert caught.value.type == "invalid_request_error"


def test_when_all_places_are_taken_the_client_is_told_when_to_return() -> None:
    script = Script(["one"], hang=True)
    limits = ChatLimits(concurrent=1, retry_after=7)
    with client_of(create_app(script, limits=limits)) as client:
        stream = client.chat.completions.create(model="m", messages=TALK, stream=True)
        next(iter(stream))
        with pytest.raises(openai.InternalServerError) as caught:
            client.chat.completions.create(model="m", messages=TALK)
        stream.close()
    assert caught.value.status_code == 503
    assert caught.value.response.headers["retry-after"] == "7"
    assert caught.value.code == "overloaded"


def test_the_small_model_answers() -> None:
    app = FastAPI()
    app.include_router(chat_router(answer, model="small"))
    question: list[ChatCompletionMessageParam] = [
        {"role": "user", "content": "What is overfitting?"}
    ]
    with client_of(app) as client:
        first, second = (
            client.chat.completions.create(
                model="small", messages=question, seed=5, temperature=0.9, top_p=0.9
            )
            for _ in range(2)
        )
        stream = client.chat.completions.create(
            model="small", messages=question, temperature=0, max_tokens=12, stream=True
        )
        greedy = [chunk.choices[0] for chunk in stream]
    assert first.choices[0].message.content
    assert first.choices[0].message.content == second.choices[0].message.content
    text = "".join(choice.delta.content or "" for choice in greedy)
    assert text.startswith("Overfitting means that a model")
    assert greedy[-1].finish_reason == "length"
    assert len(greedy) == 1 + 12 + 1
