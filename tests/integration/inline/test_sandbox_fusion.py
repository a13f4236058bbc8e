"""What SandboxFusion's clients rely on beyond a program and its short input."""

import base64
import threading

import httpx
import pytest

from executor.installed import look_up
from infra.contracts.base import Language
from tests.integration.inline.conftest import KEY
from tests.samples import sampled

RAISES = """\
def inner(n):
    return 1 / n

try:
    inner(0)
except ZeroDivisionError:
    import traceback
    traceback.print_exc()
inner(0)
"""
TRACEBACK = """\
  File "/tmp/candidate.py", line 2, in inner
    return 1 / n
"""
TAMPERS = {
    "no exit": "import os\nos._exit = None",
    "exits of its own": "import builtins, sys\nbuiltins.exit = sys.exit = exit = quit = None",
    "no end": "import atexit, contextlib, gc, threading\n"
    "atexit._run_exitfuncs = contextlib.suppress = gc.isenabled = threading._shutdown = None",
    "no modules": "import sys\nsys.modules.clear()",
}
ENDS = {
    "exits": ("import os\nos._exit(3)", 3),
    "is killed": ("import os\nos.kill(os.getpid(), 9)", -9),
    "kills its group": ("import os\nos.kill(0, 9)", -9),
    "raises": ("raise KeyError", 1),
}


def in_base_64(text):
    return base64.b64encode(text.encode()).decode()


def run_code(raw, code, **fields):
    answered = raw.post("/run_code", json={"language": "python", "code": code, **fields})
    assert answered.status_code == 200, answered.text
    return answered.json()


@pytest.mark.slow
def test_files_lie_beside_the_program(raw):
    code = "import helper\nprint(helper.x, open('a/b/c').read(), open(__file__).read()[:6])"
    files = {"helper.py": in_base_64("x = 1"), "a/b/c": in_base_64("deep"), "absent": None}

    body = run_code(raw, code, files=files)

    assert body["run_result"]["stdout"] == "1 deep import\n"


@pytest.mark.parametrize("how", ENDS)
def test_files_are_taken_however_the_program_ends(raw, how):
    ending, return_code = ENDS[how]
    code = f"open('a.txt', 'w').write('text')\nopen('/mnt/b', 'w').write('other')\n{ending}"

    body = run_code(raw, code, fetch_files=["a.txt", "/mnt/b", "absent", "/py"])

    assert body["files"] == {"a.txt": in_base_64("text"), "/mnt/b": in_base_64("other")}
    assert body["run_result"]["return_code"] == return_code


@pytest.mark.skipif(look_up(Language.CPP).path is None, reason="g++ is not installed")
def test_files_lie_beside_a_compiled_program_too(raw):
    code = '#include "seven.h"\n#include <fstream>\nint main() { std::ofstream("o") << SEVEN; }'

    body = run_code(
        raw,
        code,
        language="cpp",
        files={"seven.h": in_base_64("#define SEVEN 7")},
        fetch_files=["o"],
    )

    assert (body["status"], body["files"]) == ("Success", {"o": in_base_64("7")})


LIBRARIES = {
    "java": (
        Language.JAVA,
        "import org.javatuples.Pair;\nclass A { public static void main(String[] a)"
        ' { System.out.print(Pair.with(1, "x")); } }',
        "[1, x]",
    ),
    "nodejs": (
        Language.JAVASCRIPT,
        'process.stdout.write("" + require("lodash").sum([1, 2]))',
        "3",
    ),
    "typescript": (
        Language.TYPESCRIPT,
        'import _ from "lodash"\nimport * as fs from "fs"\nfs.writeSync(1, `${_.sum([1, 2])}`)',
        "3",
    ),
    "php": (Language.PHP, '<?php echo ctype_digit("12") ? mb_strlen("\u00e9") : 0;', "1"),
    "perl": (Language.PERL, "use Test::Deep; print eq_deeply([1, {}], [1, {}]);", "1"),
    "racket": (
        Language.RACKET,
        "\n#lang racket\n(require rackunit)\n(check-within (+ 1 1) 2 0.001)\n(display 3)",
        "3",
    ),
    "csharp": (
        Language.CSHARP,
        "#define X\nclass A {\n#if X\n static void Main() {"
        " Console.Write(new List<int> { 1, 2 }.Sum()); }\n#endif\n}",
        "3",
    ),
    "verilog": (
        Language.VERILOG,
        "`timescale 1 ps/1 ps\nmodule tb();\n typedef struct packed { int errors; } stats;\n"
        ' stats s; initial begin $dumpfile("wave.vcd"); $dumpvars(0, tb); #1 $finish(0); end\n'
        ' final $write("%0d", s.errors + 3);\nendmodule\n',
        "VCD info: dumpfile wave.vcd opened for output.\n3",
    ),
    "lua": (Language.LUA, "require('luaunit').assertEquals({1}, {1}) io.write(3)", "3"),
}
"""A program that imports what published sets import and Debian has, and what it prints."""


@pytest.mark.parametrize("language", LIBRARIES)
def test_libraries_that_published_sets_import_are_there(raw, language):
    ours, code, printed = LIBRARIES[language]
    if look_up(ours).path is None:
        pytest.skip(f"{ours} is not installed")

    body = run_code(raw, code, language=language)

    assert (body["status"], body["run_result"]["stdout"]) == ("Success", printed), body


@pytest.mark.skipif(look_up(Language.CSHARP).path is None, reason="Mono is not installed")
def test_an_assertion_of_csharp_that_fails_ends_the_program(raw):
    code = (
        "using System.Diagnostics;\nclass A { static void Main() {"
        ' Debug.Assert(1 == 1); Console.Write(1); Debug.Assert(1 == 2, "no"); Console.Write(2); } }'
    )

    run = run_code(raw, code, language="csharp")["run_result"]

    assert (run["return_code"], run["stdout"]) == (134, "1")
    assert "Assertion failed.\nno\n" in run["stderr"]


def test_a_file_of_tests_is_run_by_pytest(raw):
    test = "def test_it(tmp_path):\n    assert tmp_path.is_dir()\n    assert helper.x == {}\n"
    files = {"helper.py": in_base_64("x = 1")}

    passed, failed = (
        run_code(raw, f"import helper\n{test.format(x)}", language="pytest", files=files)
        for x in (1, 2)
    )

    assert "1 passed" in passed["run_result"]["stdout"]
    assert (passed["status"], failed["status"]) == ("Success", "Failed")
    assert "assert 1 == 2" in failed["run_result"]["stdout"]


TEST_CODE = {
    "go_test": (
        Language.GO,
        'package main\nimport "testing"\nfunc TestIt(t *testing.T) {{ if 1 != {0} {{'
        ' t.Fatal("one") }} }}\n',
        "ok",
    ),
    "junit": (
        Language.JAVA,
        "import org.junit.jupiter.api.Test;\nimport static org.junit.jupiter.api.Assertions.*;\n"
        "public class Own {{ static int one() {{ return 1; }} }}\nclass OwnTest {{\n"
        "    @Test\n    void isOne() {{ assertEquals({0}, Own.one()); }}\n}}\n",
        "test passed isOne()",
    ),
    "jest": (
        Language.TYPESCRIPT,
        "import {{ expect, test }} from '@jest/globals'\nconst one: number = 1\n"
        "test('is one', () => {{ expect(one).toBe({0}) }})\n",
        "",
    ),
    "kotlin_script": (
        Language.KOTLIN,
        'fun one(): Int = 1\nif (one() != {0}) throw Exception("no")\nprintln("one")\n',
        "one",
    ),
    "D_ut": (
        Language.D,
        "import std.stdio;\nint one() {{ return 1; }}\n"
        'unittest {{ assert(one() == {0}); writeln("one"); }}\nvoid main() {{ }}\n',
        "one",
    ),
}
"""Test code, or a script, in which a number is asked for, and what is printed if that is 1."""


@pytest.mark.slow
@pytest.mark.parametrize("language", sampled(TEST_CODE, 2))
def test_test_code_is_run_by_the_framework_of_its_language(raw, language):
    ours, code, printed = TEST_CODE[language]
    if look_up(ours).path is None:
        pytest.skip(f"{ours} is not installed")
    passed, failed = (
        run_code(raw, code.format(x), language=language, run_timeout=60) for x in (1, 2)
    )
    if "is not installed" in passed["message"]:
        pytest.skip(passed["message"])

    assert (passed["status"], failed["status"]) == ("Success", "Failed"), passed
    assert printed in passed["run_result"]["stdout"]
    assert failed["run_result"]["status"] == "Finished"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"files": {"/py/x": "eA=="}}, "cannot be written"),
        ({"files": {"x": "e"}}, "not in base 64"),
        ({"files": {"x": "é"}}, "not in base 64"),
        ({"language": "lean"}, "not had here"),
        ({"language": "bash", "image": "numpy"}, "no Python packages"),
        ({"image": "unheard-of"}, "no image 'unheard-of'"),
    ],
)
def test_what_is_not_had_is_an_error_of_the_sandbox(raw, fields, words):
    body = run_code(raw, "1", **fields)

    assert (body["status"], body["run_result"]) == ("SandboxError", None)
    assert words in body["message"]


@pytest.mark.parametrize(
    ("fields", "taken"),
    [
        ({"stdin": None, "image": None, "unknown": {}, "files": {"a": None}}, True),
        ({"compile_timeout": True, "run_timeout": True, "memory_limit_MB": False}, True),
        ({"memory_limit_MB": 10**6, "compile_timeout": 0}, True),
        ({"run_timeout": None}, False),
        ({"fetch_files": None}, False),
        ({"language": "cobol"}, False),
        ({"run_timeout": 1000}, False),
    ],
)
def test_fields_are_taken_as_the_original_takes_them(raw, fields, taken):
    body = {"language": "python", "code": "print(1)", **fields}

    answered = raw.post("/run_code?unknown=1", json=body)

    assert answered.status_code == (200 if taken else 422)
    if taken:
        assert answered.json()["run_result"]["stdout"] == "1\n"


def test_the_original_answers_a_ping(inline_url, raw):
    assert raw.get("/v1/ping").json() == "pong"
    assert httpx.get(f"{inline_url}/v1/ping", auth=("any", KEY)).json() == "pong"
    assert httpx.get(f"{inline_url}/v1/ping").status_code == 401


def test_standard_input_may_have_several_mebibytes(raw):
    body = run_code(raw, "import sys\nprint(len(sys.stdin.read()))", stdin="x" * 5_000_000)

    assert body["run_result"]["stdout"] == "5000000\n"


def test_the_time_of_a_run_is_wall_time(raw):
    # Neither the time in which it runs nor that in which it sleeps comes to the limit.
    code = "import time\ntime.sleep(0.8)\nwhile time.process_time() < 0.8: pass"

    body = run_code(raw, code, run_timeout=1)

    assert body["run_result"]["status"] == "TimeLimitExceeded"


def test_tracebacks_have_the_programs_lines_and_none_of_ours(raw):
    told = run_code(raw, RAISES)["run_result"]["stderr"]
    refused = run_code(raw, "x = 1\nint a = 1")["run_result"]["stderr"]

    assert told.count(TRACEBACK) == 2
    assert "/py/guest" not in told
    assert told.endswith("ZeroDivisionError: division by zero\n")
    assert '  File "/tmp/candidate.py", line 2\n    int a = 1\n' in refused


def test_long_standard_error_is_cut_in_its_middle_with_a_mark(raw):
    code = "import sys\nfor n in range(20_000): print(n, file=sys.stderr)\n1 / 0"

    told = run_code(raw, code)["run_result"]["stderr"]

    assert told.startswith("0\n1\n")
    assert "bytes left out" in told
    assert told.endswith("ZeroDivisionError: division by zero\n")


@pytest.mark.parametrize("how", TAMPERS)
def test_what_a_program_takes_from_the_interpreter_it_takes_from_itself(raw, how):
    body = run_code(raw, f"print(1)\n{TAMPERS[how]}")

    assert body["run_result"]["return_code"] == 0
    assert body["run_result"]["stdout"] == "1\n"


def test_programs_of_clients_that_have_hung_up_are_dropped(inline_url, raw):
    headers = {"Authorization": f"Bearer {KEY}"}
    body = {"language": "python", "code": "import time\ntime.sleep(59)", "run_timeout": 60}

    def hang_up():
        with pytest.raises(httpx.TimeoutException):
            httpx.post(f"{inline_url}/run_code", json=body, headers=headers, timeout=0.5)

    clients = [threading.Thread(target=hang_up) for _ in range(6)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()

    # There are two slots: the six would take them for longer than it may wait.
    assert run_code(raw, "print(1)")["status"] == "Success"
