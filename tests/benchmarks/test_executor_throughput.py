"""Candidates a second through the sandbox, beside the floor: the same tests with no sandbox at all.

The floor runs candidate and tests together in one bare interpreter (`python -I -S`), as graders
without isolation do. Both run on two threads, on the same programs, in one run.
"""

import contextlib
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from queue import Queue

from executor.judging.judge import Judge
from executor.sandbox.slot import Slot
from executor.settings import ExecutorSettings
from infra.contracts.base import Label
from infra.contracts.execution import Suite
from services.starter import load as starter

THREADS = 2
REPEATS = 8


def timed(function, items):
    """Run on two threads; return items a second and the sorted latencies in seconds."""

    def one(item):
        began = time.perf_counter()
        function(item)
        return time.perf_counter() - began

    began = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        latencies = sorted(pool.map(one, items))
    return len(items) / (time.perf_counter() - began), latencies


def row(name, rate, latencies, floor):
    p50, p99 = (latencies[int(len(latencies) * q)] * 1000 for q in (0.5, 0.99))
    times = f"p50 {p50:>6.1f} ms   p99 {p99:>6.1f} ms"
    return f"{name:<34}{rate:>9.1f}/s   {times}   {rate / floor:>6.2f} of the floor"


def test_sandboxed_candidates_against_the_bare_floor(open_directory, capsys):
    problems = [
        p for p in starter.problems() if p.tests[0].kind == "assert" and not p.tests[0].check
    ]
    programs = [p for p in problems for _ in range(REPEATS)]
    free = Queue()
    with contextlib.ExitStack() as stack:
        settings = ExecutorSettings(home=open_directory / "executor")
        for number in range(THREADS):
            free.put(stack.enter_context(contextlib.closing(Slot(settings, number))))
        judges = {}

        def sandboxed(problem):
            slot = free.get()
            try:
                key = (problem.slug, id(slot))
                if key not in judges:
                    suite = Suite(tests=problem.tests, entry_point=problem.entry_point)
                    judges[key] = Judge(slot.sandbox, suite, slot.version)
                assert judges[key].judge(problem.reference_program).label is Label.ALL_PASS
            finally:
                free.put(slot)

        def bare(problem):
            program = problem.reference_program + problem.tests[0].source
            subprocess.run([sys.executable, "-I", "-S", "-c", program], check=True)

        floor, bare_latencies = timed(bare, programs)
        rate, latencies = timed(sandboxed, programs)
    with capsys.disabled():
        print()
        print(row("bare interpreter, no sandbox", floor, bare_latencies, floor))
        print(row("nsjail for candidate and tests", rate, latencies, floor))
    assert len(latencies) == len(programs)
