"""Notebooks in both kinds of jail, and what an executor answers without their image."""

import contextlib

import pytest

from executor.judging.running import NotWanted, Runner
from executor.sandbox.slot import Slot
from executor.settings import ExecutorSettings
from executor.worker.inline import InlineWorker
from executor.worker.judges import Judges
from infra.contracts.base import NOTEBOOK_IMAGE, Language
from infra.contracts.inline import Ending, Running
from infra.contracts.problems import Limits
from tests.wheels import own_home

pytestmark = pytest.mark.slow


def runner_of(slot, **limits):
    return Runner(
        slot.sandbox,
        "test",
        Language.PYTHON,
        "kernel",
        Limits(cpu_seconds=20.0, idle_factor=2.0, memory_bytes=2**30, **limits),
        is_notebook=True,
    )


@pytest.mark.usefixtures("kernel_image")
def test_cells_run_in_warm_and_in_strict_jails(slot):
    cells = (
        "a = 1",
        "print(a)\na",
        "1 / 0",
        "!echo $((6 * 7))",
        "print(open('/dev/stdin').read() == '')",
    )

    ran = runner_of(slot).run(Running(cells=cells, wall_seconds=60), lambda: True)

    assert (ran.ending, ran.exit_code) == (Ending.EXITED, 0), ran
    assert [cell.stdout for cell in ran.cells] == ["", "1\n", "", "42\n", "True\n"]
    assert ran.cells[1].display == ({"text/plain": "1"},)
    assert ran.cells[2].error[0]["ename"] == "ZeroDivisionError"


@pytest.mark.usefixtures("kernel_image")
def test_the_limits_of_every_program_hold(slot):
    busy = Running(cells=("while True: pass",), wall_seconds=60)
    sleeping = Running(cells=("import time\nwhile True: time.sleep(1)",), wall_seconds=60)
    runner = Runner(
        slot.sandbox, "test", Language.PYTHON, "kernel",
        Limits(cpu_seconds=1.5, memory_bytes=2**30, idle_factor=1.5), is_notebook=True,
    )  # fmt: skip

    told = [runner.run(running, lambda: True) for running in (busy, sleeping)]

    assert [ran.ending for ran in told] == [Ending.TIME_LIMIT_EXCEEDED] * 2
    assert [ran.error.split()[1] for ran in told] == ["CPU", "idle"]
    assert [ran.cells for ran in told] == [None] * 2


@pytest.mark.usefixtures("kernel_image")
def test_a_notebook_that_nobody_waits_for_is_ended(slot):
    running = Running(cells=("while True: pass",), wall_seconds=60)

    with pytest.raises(NotWanted):
        runner_of(slot).run(running, lambda: False)


def test_an_executor_without_the_image_says_how_to_build_it(open_directory):
    home = own_home(open_directory, "no-notebooks")
    with contextlib.closing(Slot(ExecutorSettings(home=home), 15)) as slot:
        worker = InlineWorker(Judges(slot))
        running = Running(cells=("1",), image=NOTEBOOK_IMAGE)

        (answer,) = worker.answer(running, lambda: True)

    assert (answer.code, answer.permanent) == ("image_missing", False)
    assert "build it with rrtf images build notebook" in answer.reason
