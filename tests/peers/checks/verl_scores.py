"""Answers and ground truths in the shapes that verl scores, and the score that each is worth."""

import json

ADD = "a, b = map(int, input().split())\nprint(a + b)"
PAIRS = {"inputs": ["1 2\n", "3 4\n"], "outputs": ["3\n", "7\n"]}
TWELVE = {"inputs": [f"{n} 1\n" for n in range(12)], "outputs": [f"{n + 1}\n" for n in range(12)]}
FUNCTION = {"fn_name": "add", "inputs": ["1\n2", "3\n4"], "outputs": ["3", "7"]}
ASSERTS = {"fn_name": "add", "assert_case": ["assert add(1, 2) == 3", "assert add(3, 4) == 7"]}
DEFINED = "def add(a, b):\n    return a + b"
METHOD = "class Solution:\n    def add(self, a: int, b: List[int]) -> int:\n        return a + b"
LONG = {"inputs": ["x" * 300_000], "outputs": ["300000"]}
ECHO = {"inputs": ["", None, "hello"], "outputs": ["''", "''", "'hello'"]}
HALF = "a, b = map(int, input().split())\nprint(3)"


def fenced(program, word="python"):
    return f"Let me think.\n```{word}\n{program}\n```\nThat is all."


def truth(found):
    return json.dumps(found)


SAME = "the same"
"""What our own reward function says too."""
CASES = {
    "pairs in JSON": (fenced(ADD), truth(PAIRS), 1, SAME),
    "pairs as data": (fenced(ADD), PAIRS, 1, SAME),
    "more keys": (fenced(ADD), truth(PAIRS | {"difficulty": "easy", "id": 1}), 1, SAME),
    "keys that are null": (fenced(ADD), truth(PAIRS | {"fn_name": None}), 1, SAME),
    "a fence without a word": (fenced(ADD, ""), truth(PAIRS), 1, SAME),
    "a fence of py": (fenced(ADD, "py"), truth(PAIRS), 1, SAME),
    "two fences": (fenced("print(0)") + fenced(ADD), truth(PAIRS), 1, SAME),
    "a fence that is not closed": (f"```python\n{ADD}", truth(PAIRS), 1, SAME),
    "no fence": (ADD, truth(PAIRS), 0, 1),
    "prose": ("I cannot.", truth(PAIRS), 0, SAME),
    "nothing": ("", truth(PAIRS), 0, SAME),
    "half of the tests": (fenced(HALF), truth(PAIRS), 0.5, SAME),
    "none of the tests": (fenced("print(0)"), truth(PAIRS), 0, SAME),
    "twelve tests": (fenced(ADD), truth(TWELVE), 1, SAME),
    "the eleventh fails": (
        fenced(f"{ADD.replace('a + b', 'a + b - (a > 9)')}"), truth(TWELVE), 1, 10 / 12,
    ),
    "the tenth fails": (
        fenced(f"{ADD.replace('a + b', 'a + b - (a == 9)')}"), truth(TWELVE), 0.9, 11 / 12,
    ),
    "no line at the end": (fenced(ADD), truth(PAIRS | {"outputs": ["3", "7"]}), 1, SAME),
    "raises": (fenced("raise ValueError"), truth(PAIRS), 0, SAME),
    "raises behind the answer": (fenced(f"{ADD}\nraise ValueError"), truth(PAIRS), 0, SAME),
    "does not parse": (fenced("print(1"), truth(PAIRS), 0, SAME),
    "exits with 0": (fenced(f"{ADD}\nimport sys\nsys.exit(0)"), truth(PAIRS), 1, SAME),
    "exits with 1": (fenced(f"{ADD}\nimport sys\nsys.exit(1)"), truth(PAIRS), 0, SAME),
    "ends at once": (
        fenced(f"{ADD}\nimport os, sys\nsys.stdout.flush()\nos._exit(0)"), truth(PAIRS), 1, SAME,
    ),
    "kills itself": (fenced("import os\nos.kill(os.getpid(), 9)"), truth(PAIRS), 0, SAME),
    "reads too much": (fenced("input()\ninput()"), truth(PAIRS), 0, SAME),
    "too much memory": (fenced("x = bytearray(3 * 10**9)"), truth(PAIRS), 0, SAME),
    "threads and deep calls": (
        fenced(
            "import sys, threading\nsys.setrecursionlimit(10**6)\n"
            "def down(n): return n and down(n - 1)\n"
            f"def main():\n    down(5000)\n    {ADD.replace(chr(10), chr(10) + '    ')}\n"
            "threading.stack_size(2**27)\nt = threading.Thread(target=main)\nt.start()\nt.join()"
        ),
        truth(PAIRS), 1, SAME,
    ),
    "a file": (
        fenced(f"open('f', 'w').write(input())\ninput = open('f').read\n{ADD}"),
        truth(PAIRS), 1, SAME,
    ),
    "a long input": (fenced("print(len(input()))"), truth(LONG), 1, SAME),
    "no input": (fenced("import sys\nprint(repr(sys.stdin.read()))"), truth(ECHO), 1, SAME),
    "a function": (fenced(DEFINED), truth(FUNCTION), 1, SAME),
    "a method": (fenced(METHOD), truth(FUNCTION), 1, SAME),
    "another function": (fenced(DEFINED), truth(FUNCTION | {"fn_name": "total"}), 0, SAME),
    "a function that raises": (fenced("def add(a, b): return a / 0"), truth(FUNCTION), 0, SAME),
    "assertions": (fenced(DEFINED), truth(ASSERTS), 1, SAME),
    "an assertion that fails": (fenced("def add(a, b): return 3"), truth(ASSERTS), 0.5, SAME),
    "a list of assertions as data": (fenced(DEFINED), ASSERTS, 1, SAME),
}  # fmt: skip
"""Completion, ground truth, verl's score over our sandbox, and our own share of tests."""
