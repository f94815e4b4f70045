"""Chat in process: places, clients that leave, the assistant."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

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
from tests.reference.production.serving.chat_support import (
    asking,
    echo,
    error_of,
    post,
)

Operation = APIOperation[Any, Any, Any, Any]

PATIENCE = 20.0


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
