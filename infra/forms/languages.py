"""Refuses the rows of published sets that are not in Python, by the name of their language."""

import re
from typing import Any, Final

from infra import errors

_NAMES: Final = {
    "bash": "Bash", "sh": "Bash", "shell": "Bash",
    "c": "C",
    "cpp": "C++", "c++": "C++", "mbcpp": "C++",
    "cs": "C#", "csharp": "C#", "c#": "C#", "mbcsp": "C#",
    "go": "Go", "golang": "Go", "mbgp": "Go",
    "java": "Java", "mbjp": "Java",
    "javascript": "JavaScript", "js": "JavaScript", "mbjsp": "JavaScript",
    "julia": "Julia", "jl": "Julia",
    "kotlin": "Kotlin", "kt": "Kotlin", "mbkp": "Kotlin",
    "lua": "Lua",
    "perl": "Perl", "pl": "Perl", "mbplp": "Perl",
    "php": "PHP", "mbphp": "PHP",
    "r": "R",
    "racket": "Racket", "rkt": "Racket",
    "ruby": "Ruby", "rb": "Ruby", "mbrbp": "Ruby",
    "rust": "Rust", "rs": "Rust",
    "scala": "Scala", "mbscp": "Scala",
    "swift": "Swift", "mbswp": "Swift",
    "typescript": "TypeScript", "ts": "TypeScript", "mbtsp": "TypeScript",
}  # fmt: skip
"""What sets call languages in their rows and in the names of their tasks."""
_PYTHON: Final = frozenset(["python", "python3", "py"])
_FENCE: Final = re.compile(r"^\s*```([A-Za-z+#]+)\s*$", re.MULTILINE)
_FIELDS: Final = ("language", "programming_language", "lang")


def require_python(record: dict[str, Any]) -> None:
    """Check that nothing in a row says that it is in another language.

    Raises:
        errors.InvalidInput: it is; the message names the language.
    """
    words = [record[field] for field in _FIELDS if isinstance(record.get(field), str)]
    if any(word.lower() in _PYTHON for word in words):
        return
    task = record.get("task_id")
    if isinstance(task, str):
        words += task.split("/")[:-1]
    answer = record.get("reference_solution")
    if isinstance(answer, str) and (fence := _FENCE.search(answer)):
        words.append(fence[1])
    for word in words:
        name = _NAMES.get(word.lower())
        if name is not None:
            raise errors.InvalidInput(
                f"the row is in {name}; the rows of published sets are read in Python alone"
            )
