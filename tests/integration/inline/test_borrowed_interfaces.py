"""SandboxFusion's and Piston's interfaces: what their clients send, and what they read."""

import subprocess

import httpx
import pytest

from executor.installed import look_up
from infra.contracts.base import Language
from tests.integration.inline.conftest import KEY

needs_compilers = pytest.mark.skipif(
    look_up(Language.CPP).path is None or look_up(Language.C).path is None,
    reason="gcc and g++ are not installed",
)


def run_code(raw, **fields):
    answered = raw.post("/run_code", json={"language": "python", **fields})
    assert answered.status_code == 200, answered.text
    return answered.json()


def piston(raw, content, **fields):
    body = {"language": "python", "version": "*", "files": [{"content": content}], **fields}
    answered = raw.post("/api/v2/execute", json=body)
    assert answered.status_code == 200, answered.text
    return answered.json()


@pytest.mark.slow
def test_run_code_gives_what_the_program_wrote(raw):
    code = "import sys\nprint(int(input()) * 2)\nprint('note', file=sys.stderr)"

    body = run_code(raw, code=code, stdin="21\n", compile_timeout=10, run_timeout=10)

    assert body["status"] == "Success"
    assert body["compile_result"] is None
    run = body["run_result"]
    assert (run["status"], run["return_code"]) == ("Finished", 0)
    assert (run["stdout"], run["stderr"]) == ("42\n", "note\n")
    assert run["execution_time"] > 0
    assert body["files"] == {}


@pytest.mark.parametrize(
    ("code", "return_code", "words"),
    [
        ("raise KeyError('k')", 1, "KeyError"),
        ("import sys; sys.exit(3)", 3, ""),
        ("def f(:", 1, "SyntaxError"),
        ("import os; os.kill(os.getpid(), 11)", -11, ""),
        ("x = bytearray(10**10)", 1, "MemoryError"),
        ("print('x' * 10**7)", -9, "too much output"),
    ],
)
def test_run_code_tells_how_a_program_failed(raw, code, return_code, words):
    body = run_code(raw, code=code)

    assert body["status"] == "Failed"
    assert body["run_result"]["status"] == "Finished"
    assert body["run_result"]["return_code"] == return_code
    assert words in body["run_result"]["stderr"]


def test_run_code_tells_a_time_out(raw):
    body = run_code(raw, code="while True: pass", run_timeout=0.5)

    assert body["status"] == "Failed"
    assert body["run_result"]["status"] == "TimeLimitExceeded"
    assert body["run_result"]["return_code"] is None


@needs_compilers
def test_run_code_compiles(raw):
    good = (
        '#include <cstdio>\nint main() { int n; std::scanf("%d", &n); std::printf("%d", n + 1); }'
    )

    body = run_code(raw, language="cpp", code=good, stdin="41")
    failed = run_code(raw, language="cpp", code="int main() { return x; }")

    assert (body["status"], body["run_result"]["stdout"]) == ("Success", "42")
    assert body["compile_result"]["return_code"] == 0
    assert failed["status"] == "Failed"
    assert failed["run_result"] is None
    assert "was not declared" in failed["compile_result"]["stderr"]
    assert failed["compile_result"]["return_code"] == 1


def test_piston_lists_what_the_executor_has(raw):
    listed = {item["language"]: item for item in raw.get("/api/v2/runtimes").json()}

    assert {"python", "bash"} <= listed.keys()
    assert listed["python"]["version"].startswith("3.")
    assert "py" in listed["python"]["aliases"]
    assert all(item["version"].count(".") == 2 for item in listed.values())


@needs_compilers
def test_the_versions_that_piston_lists_are_the_compilers_own(raw):
    listed = {item["language"]: item["version"] for item in raw.get("/api/v2/runtimes").json()}
    gcc = ["gcc", "-dumpfullversion"]

    assert listed["c"] == subprocess.run(gcc, capture_output=True, text=True).stdout.strip()


def test_piston_has_further_files_beside_the_program(raw):
    files = [
        {"name": "main.py", "content": "import helper; print(helper.answer, open('data').read())"},
        {"name": "helper.py", "content": "answer = 42"},
        {"name": "data", "content": "aGk=", "encoding": "base64"},
    ]
    body = {"language": "python", "version": "*", "files": files}

    assert raw.post("/api/v2/execute", json=body).json()["run"]["stdout"] == "42 hi\n"


def test_piston_runs_with_input_and_arguments(raw):
    body = piston(raw, "import sys\nprint(sys.argv[1:], input())", stdin="in", args=["a", "b"])

    assert body["language"] == "python"
    assert "compile" not in body
    assert body["run"]["stdout"] == body["run"]["output"] == "['a', 'b'] in\n"
    assert (body["run"]["code"], body["run"]["signal"], body["run"]["status"]) == (0, None, None)
    assert body["run"]["memory"] > 0


@needs_compilers
def test_piston_tells_how_a_program_ended(raw):
    failed = piston(raw, "import sys; sys.exit('no')")["run"]
    late = piston(raw, "while True: pass", run_timeout=500)["run"]
    broken = piston(raw, "int main() { return x; }", language="c")
    shell = piston(raw, 'read -r line; echo "$line $1"', language="bash", stdin="a\n", args=["b"])

    assert (failed["code"], failed["status"], failed["stderr"]) == (1, "RE", "no\n")
    assert (late["code"], late["signal"], late["status"]) == (None, "SIGKILL", "TO")
    assert broken["compile"]["code"] == 1
    assert "undeclared" in broken["compile"]["stderr"]
    assert "run" not in broken
    assert shell["run"]["stdout"] == "a b\n"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"language": "cobol"}, "cobol-* runtime is unknown"),
        ({"version": "2.7"}, "python-2.7 runtime is unknown"),
        ({"files": [{"content": "zz", "encoding": "hex"}]}, "cannot be read in their encodings"),
        ({"language": "bash", "image": "numpy"}, "bash has no Python packages"),
    ],
)
def test_piston_refuses_in_its_own_words(raw, fields, message):
    body = {"language": "python", "version": "*", "files": [{"content": "1"}], **fields}

    answered = raw.post("/api/v2/execute", json=body)

    assert answered.status_code == 400
    assert message in answered.json()["message"]


def test_a_key_in_the_address_opens_these_interfaces_and_no_other(inline_url):
    with httpx.Client(base_url=inline_url, auth=("anybody", KEY), timeout=60) as by_address:
        opened = by_address.post("/run_code", json={"language": "python", "code": "print(1)"})
        closed = by_address.get("/v1/stats")
    wrong = httpx.get(f"{inline_url}/api/v2/runtimes", auth=("anybody", "guess"), timeout=30)
    without = httpx.post(
        f"{inline_url}/run_code", json={"language": "python", "code": "1"}, timeout=30
    )

    assert opened.json()["run_result"]["stdout"] == "1\n"
    assert [closed.status_code, wrong.status_code, without.status_code] == [401, 401, 401]


@pytest.mark.slow
@pytest.mark.usefixtures("numpy_image")
def test_both_have_the_packages_that_the_executor_has_unless_others_are_named(raw):
    code = "import numpy\nprint(numpy.arange(4).sum())"

    assert run_code(raw, code=code)["run_result"]["stdout"] == "6\n"
    without = run_code(raw, code=code, image="std")
    assert "No module named 'numpy'" in without["run_result"]["stderr"]

    assert piston(raw, code)["run"]["stdout"] == "6\n"
    assert "No module named 'numpy'" in piston(raw, code, image="std")["run"]["stderr"]


def test_piston_says_what_to_name_instead_of_a_language_with_packages(raw):
    body = {"language": "python_numpy", "version": "*", "files": [{"content": "1"}]}

    answered = raw.post("/api/v2/execute", json=body)

    assert answered.status_code == 400
    assert 'use "language": "python", "image": "numpy"' in answered.json()["message"]
