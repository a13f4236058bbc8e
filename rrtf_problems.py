"""The name under which verifiers finds the stored problems: `eval rrtf-problems`."""

from services.adapters.for_verifiers import Problems

__all__ = ["Problems"]
