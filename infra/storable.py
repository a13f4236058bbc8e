"""What Postgres can store of what people send: no NUL in text, no lone surrogates in JSON."""

import json

from infra import errors


def refuse_nul(what: str, *texts: str) -> None:
    """Raise `errors.InvalidInput`, which names `what`, if a text holds a NUL byte."""
    # Programs and completions may hold it, for models write it; names and prompts may not.
    if any("\x00" in text for text in texts):
        raise errors.InvalidInput(f"{what}: text must not hold NUL bytes")


def as_json(what: str, value: object) -> str:
    """Return JSON text with sorted keys.

    Raises:
        errors.InvalidInput: naming `what`, if the value is none that JSON and Postgres can hold.
    """
    try:
        # Whoever asks for it later gets UTF-8, which half a surrogate pair cannot be written in.
        json.dumps(value, ensure_ascii=False).encode()
        return json.dumps(value, sort_keys=True, allow_nan=False)
    except UnicodeEncodeError:
        raise errors.InvalidInput(f"{what}: unpaired surrogates are no JSON text") from None
    except ValueError:
        raise errors.InvalidInput(f"{what}: NaN and infinity are no JSON numbers") from None
