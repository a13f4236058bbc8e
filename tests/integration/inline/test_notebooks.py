"""Notebooks: cells that one kernel runs in a jail, asked for as SandboxFusion's clients do."""

import base64
import json

import pytest

from executor.images.packages import Images
from tests.integration.inline.test_sandbox_fusion import in_base_64, run_code
from tests.samples import sampled

FOLDER = "/tmp"  # noqa: S108 - of the jail
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("kernel_image")]


def notebook(raw, *cells, **fields):
    body = {"cells": cells, "image": "kernel", **fields}
    answered = raw.post("/run_jupyter", json=body)
    assert answered.status_code == 200, answered.text
    return answered.json()


def shown(raw, *cells, **fields):
    body = notebook(raw, *cells, **fields)
    assert (body["status"], body["message"]) == ("Success", ""), body
    assert (body["driver"]["status"], body["driver"]["return_code"]) == ("Finished", 0)
    assert len(body["cells"]) == len(cells)
    return body["cells"]


def failed(raw, *cells, **fields):
    """Run a notebook that does not come to its end; return what became of it."""
    body = notebook(raw, *cells, **fields)
    assert (body["status"], body["cells"], body["files"]) == ("Failed", [], {}), body
    return body["driver"]


def test_a_cell_finds_what_those_before_it_have_made(raw):
    cells = shown(raw, "a = 'hello'", "a", "print(a)", "import sys; print(a, file=sys.stderr); _")

    assert cells == [
        {"stdout": "", "stderr": "", "display": [], "error": []},
        {"stdout": "", "stderr": "", "display": [{"text/plain": "'hello'"}], "error": []},
        {"stdout": "hello\n", "stderr": "", "display": [], "error": []},
        {"stdout": "", "stderr": "hello\n", "display": [{"text/plain": "'hello'"}], "error": []},
    ]


def test_a_notebook_without_cells_has_run(raw):
    assert shown(raw) == []


def test_cells_go_on_after_one_that_raises(raw):
    source = "def f():\n    raise KeyError('x')\nprint(1)\nf()"
    raised, not_parsed, after = shown(raw, source, "1 +", "print(2)")

    (error,) = raised["error"]
    assert (error["ename"], error["evalue"]) == ("KeyError", "'x'")
    assert "f()" in "".join(error["traceback"])
    assert raised["stdout"] == "1\n"
    assert not_parsed["error"][0]["ename"] == "SyntaxError"
    assert after["stdout"] == "2\n"


@pytest.mark.parametrize(
    "endless",
    [
        "while True: pass",
        "import time; time.sleep(60)",
        "!sleep 60",
    ],
)
def test_a_cell_beyond_its_time_is_interrupted_and_the_others_go_on(raw, endless):
    before, late, after = shown(raw, "a = 1", endless, "a", cell_timeout=1)

    assert before["error"] == after["error"] == []
    assert after["display"] == [{"text/plain": "1"}]
    if not endless.startswith("!"):  # Whose command is interrupted.
        assert late["error"][0]["ename"] == "KeyboardInterrupt"


def test_a_cell_that_cannot_be_interrupted_ends_the_notebook(raw):
    stubborn = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"

    driver = failed(raw, stubborn, "1", cell_timeout=0.5)

    assert driver["status"] == "TimeLimitExceeded"


def test_the_time_of_all_cells_is_limited(raw):
    driver = failed(raw, "1", "import time\nfor n in range(60): time.sleep(1)", total_timeout=3)

    assert driver["status"] == "TimeLimitExceeded"


ENDINGS = {
    "it exits": ("import os; os._exit(3)", "cell 2: the kernel ended with status 3"),
    "it is killed": ("import os; os.kill(os.getpid(), 9)", "the kernel ended with status -9"),
    "its group is killed": ("import os; os.kill(0, 9)", "the kernel ended with status -9"),
    "it breaks": ("import ctypes; ctypes.string_at(8)", "the kernel ended with status -11"),
    "who speaks with it is killed": ("import os; os.kill(os.getppid(), 9)", ""),
    "all is killed": ("import os; os.kill(-1, 9)", ""),
    "its channels are closed": (
        "import os\nfor n in range(3, 200):\n    try: os.close(n)\n    except OSError: pass", ""
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", sampled(ENDINGS, 3))
def test_a_kernel_that_ends_ends_the_notebook(raw, how):
    cell, told = ENDINGS[how]

    driver = failed(raw, "a = 1", cell, "a", total_timeout=10)

    assert told in driver["stderr"]
    assert shown(raw, "1")[0]["display"] == [{"text/plain": "1"}]


def test_exit_is_no_end_of_a_notebook_but_its_kernels(raw):
    # What the original makes of it too: `exit` is IPython's, which asks for the end after the cell.
    first, *_ = notebook(raw, "raise SystemExit(3)", "2")["cells"]

    assert first["error"][0]["ename"] == "SystemExit"


@pytest.mark.parametrize(
    "bomb", ["x = []\nwhile True: x.append(bytearray(2**20))", "!tail /dev/zero"]
)
def test_memory_is_limited_over_all_processes(raw, bomb):
    driver = failed(raw, "1", bomb, memory_limit_MB=200)

    assert driver["return_code"] == -9
    assert "memory limit" in driver["stderr"]


def test_processes_are_limited(raw):
    forks = "import os\nwhile True:\n    try: os.fork()\n    except OSError: break\nos.getpid()"

    body = notebook(raw, forks, "1", total_timeout=10)

    assert body["status"] in ("Success", "Failed")
    assert shown(raw, "1")[0]["display"] == [{"text/plain": "1"}]


@pytest.mark.parametrize(
    "much",
    [
        "for n in range(100): print('x' * 2**20)",
        "for n in range(100): display({'x/y': ['x' * 2**20]}, raw=True)",
        "raise ValueError('x' * 2**25)",
        "!cat /dev/zero",
        "import os\nwhile True: os.write(1, b'x' * 2**20)",
    ],
)
def test_what_cells_show_is_limited(raw, much):
    driver = failed(raw, "1", much, total_timeout=30)

    assert driver["return_code"] == -9
    # What the kernel writes faster than it is read takes of its memory.
    words = ("too much output", "show more than", "memory limit")
    assert any(word in driver["stderr"] for word in words), driver


def test_files_are_brought_and_taken(raw):
    files = {"helper.py": in_base_64("x = 1"), "a/b.txt": in_base_64("deep")}
    cells = (
        "import helper; helper.x, open('a/b.txt').read()",
        "kept = open('left.txt', 'w'); kept.write('not closed'); open('/mnt/c', 'w').write('c')",
    )

    body = notebook(raw, *cells, files=files, fetch_files=["left.txt", "/mnt/c", "absent"])

    assert body["cells"][0]["display"] == [{"text/plain": "(1, 'deep')"}]
    taken = {name: base64.b64decode(content).decode() for name, content in body["files"].items()}
    assert taken == {"left.txt": "not closed", "/mnt/c": "c"}


def test_the_shell_and_its_magics_work(raw):
    files = {"a.txt": in_base_64("x\n")}
    cells = (
        "!ls *.txt; echo e >&2; exit 3",
        "x = !echo two\n!true\nx[0], _exit_code",
        "%%bash\necho $((6 * 7)); echo e >&2",
        "%%writefile b.py\nprint('of a file')",
        "%run b.py",
        "!cat < /dev/stdin; false\n_exit_code",
        "%cd a\n",
    )

    found = shown(raw, *cells, files={**files, "a/b": in_base_64("")})

    assert [cell["stdout"] for cell in found] == [
        "a.txt\ne\n", "", "42\n", "Writing b.py\n", "of a file\n", "", f"{FOLDER}/a\n",
    ]  # fmt: skip
    assert found[1]["display"] == [{"text/plain": "('two', 0)"}]
    assert found[2]["stderr"].endswith("e\n")
    assert found[5]["display"] == [{"text/plain": "1"}]


def test_what_children_and_threads_print_is_shown(raw):
    pool = (
        "import multiprocessing, subprocess, threading\n"
        "def f(n):\n    print('child', n)\n    return n + 1\n"
        "with multiprocessing.Pool(2) as pool: print(pool.map(f, [1, 2]))\n"
        "subprocess.run(['echo', 'program'])\n"
        "thread = threading.Thread(target=print, args=('thread',)); thread.start(); thread.join()"
    )

    (cell,) = shown(raw, pool)

    for word in ("child", "[2, 3]", "program", "thread"):
        assert word in cell["stdout"]
    assert cell["error"] == []


def test_nobody_is_there_to_be_asked(raw):
    (cell,) = shown(raw, "input('name? ')")

    assert cell["error"][0]["ename"] == "StdinNotImplementedError"


def test_rich_data_is_shown_in_all_its_forms(raw):
    data = {"a": [1, {"b": None}], "c": "\u20ac"}
    cells = (
        f"from IPython.display import HTML, JSON, display\ndisplay(HTML('<b>'))\nJSON({data})",
        "class C:\n    def _repr_mimebundle_(self, **_):\n"
        "        return {'text/x': '1', 'image/png': b'\\0'}\nC()",
        "display({'text/plain': float('nan')}, raw=True)",
    )

    first, second, _ = shown(raw, *cells)

    assert first["display"][0]["text/html"] == "<b>"
    assert first["display"][1]["application/json"] == data
    assert (second["display"][0]["text/x"], second["display"][0]["image/png"]) == ("1", "AA==")


FORGE = """
import json
kernel = get_ipython().kernel
def forge(kind, content):
    kernel.session.send(kernel.iopub_socket, kind, content, parent=kernel.get_parent("shell"))
def forge_text(kind, content):
    sent = kernel.session
    kept, sent.pack = sent.pack, lambda what: content if what is content else kept(what)
    forge(kind, content)
    sent.pack = kept
"""
FORGERIES = {
    "another cell's text": 'forge("stream", {"name": "stdout", "text": "forged"})',
    "no such stream": 'forge("stream", {"name": "stdlog", "text": "x"})',
    "no text": 'forge("stream", {"name": "stdout", "text": [1]})',
    "no name": 'forge("stream", {"text": "x"})',
    "no data": 'forge("display_data", {})',
    "data that is a list": 'forge("display_data", {"data": [1]})',
    "an error that is none": 'forge("error", {"x": [1]})',
    "a list for a message": 'forge("error", [1])',
    "half of a pair": 'forge_text("stream", b\'{"name": "stdout", "text": "\\\\ud800"}\')',
    "half of a pair in a key": 'forge_text("display_data", b\'{"data": {"\\\\ud800": 1}}\')',
    "no number": 'forge_text("display_data", b\'{"data": {"x": NaN}}\')',
    "a number beyond all": 'forge_text("display_data", b\'{"data": {"x": 1e999}}\')',
    "a large number": 'forge_text("display_data", b\'{"data": {"x": \' + b"9" * 4000 + b"}}")',
    "deep data": (
        'forge_text("display_data", b\'{"data": {"x": \' + b"[" * 900 + b"]" * 900 + b"}}")'
    ),
    "deeper data": 'forge_text("display_data", b"[" * 10**6)',
    "many parts": 'forge("display_data", {"data": {"x": [0] * 3_000_000}})',
    "no JSON": 'forge_text("display_data", b"{")',
    "no message": 'kernel.iopub_socket.send_multipart([b"x"])',
    "another key": 'kernel.session.key = b"x"; forge("stream", {"name": "stdout", "text": "x"})',
    "its end": 'forge("status", {"execution_state": "idle"})',
    "no status": 'forge("status", {})',
    "an answer before the answer": 'forge("execute_reply", {"status": "ok"})',
}


@pytest.mark.parametrize("how", sampled(FORGERIES, 4))
def test_whoever_forges_messages_forges_what_its_own_cells_show(raw, how):
    body = notebook(raw, FORGE + FORGERIES[how], "print('after')", total_timeout=6)

    assert body["status"] in ("Success", "Failed"), body
    if body["status"] == "Success":
        assert len(body["cells"]) == 2
    assert shown(raw, "1")[0]["display"] == [{"text/plain": "1"}]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"image": "unheard-of"}, "image_missing: this executor has no image 'unheard-of'"),
        ({"image": "std"}, "no ipykernel"),
        ({"files": {"/py/x": "eA=="}}, "cannot be written"),
        ({"files": {"x": "e"}}, "not in base 64"),
    ],
)
def test_what_is_not_had_is_an_error_of_the_sandbox(raw, fields, words):
    body = notebook(raw, "1", **fields)

    assert (body["status"], body["cells"], body["driver"]) == ("SandboxError", [], None)
    assert words in body["message"]


@pytest.mark.parametrize(
    ("fields", "taken"),
    [
        ({"unknown": 1, "kernel": "python3", "cell_timeout": -1, "memory_limit_MB": 0}, True),
        ({"cells": None}, False),
        ({"cells": "1"}, False),
        ({"kernel": "ir"}, False),
        ({"total_timeout": 0}, False),
        ({"total_timeout": 1000}, False),
        ({"cell_timeout": "nan"}, False),
        ({"files": {"a": None}}, False),
    ],
)
def test_fields_are_taken_as_the_original_takes_them(raw, fields, taken):
    body = {"cells": ["print(1)"], "image": "kernel", **fields}

    answered = raw.post("/run_jupyter", json=body)

    assert answered.status_code == (200 if taken else 422), answered.text


@pytest.fixture(scope="module")
def whole_image(open_directory):
    """The suite's own image for notebooks."""
    return Images(open_directory / "executor").build("notebook")


PLOT = """
import matplotlib.pyplot as plt
plt.plot([1, 2, 3], [2, 3, 5])
plt.title("Plot")
"""


@pytest.mark.thorough
def test_plots_are_shown_and_packages_are_there(raw, whole_image):
    cells = (
        "import numpy, pandas, scipy.stats, sklearn.linear_model, sympy",
        f"{PLOT}plt.show()",
        PLOT,
        "plt.savefig('a.png'); plt.close('all')\npandas.DataFrame({'a': [1]})",
        "import matplotlib; matplotlib.get_backend()",
    )

    body = raw.post("/run_jupyter", json={"cells": cells, "fetch_files": ["a.png"]}).json()

    assert body["status"] == "Success", body
    found = body["cells"]
    assert [cell["error"] for cell in found] == [[]] * len(cells)
    for plot in (found[1]["display"][-1], found[2]["display"][-1]):
        assert base64.b64decode(plot["image/png"]).startswith(b"\x89PNG")
        assert plot["text/plain"].startswith("<Figure")
    assert "<table" in found[3]["display"][0]["text/html"]
    assert base64.b64decode(body["files"]["a.png"]).startswith(b"\x89PNG")


@pytest.mark.thorough
def test_an_image_is_not_taken_for_programs_because_it_has_a_kernel(raw, whole_image):
    told = run_code(raw, "import sys\nprint('ipykernel' in sys.modules)")

    assert told["run_result"]["stdout"] == "False\n"


def test_a_notebook_sees_what_a_program_sees_and_no_more(raw):
    look = (
        "import os, socket\n"
        "found = [os.path.exists(path) for path in ('/proc/self', '/etc/passwd', '/home')]\n"
        "for family in (socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK):\n"
        "    try: socket.socket(family); found.append(True)\n"
        "    except OSError: found.append(False)\n"
        "found.append(os.getuid() == 0)\n"
        "import json; print(json.dumps(found))"
    )

    ran = run_code(raw, look)["run_result"]["stdout"]

    assert shown(raw, look)[0]["stdout"] == ran
    assert json.loads(ran) == [False] * 7
