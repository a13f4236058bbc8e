"""Messages as they lie in a queue."""

import base64
import json
from typing import Any


def decoded(raw: bytes) -> tuple[str, dict[str, Any]]:
    """Return the name of a message's task, and what it says."""
    message = json.loads(raw)
    body = json.loads(base64.b64decode(message["body"]))
    return message["headers"]["task"], body[0][0]
