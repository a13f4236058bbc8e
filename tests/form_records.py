"""Small records of each form of published sets, all written for these tests.

Each has a completion that is right and one that is not.
"""

import json
from typing import Any, NamedTuple


class Sample(NamedTuple):
    """A record, and what its authors would say of two completions."""

    slug: str
    record: dict[str, Any]
    right: str
    wrong: str


_DOUBLE = 'def double(n):\n    """Return twice n."""\n'
_CHECK = "def check(candidate):\n    assert candidate(2) == 4\n    assert candidate(-1) == -2\n"
_BODY = {"right": "    return n * 2\n", "wrong": "    return n\n"}


def _human_eval(task_id: str, **fields: Any) -> Sample:
    record = {"task_id": task_id, "prompt": _DOUBLE, "test": _CHECK, "entry_point": "double"}
    solution = {"canonical_solution": _BODY["right"]}
    return Sample(task_id, record | solution | fields, **_BODY)


HEADER = (
    "from typing import *\nfrom functools import *\nfrom package_that_is_nowhere import *\n"
    "inf = float('inf')\n\nclass ListNode:\n    def __init__(self, val=0, next=None):\n"
    "        self.val = val\n        self.next = next\n\ndef list_node(values):\n    head = None\n"
    "    for value in reversed(values):\n        head = ListNode(value, head)\n    return head\n"
)
_SOLUTION = "class Solution:\n    def least(self, xs: List[int]) -> int:\n        return {}\n"
_LENGTH = (
    "class Solution:\n    def length(self, head: Optional[ListNode]) -> int:\n"
    "        count = {}\n        while head:\n            head, count = head.next, count + 1\n"
    "        return count\n"
)


def leetcode(**fields: Any) -> dict[str, Any]:
    """A record of LeetCodeDataset."""
    return {
        "task_id": "least-number",
        "prompt": HEADER,
        "completion": _SOLUTION.format("min(xs, default=inf)"),
        "entry_point": "Solution().least",
        "test": "def check(candidate):\n    assert candidate(xs = [3, 1]) == 1\n"
        "    assert candidate(xs = []) == inf\n",
        "query": "Return the least number.",
        "input_output": [{"input": "xs = [3, 1]", "output": "1"}],
        "meta": {"difficulty": "Easy"},
    } | fields


BIG_CODE_BENCH = {
    "task_id": "BigCodeBench/9001",
    "complete_prompt": "import json\nLIMIT = 3\n\ndef task_func(text):\n    '''Read text.'''\n",
    "instruct_prompt": "Read text.",
    "code_prompt": "import json\nLIMIT = 3\ndef task_func(text):\n",
    "canonical_solution": "    return json.loads(text)[:LIMIT]",
    "test": "import unittest\nclass TestCases(unittest.TestCase):\n    def test_list(self):\n"
    "        self.assertEqual(task_func('[1, 2, 3, 4]'), [1, 2, 3])\n",
    "entry_point": "task_func",
    "doc_struct": "{}",
    "libs": "['json']",
}
ODEX = {
    "task_id": 9001,
    "intent": "words of `text`",
    "prompt": "def f_9001(text):\n\treturn ",
    "suffix": "",
    "canonical_solution": "re.findall('[a-z]+', text)",
    "test_start": "\nimport re \n\ndef check(candidate):",
    "test": [
        "\n    assert candidate('a, b') == ['a', 'b']\n",
        "\n    assert candidate('') == []\n",
    ],
    "entry_point": "f_9001",
    "library": ["re"],
}
_CONTEXT = (
    "import copy\nimport io\nimport tokenize\n\n"
    "def generate_test_case(number):\n    return number, number + 1\n\n"
    "def exec_test(result, wanted):\n    assert result == wanted\n    return 1\n\n"
    'exec_context = r"""\ndef f(n):\n[insert]\nresult = f(test_input)\n"""\n\n'
    "def test_execution(solution: str):\n"
    '    code = exec_context.replace("[insert]", solution)\n'
    "    for number in range(2):\n        given, wanted = generate_test_case(number + 1)\n"
    '        env = {"test_input": given}\n        exec(code, env)\n'
    '        assert exec_test(env["result"], wanted)\n\n'
    "def test_string(solution: str):\n"
    "    words = tokenize.tokenize(io.BytesIO(solution.encode()).readline)\n"
    '    assert "while" not in [word.string for word in words]\n'
)
DS_1000 = {
    "prompt": "Problem:\nAdd one.\n",
    "reference_code": "    return n + 1",
    "metadata": {"problem_id": 7, "library": "Pandas"},
    "code_context": _CONTEXT,
}
_STACK = "import math\n\nclass Stack:\n{}"
CLASS_EVAL = {
    "task_id": "ClassEval_900",
    "skeleton": _STACK.format('    def root(self, n):\n        """Return the root."""\n'),
    "test": "import unittest\n\nclass StackTestRoot(unittest.TestCase):\n    def test_root(self):\n"
    "        self.assertEqual(Stack().root(9), 3)\n",
    "solution_code": _STACK.format("    def root(self, n):\n        return math.isqrt(n)\n"),
    "import_statement": ["import math"],
    "class_description": "",
    "class_name": "Stack",
    "test_classes": ["StackTestRoot"],
    "class_constructor": "",
    "fields": [],
    "methods_info": [],
}
_GREET = 'def greet():\n    print("Hello, " + input(){})\n'
NATURAL = {
    "_id": 900,
    "prompt": "Your task is to generate python code.\nGreet.",
    "problem": "Greet.",
    "testcases": "class Testgreet:\n    def test_greet(self, capsys):\n        greet()\n"
    "        assert capsys.readouterr().out == 'Hello, 1\\n'\n",
    "setup_code": "",
    "reference_solution": f"```python\n{_GREET.format('')}```",
    "classification": "Front-End",
}
_ADD = "def add(a, b):\n    return a {} b\n"
KOD_CODE = {
    "version": "v1.0",
    "style": "instruct",
    "subset": "Prefill",
    "question_id": "Prefill_900_I",
    "question": "Add two numbers.",
    "solution": _ADD.format("+"),
    "test": "from solution import add\n\ndef test_add():\n    assert add(1, 2) == 3\n",
    "test_info": [{"function_name": "add", "parameter_list": "(a, b)"}],
    "metadata": {},
}
CRUX = {
    "code": "def f(xs):\n    return [(len(xs), x) for x in xs]",
    "input": "['a', 'b']",
    "output": "[(2, 'a'), (2, 'b')]",
    "id": "sample_900",
}
PUZZLE = {
    "name": "Root_1:0",
    "sat": "def sat(x: List[int], n=9):\n    return x[0] * x[0] == n",
    "ans_type": "List[int]",
    "sol_header": "def sol(n=9):",
    "sol_docstring": '    """Find a root."""',
    "sol_bodies": ["    return [next(x for x in range(n) if sat([x], n))]"],
    "module": "roots.py",
    "notes": "",
    "weight": 1.0,
}
_FILE = (
    "import math\n\nSCALE = 2\n\n\n"
    "class Circle:\n    def __init__(self, r):\n        self.r = r\n\n"
    "    def area(self):\n        return math.pi * self.r**2\n\n    def grown(self):\n"
    "        return Circle(SCALE * self.r)\n"
)
CODER_EVAL = {
    "_id": "62e60f43d76274f8a4026e28",
    "name": "area",
    "code": "def area(self):\n    return math.pi * self.r**2\n",
    "docstring": "Area.",
    "human_label": "Return the area of the circle.",
    "level": "class_runnable",
    "project": "a/shapes",
    "file_path": "shapes/circle.py",
    "file_content": _FILE,
    "lineno": 10,
    "end_lineno": 11,
    "test": "from shapes.circle import Circle\nfrom shapes.units import TWO\n\n"
    "def test_area():\n    assert 12.5 < Circle(1).grown().area() < 12.6\n"
    "    assert TWO == 2\n",
    "files": {"shapes/__init__.py": "", "shapes/units.py": "TWO = 2\n"},
}
_TWICE = "class Solution:\n    def twice(self, xs: List[int]) -> List[int]:\n        return {}\n"
APPS = {
    "problem_id": 900,
    "question": "Double the list.",
    "solutions": json.dumps([_TWICE.format("xs * 2")]),
    "input_output": json.dumps({"fn_name": "twice", "inputs": [[[1]]], "outputs": [[1, 1]]}),
    "starter_code": "class Solution:\n    def twice(self, xs: List[int]) -> List[int]:\n",
}
MBPP = {
    "task_id": 900,
    "text": "Write a function to double.",
    "code": "def double(n):\n    return n * 2\n",
    "test_list": ["assert double(2) == 4"],
    "test_setup_code": "",
    "challenge_test_list": [],
}

SAMPLES = {
    "HumanEval": _human_eval("HumanEval/900"),
    "HumanEval-X": _human_eval(
        "Python/900",
        declaration="\ndef double(n):\n",
        example_test=_CHECK,
        test=f"METADATA = {{}}\n\n{_CHECK}\ncheck(double)",
    ),
    "HumanEvalPack": _human_eval(
        "Python/901",
        declaration="def double(n):\n",
        buggy_solution=_BODY["wrong"],
        bug_type="missing logic",
        test=f"{_CHECK}\ncheck(double)",
    ),
    "MBXP": _human_eval("MBPP/901", language="python", description="Double."),
    "MathQA": _human_eval(
        "MathQA/900",
        language="python",
        description="Double.",
        test="candidate = double\nassert candidate(2) == 4\ndef check(x): pass\n",
    ),
    "MBPP": Sample("MBPP/900", MBPP, MBPP["code"], "def double(n):\n    return n\n"),
    "LeetCodeDataset": Sample(
        "least-number", leetcode(), leetcode()["completion"], _SOLUTION.format("xs[0]")
    ),
    "LeetCodeDataset with nodes": Sample(
        "length",
        leetcode(
            task_id="length",
            completion=_LENGTH.format(0),
            entry_point="Solution().length",
            test="def check(candidate):\n    assert candidate(head = list_node([1, 2])) == 2\n",
        ),
        _LENGTH.format(0),
        _LENGTH.format(1),
    ),
    "BigCodeBench": Sample(
        "BigCodeBench/9001",
        BIG_CODE_BENCH,
        "    return json.loads(text)[:LIMIT]",
        "    return json.loads(text)",
    ),
    "ODEX": Sample("ODEX/9001", ODEX, "re.findall('\\\\w', text)", "text.split(',')"),
    "DS-1000": Sample("DS-1000/7", DS_1000, "    return 1 + n", "    while True:\n        break"),
    "ClassEval": Sample(
        "ClassEval_900",
        CLASS_EVAL,
        "class Stack:\n    def root(self, n):\n        return int(math.sqrt(n))\n",
        "class Stack:\n    def root(self, n):\n        return n\n",
    ),
    "NaturalCodeBench": Sample(
        "NaturalCodeBench/900", NATURAL, _GREET.format(""), _GREET.format(" + '!'")
    ),
    "KodCode": Sample("KodCode/Prefill_900_I", KOD_CODE, _ADD.format("+"), _ADD.format("-")),
    "CRUXEval": Sample("CRUXEval/sample_900", CRUX, "[(2, 'a'), (2, 'b')] # so", "[(2, 'b')]"),
    "PythonProgrammingPuzzles": Sample("P3/Root_1_0", PUZZLE, "    return [3]", "    return [3.0]"),
    "CoderEval": Sample(
        "CoderEval/62e60f43d76274f8a4026e28",
        CODER_EVAL,
        "def area(self):\n    return self.r**2 * math.pi",
        "    def area(self):\n        return self.r * math.pi",
    ),
    "APPS": Sample("APPS/900", APPS, _TWICE.format("xs + xs"), _TWICE.format("xs")),
}
