"""What a front's own errors look like."""

from harness import raw


def error_of(answer: raw.Response, code: str, message: str) -> dict[str, object]:
    """An error of the OCI distribution spec that names its request, as the answer does."""
    request = answer.one("x-request-id")
    assert request, "an answer names its request"
    return {"code": code, "message": message, "detail": {"requestId": request}}
