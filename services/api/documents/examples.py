"""Examples of request bodies, shown in the OpenAPI document; tests send every one of them."""

from fastapi.openapi.models import Example

_ADD = {
    "slug": "example/add",
    "prompt": 'def add(a, b):\n    """Return the sum of two numbers."""\n',
    "entry_point": "add",
    "tests": [
        {"kind": "call", "args": [1, 2], "expected": 3},
        {"kind": "call", "args": [-1, 1], "expected": 0},
    ],
}
_ECHO = {
    "slug": "example/double",
    "prompt": "Read a number and print twice its value.",
    "tests": [{"kind": "stdio", "stdin": "21\n", "expected_stdout": "42\n"}],
}
_SQUARES = {
    "slug": "example/squares",
    "prompt": 'def squares(n):\n    """Return the first n squares."""\n',
    "entry_point": "squares",
    "tests": [
        {
            "kind": "assert",
            "check": "check",
            "source": "def check(candidate):\n    assert candidate(3) == [0, 1, 4]\n"
            "    assert candidate(0) == []\n",
        }
    ],
    "limits": {"cpu_seconds": 2, "memory_bytes": 134217728},
}
PROBLEM: dict[str, Example] = {
    "call": {"summary": "Call a function", "value": _ADD},
    "stdio": {"summary": "Run a program", "value": _ECHO},
    "assert": {"summary": "Run test code", "value": _SQUARES},
}
BULK: dict[str, Example] = {
    "two": {"summary": "Two problems", "value": {"problems": [_ADD, _ECHO]}}
}
GROUP: dict[str, Example] = {
    "submit": {
        "summary": "Submit a teacher's and a student's program",
        "value": {
            "candidates": [
                {"author": "teacher", "program": "def add(a, b):\n    return a + b\n"},
                {"author": "student", "program": "def add(a, b):\n    return a - b\n"},
            ]
        },
    },
    "sample": {
        "summary": "Ask for samples",
        "value": {
            "samples": [{"author": "student", "backend": "replay", "num_samples": 2, "seed": 7}]
        },
    },
    "own samples": {
        "summary": "Rank samples of one model, without a teacher",
        "value": {
            "samples": [{"author": "student", "backend": "replay", "num_samples": 4}],
            "pairs": "all",
        },
    },
}
LEASE: dict[str, Example] = {
    "wait": {
        "summary": "Wait up to a second for a batch",
        "value": {"worker": "trainer-0", "policy": "default", "wait_seconds": 1},
    }
}
_HELD = {"batch_id": "01890a5d-ac96-774b-bcce-b302099a8057", "epoch": 1}
HEARTBEAT: dict[str, Example] = {
    "extend": {"summary": "Extend a lease", "value": {"leases": [_HELD], "lease_seconds": 120}}
}
COMPLETE: dict[str, Example] = {
    "record": {
        "summary": "Record a trained batch with its checkpoint",
        "value": {
            "policy": "default",
            "leases": [_HELD],
            "checkpoint": {
                "version": 1,
                "path": "/checkpoints/default/000001",
                "sha256": "0" * 64,
                "metrics": {"loss": 1.25},
            },
        },
    }
}
EVALUATION: dict[str, Example] = {
    "found": {
        "summary": "Say what was found of a checkpoint",
        "value": {
            "policy": "default",
            "version": 1,
            "asked_sha256": "0" * 64,
            "rates": {"mbpp": {"mean": 0.25, "low": 0.2, "high": 0.3, "problems": 974}},
        },
    }
}
API_KEY: dict[str, Example] = {
    "submit": {
        "summary": "A key that submits and reads",
        "value": {"name": "nightly-run", "scopes": ["read", "submit"]},
    }
}
RELEASE: dict[str, Example] = {
    "candidate": {
        "summary": "Try a candidate again",
        "value": {"kind": "candidate", "ids": ["01890a5d-ac96-774b-bcce-b302099a8057"]},
    }
}
BULK_GROUPS: dict[str, Example] = {
    "two": {
        "summary": "Two groups, one of a problem that may be unknown",
        "value": {
            "groups": [
                {
                    "problem": "example/add",
                    "candidates": [
                        {"author": "teacher", "program": "def add(a, b):\n    return a + b\n"}
                    ],
                },
                {
                    "problem": "example/unknown",
                    "candidates": [{"author": "student", "program": "x = 1\n"}],
                },
            ]
        },
    }
}
EXECUTE: dict[str, Example] = {
    "tests": {
        "summary": "Label two programs by these tests",
        "value": {
            "entry_point": "add",
            "tests": _ADD["tests"],
            "programs": [
                "def add(a, b):\n    return a + b\n",
                "def add(a, b):\n    return a - b\n",
            ],
            "wait_seconds": 10,
        },
    },
    "problem": {
        "summary": "Label a program by a stored problem's tests",
        "value": {"problem": "example/double", "programs": ["print(2 * int(input()))\n"]},
    },
}
RUN_CODE: dict[str, Example] = {
    "python": {
        "summary": "Run a Python program",
        "value": {"language": "python", "code": "print(2 * int(input()))", "stdin": "21\n"},
    },
    "cpp": {
        "summary": "Compile and run a C++ program",
        "value": {
            "language": "cpp",
            "code": "#include <iostream>\nint main() { std::cout << 42; }\n",
            "run_timeout": 5,
        },
    },
    "files": {
        "summary": "Bring files (in base 64), and fetch one that the program writes",
        "value": {
            "language": "python",
            "code": "print(open('in.txt').read())\nopen('out.txt', 'w').write('done')\n",
            "files": {"in.txt": "NDI="},
            "fetch_files": ["out.txt"],
        },
    },
}
RUN_JUPYTER: dict[str, Example] = {
    "cells": {
        "summary": "A notebook whose second cell shows what the first has bound",
        "value": {"cells": ["a = 6 * 7", "a"]},
    }
}
GET_PROMPTS: dict[str, Example] = {
    "example": {"summary": "The stored problems `example/...`", "value": {"dataset": "example"}}
}
GET_PROMPT_BY_ID: dict[str, Example] = {
    "add": {
        "summary": "The stored problem `example/add`",
        "value": {"dataset": "example", "id": "add"},
    }
}
SUBMIT: dict[str, Example] = {
    "add": {
        "summary": "A completion for the stored problem `example/add`",
        "value": {
            "dataset": "example",
            "id": "add",
            "completion": "```python\ndef add(a, b):\n    return a + b\n```",
        },
    }
}
PISTON: dict[str, Example] = {
    "python": {
        "summary": "Run a Python program with arguments",
        "value": {
            "language": "python",
            "version": "3",
            "files": [{"name": "main.py", "content": "import sys\nprint(sys.argv[1] + input())"}],
            "stdin": "two",
            "args": ["one"],
        },
    }
}
CHECK_AGAIN: dict[str, Example] = {
    "strength": {
        "summary": "Check a problem again, and measure how strong its tests are",
        "value": {"mutants": 20},
    }
}
