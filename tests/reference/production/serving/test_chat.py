"""Chat in process: bad requests, limits, clients that leave, the assistant."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import given, settings
from pydantic import JsonValue
from schemathesis import APIOperation, Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.types import Message

from reference.production.serving.chat import (
    ChatLimits,
    Generation,
    Messages,
    chat_router,
    create_app,
)
from reference.production.serving.chat.assistant import (
    Assistant,
    default_assistant,
    generate,
)
from reference.production.serving.transport import explain_invalid_request

Operation = APIOperation[Any, Any, Any, Any]

PATIENCE = 20.0
TALK = [{"role": "user", "content": "what is it?"}]


async def echo(messages: Messages, *_: object) -> AsyncIterator[str]:
    """Say the last message word by word."""
    for word in messages[-1]["content"].split():
        yield f"{word} "


def post(
    app: FastAPI, body: object = None, content: bytes | None = None, path: str = ""
) -> httpx.Response:
    """Post a body, as JSON or as it is, in an event loop of its own."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://chat"
        ) as client:
            raw = json.dumps(body).encode() if content is None else content
            headers = {"content-type": "application/json"}
            where = path or "/chat/completions"
            return await client.post(where, content=raw, headers=headers)

    return asyncio.run(send())


def error_of(response: httpx.Response) -> dict[str, str | None]:
    """Return the error object, which must be all there is and of that shape."""
    body: dict[str, dict[str, str | None]] = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    return body["error"]


def asking(**options: object) -> dict[str, object]:
    return {"messages": TALK, **options}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "messages"),
        (asking(messages=[]), "messages"),
        (asking(messages=[{"role": "robot", "content": "x"}]), "messages"),
        (asking(messages=[{"role": "user"}]), "messages"),
        (asking(messages=[{"role": "user", "content": None}]), "messages"),
        (asking(messages="hello"), "messages"),
        (asking(temperature=-0.1), "temperature"),
        (asking(temperature="warm"), "temperature"),
        (asking(temperature="0.5"), "temperature"),
        (asking(temperature=True), "temperature"),
        (asking(max_tokens=0), "max_tokens"),
        (asking(max_tokens=4097), "max_tokens"),
        (asking(max_tokens=1.5), "max_tokens"),
        (asking(max_completion_tokens=0), "max_completion_tokens"),
        (asking(top_p=1.01), "top_p"),
        (asking(stop=""), "stop"),
        (asking(stop=["a", "b", "c", "d", "e"]), "stop"),
        (asking(stop=5), "stop"),
        (asking(seed=0.5), "seed"),
        (asking(seed=2**70), "seed"),
        (asking(n=2), "n"),
        (asking(n=0), "n"),
        (asking(stream="yes"), "stream"),
        (asking(stream_options={"include_usage": 1}), "stream_options"),
        (asking(logprobs=True), "logprobs"),
        (asking(tools=[{"type": "function"}]), "tools"),
        (asking(user=5), "user"),
        (asking(model=5), "model"),
        ([], None),
        (None, None),
    ],
)
def test_a_bad_request_names_its_field(body: object, param: str | None) -> None:
    response = post(create_app(echo), body)
    assert response.status_code == 400
    error = error_of(response)
    assert error["param"] == param
    assert error["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff", b"NaN", b'{"messages": 1, "messages": 2}', b"[" * 100_000],
)
def test_what_is_no_json_is_a_bad_request(content: bytes) -> None:
    response = post(create_app(echo), content=content)
    assert response.status_code == 400
    assert error_of(response)["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": 0},
        {"temperature": 2},
        {"max_tokens": 4096.0},
        {"stop": "zebra"},
        {"stop": []},
        {"seed": -(2**63)},
        {"n": 1, "logprobs": False, "tools": [], "user": "u"},
        {"stream_options": {"include_usage": True}},
        {"model": "another"},
        {"frequency_penalty": 0.5, "not_yet_invented": {}},
        dict.fromkeys(
            ["model", "temperature", "max_tokens", "stream", "stop", "seed", "n"]
        ),
    ],
)
def test_what_is_in_the_schema_or_unknown_is_taken(options: dict[str, object]) -> None:
    response = post(create_app(echo), asking(**options))
    assert response.status_code == 200
    assert response.json()["choices"][0]["message"]["content"] == "what is it? "


def test_errors_of_the_transport_have_the_shape_too() -> None:
    app = create_app(echo, max_body_bytes=1000)
    response = post(app, asking(user="x" * 1000))
    assert response.status_code == 413
    error_of(response)
    missing = post(app, asking(), path="/chat")
    assert missing.status_code == 404
    error_of(missing)


def test_the_router_keeps_its_errors_in_an_application_with_others() -> None:
    app = FastAPI()
    app.exception_handler(422)(explain_invalid_request)
    app.include_router(chat_router(echo))
    response = post(app, asking(n=2), path="/v1/chat/completions")
    assert response.status_code == 400
    assert error_of(response)["param"] == "n"


@pytest.mark.parametrize(
    ("messages", "allowed"),
    [
        ([("user", "x" * 10)], True),
        ([("user", "x" * 11)], False),
        ([("user", "x" * 6), ("assistant", "x" * 5)], False),
        ([("user", "x")] * 3, True),
        ([("user", "x")] * 4, False),
    ],
)
def test_long_conversations_are_refused(
    messages: list[tuple[str, str]], allowed: bool
) -> None:
    app = create_app(echo, limits=ChatLimits(messages=3, characters=10))
    turns = [{"role": role, "content": content} for role, content in messages]
    response = post(app, {"messages": turns})
    assert response.status_code == (200 if allowed else 400)
    if not allowed:
        assert error_of(response)["param"] == "messages"


@pytest.mark.parametrize("name", ["messages", "characters", "concurrent"])
def test_limits_are_checked(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        ChatLimits(**{name: 0})


class Call:
    """One call of the application, step by step."""

    def __init__(self, app: FastAPI, stream: bool = True) -> None:
        self.app = app
        self.body = json.dumps(asking(stream=stream)).encode()
        self.sent: asyncio.Queue[Message] = asyncio.Queue()
        self.gone = asyncio.Event()
        self._requests = iter([{"type": "http.request", "body": self.body}])
        self.task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "path": "/chat/completions",
            "raw_path": b"/chat/completions",
            "query_string": b"",
            "headers": [(b"content-type", b"application/json")],
        }
        await self.app(scope, self._receive, self.send)

    async def _receive(self) -> Message:
        for request in self._requests:
            return request
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take what the application sends."""
        await self.sent.put(message)


@pytest.mark.parametrize("stream", [False, True])
def test_places_are_given_back_however_an_answer_ends(stream: bool) -> None:
    async def check() -> None:
        mood = ["hang"]
        entered = asyncio.Event()

        async def moody(*_: object) -> AsyncIterator[str]:
            entered.set()
            if mood[0] == "hang":
                await asyncio.Event().wait()
            if mood[0] == "fail":
                raise RuntimeError
            yield mood[0]

        app = create_app(moody, limits=ChatLimits(concurrent=1))
        first = Call(app, stream)
        await entered.wait()
        # Two modes share the places.
        second = Call(app, not stream)
        await second.task
        assert second.sent.get_nowait()["status"] == 503
        first.gone.set()
        await first.task
        assert first.sent.empty()
        for mood[0], status in (("fail", 500), ("well", 200), ("well", 200)):
            call = Call(app, stream)
            await call.task
            assert call.sent.get_nowait()["status"] == status

    asyncio.run(asyncio.wait_for(check(), PATIENCE))


def test_a_client_that_reads_no_more_and_leaves_closes_the_generator() -> None:
    async def check() -> None:
        closed = asyncio.Event()
        blocked = asyncio.Event()

        async def talk(*_: object) -> AsyncIterator[str]:
            try:
                yield "one"
                yield "two"
            finally:
                closed.set()

        class Stuck(Call):
            async def send(self, message: Message) -> None:
                await super().send(message)
                if b"one" in message.get("body", b""):
                    blocked.set()
                    await asyncio.Event().wait()

        call = Stuck(create_app(talk))
        await blocked.wait()
        assert not closed.is_set()
        call.gone.set()
        await call.task
        assert closed.is_set()

    asyncio.run(asyncio.wait_for(check(), PATIENCE))


def test_a_generator_that_never_waits_does_not_hide_that_the_client_is_gone() -> None:
    async def check() -> int:
        made = 0

        async def hurry(*_: object) -> AsyncIterator[str]:
            nonlocal made
            while True:
                made += 1
                yield "again"

        class Leaving(Call):
            async def send(self, message: Message) -> None:
                await super().send(message)
                if b"again" in message.get("body", b""):
                    self.gone.set()

        await Leaving(create_app(hurry)).task
        return made

    # Far from the 512 that would end the answer: a few turns of the loop are enough.
    assert asyncio.run(check()) < 20


def test_a_server_that_cancels_the_call_closes_the_generator() -> None:
    async def check() -> None:
        entered, closed = asyncio.Event(), asyncio.Event()

        async def wait(*_: object) -> AsyncIterator[str]:
            try:
                entered.set()
                await asyncio.Event().wait()
                yield "never"
            finally:
                closed.set()

        call = Call(create_app(wait))
        await entered.wait()
        call.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call.task
        assert closed.is_set()

    asyncio.run(asyncio.wait_for(check(), PATIENCE))


@pytest.mark.parametrize("stream", [False, True])
def test_generators_that_break_the_rules_are_a_500(stream: bool) -> None:
    def refuses(*_: object) -> AsyncIterator[str]:
        raise ValueError("secret")

    async def counts(*_: object) -> AsyncIterator[Any]:
        yield 1

    for wrong in (refuses, counts):
        response = post(create_app(wrong), asking(stream=stream))
        assert response.status_code == 500
        assert error_of(response)["message"] == "the model failed"


def test_a_plain_iterator_and_one_that_fails_to_close_will_do(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Plain:
        def __init__(self) -> None:
            self.left = ["a", "b"]

        def __aiter__(self) -> "Plain":
            return self

        async def __anext__(self) -> str:
            if not self.left:
                raise StopAsyncIteration
            return self.left.pop(0)

    async def grumble(*_: object) -> AsyncIterator[str]:
        try:
            while True:
                yield "a"
        finally:
            raise RuntimeError("will not close")

    plain = post(create_app(lambda *_: Plain()), asking())
    assert plain.json()["choices"][0]["message"]["content"] == "ab"
    grumbling = post(create_app(grumble), asking(max_tokens=3))
    assert grumbling.json()["choices"][0]["message"]["content"] == "aaa"
    assert "the generator failed when it was closed" in caplog.text


def test_options_reach_a_model_that_knows_them() -> None:
    seen: list[Generation] = []

    async def note(messages: Messages, options: Generation) -> AsyncIterator[str]:
        seen.append(options)
        yield messages[0]["role"]

    app = FastAPI()
    app.include_router(chat_router(note))
    post(app, asking(temperature=0, top_p=0.5, seed=-3, max_tokens=9))
    post(app, asking())
    assert seen == [Generation(0, 9, 0.5, -3), Generation(0.7, 512, 1.0, None)]


def test_fuzzed_requests_get_answers_in_the_schema() -> None:
    app = create_app(echo)
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    operation = schema["/chat/completions"]["POST"]
    checks = [
        not_a_server_error,
        status_code_conformance,
        content_type_conformance,
        response_schema_conformance,
    ]

    @settings(max_examples=60, deadline=None)
    @given(operation.as_strategy())
    def attack(case: Case[Operation]) -> None:
        case.call_and_validate(checks=checks)

    attack()
    turn: dict[str, JsonValue] = {"role": "user", "content": "what is it?"}
    streamed = operation.Case(
        body={"messages": [turn], "stream": True}, media_type="application/json"
    ).call_and_validate(checks=checks)
    assert streamed.headers["content-type"] == ["text/event-stream; charset=utf-8"]


def test_importing_trains_nothing_and_needs_no_torch() -> None:
    code = (
        "import sys; import reference.production.serving.chat.assistant as a;"
        "print(a.default_assistant.cache_info().currsize, 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["0", "False"]


def say(assistant: Assistant, *turns: str, **options: Any) -> str:
    roles = ["user", "assistant"]
    messages = [
        {"role": roles[number % 2], "content": turn}
        for number, turn in enumerate(turns)
    ]
    settled: dict[str, Any] = {"temperature": 0.0, "max_tokens": 512, **options}
    return "".join(assistant.answer(messages, Generation(**settled)))


@pytest.mark.parametrize(
    ("question", "beginning"),
    [
        ("What is overfitting?", "Overfitting means"),
        ("how do I pick a learning rate", "The learning rate"),
        ("What does top-p sampling do?", "Top-k sampling keeps"),
        ("hello", "Hello. I can answer"),
        ("xyzzy", "I am a small language model"),
    ],
)
def test_the_assistant_keeps_to_the_question(question: str, beginning: str) -> None:
    answer = say(default_assistant(), question)
    assert answer.startswith(beginning)
    assert "\n" not in answer


def test_a_follow_up_of_unknown_words_is_about_the_last_question() -> None:
    answer = say(default_assistant(), "What is dropout?", "It is …", "hmmm?")
    assert answer.startswith("Dropout sets each activation")


def test_the_assistant_repeats_itself_by_its_seed_only() -> None:
    def draw(seed: int) -> str:
        question = "What is entropy?"
        return say(default_assistant(), question, temperature=1.0, seed=seed)

    answers = [draw(seed) for seed in (-1, 0, 1, 2**62)]
    assert answers == [draw(seed) for seed in (-1, 0, 1, 2**62)]
    assert len(set(answers)) > 1


def test_every_shipped_passage_can_be_asked_for() -> None:
    assistant = default_assistant()
    for question, answer in assistant.passages:
        # Word for word it need not be; that it begins so is the index's work.
        given_words = say(assistant, question).split()
        assert given_words[:3] == answer.split()[:3], question


def test_passages_must_have_their_form() -> None:
    with pytest.raises(ValueError, match="passages must be each"):
        Assistant(["just text"])


def test_generating_leaves_the_event_loop_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop_thread = threading.get_ident()
    threads: set[int] = set()
    answer: Callable[..., Any] = Assistant.answer

    def watched(*arguments: Any) -> Any:
        for piece in answer(*arguments):
            threads.add(threading.get_ident())
            yield piece

    monkeypatch.setattr(Assistant, "answer", watched)

    async def check() -> int:
        pieces = generate(
            [{"role": "user", "content": "What is a token?"}], Generation(0, 10)
        )
        return len([piece async for piece in pieces])

    assert asyncio.run(check()) == 10
    assert threads
    assert loop_thread not in threads
