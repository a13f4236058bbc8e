"""What a program finds at its start and does at its end: in a jail as in a bare interpreter."""

import subprocess
import sys

import pytest

from infra.contracts.base import Label
from infra.contracts.problems import CallTest, Limits, StdioTest
from tests.integration.judged import judged

STREAMS = {
    "reconfigure": "sys.stdout.reconfigure(encoding='utf-8')",
    "reconfigure line buffering": "sys.stdout.reconfigure(line_buffering=True)",
    "wrap output": "sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='utf-8')",
    "wrap errors": "sys.stderr = io.TextIOWrapper(sys.stderr.buffer, encoding='utf-8')",
    "wrap input": "sys.stdin = io.TextIOWrapper(sys.stdin.buffer, encoding='utf-8')",
    "wrap input in a buffer": "sys.stdin = io.BufferedReader(sys.stdin.buffer.raw, 1 << 20)",
    "open by number": "sys.stdout = open(1, 'w'); sys.stdin = open(0)",
    "detach": "sys.stdout = io.TextIOWrapper(sys.stdout.detach(), 'utf-8', write_through=True)",
    "ask": "assert sys.stdin.seekable() and not sys.stdout.seekable()",
}


def bare(tmp_path, program, stdin=""):
    """What the interpreter itself makes of a program."""
    script = tmp_path / "program.py"
    script.write_text(program)
    return subprocess.run(
        [sys.executable, "-I", "-X", "utf8", str(script)], input=stdin.encode(),
        capture_output=True, timeout=30, check=False,
    )  # fmt: skip


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


FAST_INPUT = """
import os, sys
from io import BytesIO, IOBase
BUFSIZE = 8192
class FastIO(IOBase):
    newlines = 0
    def __init__(self, file):
        self._fd = file.fileno()
        self.buffer = BytesIO()
        self.writable = "x" in file.mode or "r" not in file.mode
        self.write = self.buffer.write if self.writable else None
    def read(self):
        while True:
            b = os.read(self._fd, max(os.fstat(self._fd).st_size, BUFSIZE))
            if not b:
                break
            ptr = self.buffer.tell()
            self.buffer.seek(0, 2), self.buffer.write(b), self.buffer.seek(ptr)
        self.newlines = 0
        return self.buffer.read()
    def readline(self):
        while self.newlines == 0:
            b = os.read(self._fd, max(os.fstat(self._fd).st_size, BUFSIZE))
            self.newlines = b.count(b"\\n") + (not b)
            ptr = self.buffer.tell()
            self.buffer.seek(0, 2), self.buffer.write(b), self.buffer.seek(ptr)
        self.newlines -= 1
        return self.buffer.readline()
    def flush(self):
        if self.writable:
            os.write(self._fd, self.buffer.getvalue())
            self.buffer.truncate(0), self.buffer.seek(0)
class IOWrapper(IOBase):
    def __init__(self, file):
        self.buffer = FastIO(file)
        self.flush = self.buffer.flush
        self.writable = self.buffer.writable
        self.write = lambda s: self.buffer.write(s.encode("ascii"))
        self.read = lambda: self.buffer.read().decode("ascii")
        self.readline = lambda: self.buffer.readline().decode("ascii")
sys.stdin, sys.stdout = IOWrapper(sys.stdin), IOWrapper(sys.stdout)
input = lambda: sys.stdin.readline().rstrip("\\r\\n")
print(sum(map(int, input().split())))
"""
OWN_OUTPUT = """
import os, sys
ENDS = 0
class Output:
    def __init__(self):
        self.parts = []
    def write(self, text):
        self.parts.append(text)
    def flush(self):
        global ENDS
        ENDS += 1
        os.write(1, f"{ENDS}: {self.parts} ".encode())
        LAST
sys.stdout = Output()
print("x")
"""
FINALIZER = """
SOUND = "sound"
class Thing:
    def __del__(self):
        print("the end of", SOUND, Other.__name__)
class Other: pass
thing = Thing()
AGAIN
"""
ENDS = {
    "fast input and output": FAST_INPUT,
    "output of one's own": OWN_OUTPUT.replace("LAST", ""),
    "output of one's own that fails": OWN_OUTPUT.replace("LAST", "raise OSError"),
    "output of one's own, exit": OWN_OUTPUT.replace("LAST", "") + "sys.exit()",
    "output of one's own, error": OWN_OUTPUT.replace("LAST", "") + "1 / 0",
    "finalizer": FINALIZER.replace("AGAIN", ""),
    "finalizer, exit": FINALIZER.replace("AGAIN", "import sys; sys.exit()"),
    "finalizer in a cycle": FINALIZER.replace("AGAIN", "thing.itself = thing"),
    "finalizer, other output":
        FINALIZER.replace("AGAIN", "import io, sys; sys.stdout = io.StringIO()"),
    "finalizer, no output": FINALIZER.replace("AGAIN", "import sys; print(1); sys.stdout = None"),
    "finalizer without a collector": FINALIZER.replace("AGAIN", "import gc; gc.disable()"),
    "exit handler that fails": "import atexit\natexit.register(lambda: 1 / 0)\nprint(1)",
    "exit handler that exits": "import atexit, sys\natexit.register(sys.exit, 3)\nprint(1)",
    "exit handler that replaces output":
        "import atexit, io, sys\n"
        "atexit.register(lambda: setattr(sys, 'stdout', io.StringIO()))\nprint(1)",
    "detached output": "import sys\nprint(1)\nsys.stdout.detach()",
    "detached output, kept":
        "import io, sys\nsys.stdout = io.TextIOWrapper(sys.stdout.detach())\nprint(1)",
    "deleted output": "import sys\nprint(1, flush=True)\ndel sys.stdout, sys.__stdout__",
    "closed output": "import sys\nprint(1)\nsys.stdout.close()",
    "closed output by number": "import os\nprint(1)\nos.close(1)",
    "file of one's own": "file = open(1, 'w', closefd=False)\nfile.write('1')\ndef f(): file",
    "thread that uses globals":
        "import threading, time\nONE = 1\n"
        "threading.Thread(target=lambda: time.sleep(0.05) or print(ONE)).start()",
    "module that has no name": "import sys\nONE = 1\ndel sys.modules['__main__']\nprint(ONE)",
}  # fmt: skip


@pytest.mark.parametrize("name", ENDS)
def test_a_program_ends_as_in_a_bare_interpreter(slot, tmp_path, name):
    alone = bare(tmp_path, ENDS[name], "1 2\n")

    verdict = judged(
        slot, ENDS[name], StdioTest(stdin="1 2\n", expected_stdout=alone.stdout.decode())
    )

    assert (verdict.label is Label.ALL_PASS) == (alone.returncode == 0), (alone, verdict)
    assert verdict.stdout == alone.stdout.decode()


FINDS = {
    "a file's name": (
        "import os, sys\n"
        "print(os.path.dirname(os.path.abspath(__file__)) == os.getcwd())\n"
        "print(os.path.basename(__file__) == os.path.basename(sys.argv[0]))\n",
        "True\nTrue\n",
    ),
    "time zones": (
        "from datetime import datetime\n"
        "from zoneinfo import ZoneInfo, available_timezones\n"
        "print(datetime(2024, 7, 1, 12, tzinfo=ZoneInfo('Europe/Paris')).isoformat())\n"
        "print('America/New_York' in available_timezones())\n",
        "2024-07-01T12:00:00+02:00\nTrue\n",
    ),
}


@pytest.mark.parametrize("name", FINDS)
def test_a_program_finds_what_a_bare_one_does(slot, tmp_path, name):
    program, printed = FINDS[name]
    if bare(tmp_path, f"import os\nos.chdir({str(tmp_path)!r})\n{program}").returncode != 0:
        pytest.skip("this machine has no time zones")

    verdict = judged(slot, program, StdioTest(expected_stdout=printed))

    assert verdict.label is Label.ALL_PASS, verdict


NAMES = {
    "input": "print(open('/dev/stdin').read(), end='')",
    "input once more": "input(); print(open('/dev/stdin').read(), end='')",
    "input as the standard one":
        "import sys\nsys.stdin = open('/dev/stdin')\n"
        "print(input())\nprint(input())\nassert not sys.stdin.read()",
    "input by number": "print(open('/dev/fd/0').read(), end='')",
    "output": "import sys\nopen('/dev/stdout', 'w').write(sys.stdin.read())",
    "output in turns":
        "import sys\nprint(input(), flush=True)\n"
        "with open('/dev/stdout', 'a') as file: print(input(), file=file)",
    "output by number": "import sys\nopen('/dev/fd/1', 'w').write(sys.stdin.read())",
    "errors":
        "import sys\nopen('/dev/stderr', 'w').write('no')\nprint(sys.stdin.read(), end='')",
    "shared memory still": "open('/dev/shm/x', 'w')\nprint(open('/dev/stdin').read(), end='')",
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_standard_files_have_names(slot, name):
    verdict = judged(slot, NAMES[name], StdioTest(stdin="1\n2\n", expected_stdout="1\n2\n"))

    assert verdict.label is Label.ALL_PASS, verdict
    assert verdict.stderr == ("no" if name == "errors" else "")


def test_a_large_input_has_a_name_and_leaves_the_room_for_files(slot):
    size = 10**6 - 3
    program = """
total = sum(len(line) for line in open('/dev/stdin'))
with open('file', 'wb', buffering=0) as file:
    wrote = file.write(bytes(2 * 2**20))
    more = 0
    try:
        more = file.write(bytes(2 * 2**20))
    except OSError:
        pass
print(total, wrote, more)
"""
    limits = Limits(file_bytes=2 * 2**20, memory_bytes=64 * 2**20)
    test = StdioTest(stdin="x" * (size - 1) + "\n", expected_stdout=f"{size} {2**21} 0\n")

    verdict = judged(slot, program, test, limits=limits)

    assert verdict.label is Label.ALL_PASS, verdict
