"""The body of an error: ``{"detail": str}``, on the chat routes the OpenAI object."""

_CHAT = "/chat/completions"


def problem(path: str, status: int, detail: str) -> dict[str, object]:
    """Return the body of the error ``status`` for a request to ``path``."""
    if not path.rstrip("/").endswith(_CHAT):
        return {"detail": detail}
    error = {"message": detail, "type": _kind(status), "param": None, "code": None}
    return {"error": error}


def _kind(status: int) -> str:
    if status >= 500:
        return "server_error"
    return "rate_limit_error" if status == 429 else "invalid_request_error"
