"""Images of packages: what pip makes of them."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from executor import label
from executor.images.packages import Images
from executor.judging.judge import Judge
from executor.sandbox import cell
from executor.sandbox.slot import Slot
from executor.settings import ExecutorSettings
from infra import errors
from infra.contracts.base import IntegrityRule, Label
from infra.contracts.execution import Suite
from infra.contracts.problems import AssertTest, CallTest, Problem
from tests.integration.judged import results
from tests.wheels import Wheels, own_home


@pytest.fixture
def home(open_directory, request):
    return own_home(open_directory, request.node.nodeid)


@pytest.fixture
def wheels(tmp_path):
    return Wheels(tmp_path)


def names(home):
    """What is there of packages."""
    here = (path.name for path in (home / "images").iterdir())
    return sorted(name for name in here if not name.startswith((".", "python")))


@pytest.mark.slow
def test_the_list_says_what_is_built_and_how_large_it_is(home, wheels):
    wheels.add("thing", "1.0", {"thing.py": ""})
    built = Images(home).build("mine", wheels.requirements("thing"))
    command = [sys.executable, "-m", "services.cli.start", "images", "list", "--json"]
    environment = os.environ | {"RRTF_EXECUTOR_HOME": str(home)}

    told = subprocess.run(command, env=environment, capture_output=True, check=True).stdout

    listed = json.loads(told)
    assert {name: image["built"] for name, image in listed.items()} == {
        "mine": True, "notebook": False, "numpy": False, "science": False, "std": True,
    }  # fmt: skip
    assert listed["mine"] == {
        "packages": ["thing"], "built": True, "bytes": built.num_bytes, "digest": built.digest,
    }  # fmt: skip
    assert "pandas" in listed["science"]["packages"]


def start_build(home):
    environment = os.environ | {"RRTF_EXECUTOR_HOME": str(home)}
    command = [sys.executable, "-m", "services.cli.start", "images", "build", "numpy"]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.mark.slow
def test_a_build_that_was_killed_leaves_nothing_that_counts(home):
    with start_build(home) as process:
        while not list(home.glob("images/unpacking-*/unpacked")):
            assert process.poll() is None, process.stdout.read()
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert [name for name in names(home) if not name.startswith("unpacking-")] == []
    with pytest.raises(errors.ImageMissing):
        Images(home).find("numpy")

    built = Images(home).build("numpy")

    assert names(home) == [built.folder.name]


@pytest.mark.thorough
def test_two_builders_at_once_make_one_image(home):
    with start_build(home) as one, start_build(home) as other:
        told = [process.communicate()[0] for process in (one, other)]

    assert [one.returncode, other.returncode] == [0, 0], told
    assert names(home) == [Images(home).find("numpy").folder.name]


def test_an_image_of_ones_own_has_what_its_requirements_take(home, wheels):
    wheels.add("Support_It", "1.0", {"supporting/__init__.py": "VALUE = 41\n"})
    wheels.add("main_thing", "2.0", {"main.py": "import supporting\n"}, ["support-it>=1"])
    images = Images(home)

    built = images.build("mine", wheels.requirements("main-thing"))

    pinned = images.pinned()["mine"]
    assert pinned.modules == {"main", "supporting"}
    assert pinned.warm == built.warm == ("main",)
    assert "Support_It==1.0 --hash=sha256:" in pinned.requirements
    program = "import main\ndef f(): return main.supporting.VALUE + 1"
    assert results(home, "mine", program) == ["got 42, expected 'no'"]


@pytest.mark.slow
def test_the_same_requirements_are_one_folder_and_others_another(home, wheels):
    wheels.add("thing", "1.0", {"thing.py": "VALUE = 1\n"})
    images = Images(home)
    first = images.build("mine", wheels.requirements("thing"))
    assert images.build("mine", wheels.requirements("thing")).folder == first.folder
    assert images.build("mine").folder == first.folder
    assert images.build("yours", wheels.requirements("thing")).folder == first.folder
    assert images.pinned()["yours"].modules == {"thing"}

    wheels.add("thing", "1.1", {"thing.py": "VALUE = 2\n"})
    second = images.build("mine", wheels.requirements("thing"))

    assert second.folder != first.folder
    assert images.find("yours").folder == first.folder
    program = "import thing\ndef f(): return thing.VALUE"
    assert results(home, "mine", program) == ["got 2, expected 'no'"]
    assert results(home, "yours", program) == ["got 1, expected 'no'"]


@pytest.mark.slow
def test_a_judge_has_the_packages_that_were_built_last(home, wheels):
    from executor.worker.judges import Judges

    program = "import thing\ndef f(): return thing.VALUE"
    suite = Suite(tests=(CallTest(function="f", expected=2),), image="mine")
    with contextlib.closing(Slot(ExecutorSettings(home=home), 15)) as slot:
        judges, verdicts = Judges(slot), []
        for version in (1, 2):
            wheels.add("thing", f"{version}.0", {"thing.py": f"VALUE = {version}\n"})
            Images(home).build("mine", wheels.requirements("thing"))
            verdicts.append(judges.get("suite", suite).judge(program))

    assert [verdict.label for verdict in verdicts] == [Label.PARTIAL_PASS, Label.ALL_PASS]
    assert verdicts[0].sandbox != verdicts[1].sandbox


def test_packages_that_are_not_to_be_had_are_named_and_nothing_is_left(home, wheels):
    with pytest.raises(errors.ImageNotBuilt, match="missing-thing"):
        Images(home).build("mine", wheels.requirements("missing-thing"))

    assert names(home) == []


def test_a_wheel_that_was_changed_is_refused(home, wheels):
    wheels.add("thing", "1.0", {"thing.py": "VALUE = 1\n"})
    changed = "thing==1.0 --hash=sha256:" + "0" * 64

    with pytest.raises(errors.ImageNotBuilt, match="HASHES"):
        Images(home).build("mine", wheels.requirements(changed))

    assert names(home) == []


@pytest.mark.slow
def test_no_code_of_a_package_runs_while_it_is_built(home, wheels, tmp_path):
    ran = tmp_path / "ran"
    (tmp_path / "source-1.0").mkdir()
    (tmp_path / "source-1.0" / "setup.py").write_text(f"open({str(ran)!r}, 'w')\n")
    wheels.add("thing", "1.0", {"thing.py": f"open({str(ran)!r}, 'w')\n", "bad.py": "no Python"})
    images = Images(home)

    images.build("mine", wheels.requirements("thing"))
    with pytest.raises(errors.ImageNotBuilt):
        images.build("other", wheels.requirements(f"{tmp_path}/source-1.0"))

    assert not ran.exists()


def test_modules_that_cannot_be_loaded_are_left_to_who_imports_them(home, wheels):
    wheels.add("thing", "1.0", {"thing.py": "raise RuntimeError('not here')\n"})
    Images(home).build("mine", wheels.requirements("thing"))
    program = (
        "def f():\n    try:\n        import thing\n    except RuntimeError as e: return str(e)"
    )

    assert results(home, "mine", program) == ["got 'not here', expected 'no'"]


def test_a_module_that_starts_threads_is_named(home, wheels):
    source = "import threading, time\nthreading.Thread(target=time.sleep, args=(99,)).start()\n"
    wheels.add("thing", "1.0", {"thing.py": source})
    Images(home).build("mine", wheels.requirements("thing"))

    with pytest.raises(errors.SandboxError, match="to load thing starts threads"):
        results(home, "mine", "def f(): return 1")


HOLDING = """
import os, threading
def pytest_configure(config):
    config.ended = threading.Event()
    config.waiting = threading.Thread(target=config.ended.wait)
    config.waiting.start()
    config.held = open(os.devnull)
def pytest_unconfigure(config):
    config.ended.set()
    config.waiting.join()
"""


@pytest.mark.slow
def test_a_plug_in_holds_in_each_jail_what_none_has_of_the_zygote(home, wheels):
    wheels.add("thing", "1.0", {"thing.py": HOLDING}, entry_points="[pytest11]\nthing = thing\n")
    Images(home).build("mine", wheels.requirements("thing"))
    source = """
def test_f(request, tmp_path):
    assert f() == 1 and request.config.waiting.is_alive() and request.config.held.read() == ""
"""
    rule = IntegrityRule.SHARED
    suite = Suite(tests=(AssertTest(source=source),), image="mine", entry_point="f", integrity=rule)

    with contextlib.closing(Slot(ExecutorSettings(home=home), 15)) as slot:
        made = Judge(slot.sandbox, suite, slot.version_with("mine"))
        verdict = made.judge("def f(): return 1")

    assert verdict.label is Label.ALL_PASS, verdict


@pytest.mark.parametrize("name", ["Mine", "../x", "", "a b"])
def test_a_name_that_is_none_is_refused(home, wheels, name):
    with pytest.raises(errors.InvalidInput, match="cannot name an image"):
        Images(home).build(name, wheels.requirements("thing"))


def test_images_of_the_suite_cannot_be_replaced(home, wheels):
    with pytest.raises(errors.InvalidInput, match="image of the suite"):
        Images(home).build("numpy", wheels.requirements("thing"))


def test_images_are_found_in_a_further_folder_too(home, open_directory, numpy_image):
    further = open_directory / "executor" / "images"

    assert Images(home, further).find("numpy").folder == numpy_image.folder
    with pytest.raises(errors.ImageMissing, match="rrtf images build numpy"):
        Images(home).find("numpy")


def test_labels_say_which_image_is_missing_before_anything_runs(home, monkeypatch):
    monkeypatch.setenv("RRTF_EXECUTOR_HOME", str(home))
    test = CallTest(function="f")
    problem = Problem(slug="p", prompt="p", tests=(test,), image="science")

    with pytest.raises(errors.ImageMissing) as raised:
        next(label([problem], [{"task_id": "p", "program": "def f(): pass"}], slots=1))

    assert raised.value.detail == (
        "this executor has no image 'science'; build it with rrtf images build science"
    )


@pytest.mark.slow
def test_few_cells_are_kept_warm_and_all_of_them_work(home, wheels, monkeypatch):
    monkeypatch.setattr(cell, "MOST_CELLS", 2)
    images = Images(home)
    count = cell.MOST_CELLS + 1
    for number in range(count):
        wheels.add(f"thing{number}", "1.0", {f"thing{number}.py": f"VALUE = {number}\n"})
        images.build(f"mine{number}", wheels.requirements(f"thing{number}"))
    with contextlib.closing(Slot(ExecutorSettings(home=home), 15)) as slot:
        judges = {}
        for number in [*range(count), *range(count)]:
            suite = Suite(tests=(CallTest(function="f", expected=number),), image=f"mine{number}")
            judge = judges.setdefault(number, Judge(slot.sandbox, suite, "test"))
            program = f"import thing{number}\ndef f(): return thing{number}.VALUE"
            assert judge.judge(program).label is Label.ALL_PASS
        warm = [one for one in slot.sandbox._family.members.values() if one.is_warm]

    assert len(warm) == cell.MOST_CELLS
