"""Notebooks that are in the way of their kernel, or want more of the machine than is theirs."""

import json

import pytest

from tests.integration.inline.test_notebooks import failed, notebook, shown
from tests.integration.inline.test_sandbox_fusion import in_base_64

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("kernel_image")]


def test_half_of_a_pair_is_shown_as_a_question_mark(raw):
    half = "'a\\ud800b'"
    cells = (
        f"print({half})",
        f"raise ValueError({half})",
        f"class C:\n    __repr__ = lambda self: {half}\nC()",
        f"display({{'x/y': [{half}]}}, raw=True)",
        "import os; print(os.fsdecode(b'\\xff'))",
        "print('after')",
    )

    printed, raised, returned, displayed, _, after = shown(raw, *cells)

    assert printed == {"stdout": "a?b\n", "stderr": "", "display": [], "error": []}
    assert (raised["error"][0]["ename"], raised["error"][0]["evalue"]) == ("ValueError", "a?b")
    assert returned["display"] == [{"text/plain": "a?b"}]
    assert displayed["display"] == [{"x/y": ["a?b"]}]
    assert after["stdout"] == "after\n"


@pytest.mark.parametrize("name", [".notebook", ".notebook/kernel.json", "/tmp/.notebook-/a"])  # noqa: S108 - of the jail
def test_no_file_is_in_the_way_of_the_kernels_own(raw, name):
    (cell,) = shown(raw, f"print(open({name!r}).read())", files={name: in_base_64("mine")})

    assert cell["stdout"] == "mine\n"


def test_files_may_be_called_as_modules_that_the_kernel_needs(raw):
    names = ("code", "pdb", "bdb", "sqlite3", "pydoc", "random", "queue", "helper")
    files = {f"{name}.py": in_base_64("raise RuntimeError('mine')") for name in names}

    body = shown(raw, "import helper", "%run code.py", "import code; code.interact", files=files)

    assert [cell["error"][0]["ename"] for cell in body[:2]] == ["RuntimeError"] * 2
    assert body[2]["error"] == []


@pytest.mark.parametrize("content", ["raise RuntimeError('mine')", "import os; os._exit(3)"])
def test_a_file_that_takes_the_place_of_the_kernels_modules_is_no_failure_of_the_sandbox(
    raw, content
):
    driver = failed(raw, "1", files={"debugpy.py": in_base_64(content)})

    assert driver["return_code"] == 1
    assert "the kernel ended with status" in driver["stderr"]
    assert shown(raw, "1")[0]["display"] == [{"text/plain": "1"}]


POLICIES = """
import ctypes, json, os
call, found = ctypes.CDLL(None, use_errno=True).syscall, []
for policy in (0, 1, 2, 3, 5, 6, 7, 1 << 30, 1 << 30 | 1, 1 << 30 | 3, 1 << 32 | 3):
    for priority in (0, 1):
        given = ctypes.byref(ctypes.c_int(priority))
        if call(144, 0, ctypes.c_ulong(policy), given) == 0: found.append([policy, priority])
print(json.dumps([found, os.sched_getscheduler(0)]))
"""


def test_no_policy_of_the_scheduler_is_had_but_that_of_all(raw):
    (cell,) = shown(raw, POLICIES)

    assert json.loads(cell["stdout"]) == [[[0, 0]], 0]


SOCKETS = """
import os, socket
def fill():
    kept = []
    try:
        while True: kept.append(socket.socketpair())
    except OSError: pass
    for one, other in kept:
        one.setblocking(False)
        try:
            while True: one.send(b"x" * 4096)
        except OSError: pass
    return kept
while True:
    try: child = os.fork()
    except OSError: break
    if child == 0:
        kept = fill()
        while True: os.sched_yield()
kept = fill()
"""


def test_what_the_kernel_holds_for_its_sockets_is_charged_to_a_notebook(raw):
    driver = failed(raw, SOCKETS + "while True: pass", memory_limit_MB=128, total_timeout=20)

    assert "memory limit" in driver["stderr"]


@pytest.mark.parametrize(
    "name", ["folder", "link", "pipe", "/proc/self/environ", "/dev/zero", ".."]
)
def test_nothing_but_plain_files_is_taken(raw, name):
    made = (
        "import os\nos.mkdir('folder')\nos.symlink('/dev/zero', 'link')\nos.mkfifo('pipe')\n"
        "kept = open('kept', 'w').write('1')"
    )

    body = notebook(raw, made, fetch_files=[name, "kept"])

    assert (body["status"], list(body["files"])) == ("Success", ["kept"])
