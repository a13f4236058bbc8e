"""What a program finds at its start: in a jail as in a bare interpreter."""

import pytest

from infra.contracts.base import Label
from infra.contracts.problems import CallTest, StdioTest
from tests.integration.judged import judged

STREAMS = {
    "reconfigure": "sys.stdout.reconfigure(encoding='utf-8')",
    "reconfigure line buffering": "sys.stdout.reconfigure(line_buffering=True)",
    "wrap output": "sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='utf-8')",
    "wrap errors": "sys.stderr = io.TextIOWrapper(sys.stderr.buffer, encoding='utf-8')",
    "wrap input": "sys.stdin = io.TextIOWrapper(sys.stdin.buffer, encoding='utf-8')",
    "wrap input in a buffer": "sys.stdin = io.BufferedReader(sys.stdin.buffer.raw, 1 << 20)",
    "open by number": "sys.stdout = open(1, 'w'); sys.stdin = open(0)",
    "ask": "assert sys.stdin.seekable() and not sys.stdout.seekable()",
}


@pytest.mark.parametrize("name", STREAMS)
def test_standard_streams_are_those_of_a_fresh_interpreter(slot, name):
    start = f"import io, sys\n{STREAMS[name]}\n"
    reads = "line = sys.stdin.readline()\nline = getattr(line, 'decode', lambda: line)()\n"
    program = f"{start}{reads}print('é', line, end='')\n"
    function = f"{start}print('x')\ndef f(n): return n\n"

    output = judged(slot, program, StdioTest(stdin="ü\nb\n", expected_stdout="é ü\n"))
    answer = judged(slot, function, CallTest(args=(1,), expected=1))

    assert output.label is Label.ALL_PASS, output
    assert answer.label is Label.ALL_PASS, answer
