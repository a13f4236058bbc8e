"""What batches of OpenAI's API, and vLLM's `run_batch`, answer with: a line for each request."""

from collections.abc import Iterator
from typing import Any, Final

from infra import errors

_REFUSED: Final = 400


def answers(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return the answers to one request, each named by the request's `custom_id`.

    Raises:
        errors.InvalidInput: the request failed, or its answer is of no known form.
    """
    name = str(row["custom_id"])
    response = row.get("response")
    if row.get("error") or not isinstance(response, dict):
        if "url" in row and response is None and not row.get("error"):
            raise errors.InvalidInput(f"a request ({name}), and not its answer")
        raise errors.InvalidInput(f"the request {name} failed: {_reason(row.get('error'))}")
    body = response.get("body")
    if response.get("status_code", 200) >= _REFUSED or not isinstance(body, dict):
        error = body.get("error", body) if isinstance(body, dict) else body
        raise errors.InvalidInput(f"the request {name} failed: {_reason(error)}")
    model = body.get("model")
    for text, finish_reason in _texts(body, name):
        found = {"task_id": name, "answer": text, "model": model, "finish_reason": finish_reason}
        yield {key: value for key, value in found.items() if value is not None}


def _texts(body: dict[str, Any], name: str) -> Iterator[tuple[str, str | None]]:
    choices = body.get("choices")
    if isinstance(choices, list):
        for choice in choices:
            message = choice.get("message")
            text = message.get("content") if isinstance(message, dict) else choice.get("text")
            yield _joined(text), choice.get("finish_reason")
    elif isinstance(body.get("output"), list):
        messages = [item for item in body["output"] if item.get("type") == "message"]
        whole = "stop" if body.get("status") == "completed" else None
        yield "".join(_joined(item.get("content")) for item in messages), whole
    else:
        raise errors.InvalidInput(
            f"the answer to {name} has neither `choices` nor `output`, but"
            f" {', '.join(sorted(body)) or 'nothing'}"
        )


def _joined(content: Any) -> str:
    """Return a message's text, which may be in parts, or None where there is none."""
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content)
    return str(content or "")


def _reason(error: Any) -> str:
    message = error.get("message") if isinstance(error, dict) else None
    return str(message or error or "it has no answer")
