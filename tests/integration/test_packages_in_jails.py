"""Images of packages: what a jail sees of one."""

import contextlib
import stat

import pytest

from executor.images.packages import Images
from executor.judging.asserting import SuiteBroken
from executor.judging.judge import Judge
from executor.sandbox.slot import Slot
from executor.settings import ExecutorSettings
from infra.contracts.base import Integrity, IntegrityRule, Label
from infra.contracts.execution import Suite
from infra.contracts.problems import AssertTest, CallTest
from infra.observability import metrics
from tests.integration.judged import results

SITE = "/image/site"
PROGRAM = f"""
import os, subprocess, sys, sysconfig
import numpy
def warm(): return "numpy" in before
def version(): return numpy.__version__
def last(): return sys.path[-1]
def where(): return [sysconfig.get_path(name) for name in ("purelib", "platlib")]
def child():
    command = [sys.executable, "-c", "import numpy; print(numpy.__version__)"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()
def refused():
    found = []
    for change in (
        lambda: open("{SITE}/numpy/__init__.py", "a"),
        lambda: open("{SITE}/new.py", "w"),
        lambda: os.unlink("{SITE}/numpy/__init__.py"),
        lambda: os.chmod("{SITE}", 0o777),
        lambda: os.rename("{SITE}/numpy", "{SITE}/other"),
        lambda: os.mkdir("/image/other"),
    ):
        try:
            change()
            found.append("done")
        except OSError as error:
            found.append(error.errno in (1, 13, 30))
    return found
def leaks():
    told = []
    for folder, _, files in os.walk("{SITE}/numpy/lib"):
        for name in files:
            with open(os.path.join(folder, name), "rb") as file:
                told += [name] if b"/images/" in file.read() else []
    return told
"""


@pytest.mark.parametrize("strict", [False, True])
def test_a_candidate_finds_the_packages_and_cannot_change_them(open_directory, numpy_image, strict):
    program = "import sys\nbefore = set(sys.modules)\n" + PROGRAM
    functions = ("warm", "version", "last", "where", "child", "refused", "leaks")
    pin = next(file for file in numpy_image.folder.glob("site/numpy-*.dist-info"))
    version = pin.name.removeprefix("numpy-").removesuffix(".dist-info")

    found = results(open_directory / "executor", "numpy", program, strict, functions)

    values = [True, version, SITE, [SITE, SITE], version, [True] * 6, []]
    assert found == [f"got {value!r}, expected 'no'" for value in values]


def test_what_is_built_is_read_only_and_complete(numpy_image):
    modes = {path.lstat().st_mode for path in numpy_image.folder.rglob("*")}
    modes.add(numpy_image.folder.stat().st_mode)

    assert not any(mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH) for mode in modes)
    assert all(mode & stat.S_IROTH for mode in modes)
    assert not (numpy_image.folder / "site" / "bin").exists()
    assert numpy_image.num_bytes > 2**20


def test_the_memory_of_a_warm_interpreter_is_shown(open_directory, numpy_image):
    def shown():
        samples = metrics.ZYGOTE_BYTES.collect()[0].samples
        return {sample.labels["image"]: sample.value for sample in samples}

    before = shown().get("numpy", 0)
    suite = Suite(tests=(CallTest(function="f"),), image="numpy")
    with contextlib.closing(Slot(ExecutorSettings(home=open_directory / "executor"), 15)) as slot:
        Judge(slot.sandbox, suite, "test").judge("def f(): pass")
        during = shown()["numpy"]

    assert during - before > 2**20
    assert shown()["numpy"] == before


@pytest.mark.parametrize("strict", [False, True])
def test_tests_beside_the_candidate_have_the_packages_too(open_directory, numpy_image, strict):
    source = (
        "import numpy\nfrom solution import f\n"
        "def test_f(tmp_path): assert (f(2) == numpy.zeros(2)).all()\n"
    )
    tests = (AssertTest(source=source, module="solution"),)
    program = "import numpy\ndef f(n): return numpy.zeros(n)"
    settings = ExecutorSettings(home=open_directory / "executor", strict=strict)
    with contextlib.closing(Slot(settings, 15)) as slot:

        def judged(image):
            suite = Suite(tests=tests, image=image, integrity=IntegrityRule.SHARED)
            return Judge(slot.sandbox, suite, slot.version_with(image)).judge(program)

        verdict = judged("numpy")
        with pytest.raises(SuiteBroken, match="the image `numpy` has it"):
            judged("std")

    assert (verdict.label, verdict.integrity) == (Label.ALL_PASS, Integrity.SHARED)


SCIENCE = """
import matplotlib.pyplot, networkx, numpy, pandas, scipy.optimize, sortedcontainers, sympy
import hypothesis, pytest, pytest_asyncio, pytest_mock
import sklearn.linear_model
def f():
    points = numpy.arange(10).reshape(-1, 1)
    slope = sklearn.linear_model.LinearRegression().fit(points, points * 2).coef_
    matplotlib.pyplot.plot([1, 2])
    matplotlib.pyplot.savefig("/tmp/plot.png")
    return [
        round(float(slope.squeeze()), 6),
        int(pandas.Series(range(5)).sum()),
        round(float(scipy.optimize.brentq(lambda x: x - 1, 0, 3)), 6),
        str(sympy.factor(sympy.sympify("x**2 - 1"))),
        networkx.path_graph(3).number_of_edges(),
        list(sortedcontainers.SortedList([2, 1])),
    ]
"""


@pytest.mark.thorough
def test_everything_that_science_promises_works_in_a_jail(open_directory):
    home = open_directory / "executor"
    built = Images(home).build("science")

    told = results(home, "science", SCIENCE)

    assert built.num_bytes > 100 * 2**20
    assert told == ["got [2.0, 10, 1.0, '(x - 1)*(x + 1)', 2, [1, 2]], expected 'no'"]
