"""Chat in process: what is taken, and what is refused in which words."""

import pytest
from fastapi import FastAPI
from pydantic import ValidationError

from reference.production.serving.chat import (
    ChatLimits,
    chat_router,
    create_app,
)
from reference.production.serving.chat.messages import ChatRequest
from reference.production.serving.transport import explain_invalid_request
from tests.reference.production.serving.chat_support import (
    asking,
    echo,
    error_of,
    post,
)


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
        (asking(frequency_penalty=0.5), "frequency_penalty"),
        (asking(presence_penalty=-1), "presence_penalty"),
        (asking(logit_bias={"50256": -100}), "logit_bias"),
        (asking(top_logprobs=2), "top_logprobs"),
        (asking(response_format={"type": "json_object"}), "response_format"),
        (asking(modalities=["text", "audio"]), "modalities"),
        (asking(audio={"voice": "a"}), "audio"),
        (asking(web_search_options={}), "web_search_options"),
        (asking(functions=[{"name": "f"}]), "functions"),
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
        {"frequency_penalty": 0, "presence_penalty": 0.0, "not_yet_invented": {}},
        {"response_format": {"type": "text"}, "logit_bias": {}, "functions": []},
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


@pytest.mark.parametrize("wrong", [0, {}, {"role": "user", "content": 5}])
def test_many_wrong_messages_are_few_errors(wrong: object) -> None:
    body = asking(messages=[wrong] * 10_000)
    with pytest.raises(ValidationError) as caught:
        ChatRequest.model_validate(body)
    assert caught.value.error_count() <= 2
    response = post(create_app(echo), body)
    assert response.status_code == 400
    assert error_of(response)["param"] == "messages"


@pytest.mark.parametrize("name", ["messages", "characters", "concurrent"])
def test_limits_are_checked(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        ChatLimits(**{name: 0})
