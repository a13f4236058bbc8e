"""Programs of languages beyond Python in models' answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.contracts.base import Language
from sampler.extraction.program import extract

PROGRAMS = {
    Language.C: "#include <stdio.h>\nint main(void) {\n    puts(\"hi\");\n    return 0;\n}\n",
    Language.CPP: "#include <iostream>\nusing namespace std;\n\nint main() {\n    cout << 1;\n}\n",
    Language.RUST: "use std::io;\n\nfn main() {\n    println!(\"hi\");\n}\n",
    Language.GO: "package main\n\nimport (\n\t\"fmt\"\n)\n\nfunc main() {\n\tfmt.Println(1)\n}\n",
    Language.JAVA: (
        "import java.util.*;\n\npublic class Main {\n"
        "    public static void main(String[] args) {\n        int a = 1;\n    }\n}\n"
    ),
    Language.JAVASCRIPT: (
        "const lines = require('fs').readFileSync(0, 'utf8');\nconsole.log(lines.length);\n"
    ),
    Language.BASH: "#!/bin/bash\nread n\necho $((n + 1))\n",
    Language.TYPESCRIPT: (
        "interface Pair {\n  a: number;\n}\n"
        "const text: string = require('fs').readFileSync(0, 'utf8');\nconsole.log(text);\n"
    ),
    Language.PHP: "<?php\n$n = (int) fgets(STDIN);\nforeach ([1] as $m) {\n    echo $n + $m;\n}\n",
    Language.RUBY: "def twice(n)\n  n * 2\nend\n\nn = gets.to_i\nputs twice(n)\n",
    Language.PERL: "use strict;\nmy $n = <STDIN>;\nprint $n + 1;\n",
    Language.HASKELL: "import System.IO\n\nmain :: IO ()\nmain = do\n  putStrLn n\n",
    Language.KOTLIN: "fun main() {\n    val n = readLine()!!.toInt()\n    println(n + 1)\n}\n",
    Language.R: 'n <- scan(file("stdin"), quiet = TRUE)\ncat(n + 1)\n',
    Language.SCALA: (
        "object Main {\n  def main(words: Array[String]): Unit = {\n    println(1)\n  }\n}\n"
    ),
    Language.D: (
        "import std.stdio;\n\nlong twice(long n)\n{\n    return 2 * n;\n}\n\n"
        "void main() {\n    writeln(twice(1));\n}\n"
    ),
    Language.RACKET: (
        "#lang racket\n\n; Adds one.\n(define (next n)\n  (+ n 1))\n(displayln (next (read)))\n"
    ),
    Language.CSHARP: (
        "using System;\n\nclass Program\n{\n    static void Main()\n    {\n"
        "        Console.WriteLine(1);\n    }\n}\n"
    ),
    Language.VERILOG: (
        "module main(input a, output b);\n  // The other one.\n  assign b = ~a;\n"
        "  initial $display(1);\nendmodule\n"
    ),
    Language.LUA: "local n = io.read('n')\nif n then\n  print(n + 1)\nend\n",
}  # fmt: skip
TAGS = {Language.CPP: ("cpp", "c++"), Language.JAVASCRIPT: ("js", "javascript"),
        Language.GO: ("go", "golang"), Language.RUST: ("rust", "rs")}  # fmt: skip
ANY = pytest.mark.parametrize("language", PROGRAMS, ids=str)


def program_of(language, text, prompt="Print it."):
    return extract(prompt, text, None, language).program


def test_every_language_of_the_suite_is_known():
    assert set(PROGRAMS) | {Language.PYTHON} == set(Language)


@ANY
def test_a_fenced_program_is_taken_as_it_is(language):
    for tag in (*TAGS.get(language, (language.value,)), ""):
        text = f"Sure:\n\n```{tag}\n{PROGRAMS[language]}```\nIt prints."

        assert program_of(language, text).rstrip() == PROGRAMS[language].rstrip()


@ANY
def test_a_bare_program_is_taken_as_it_is(language):
    assert program_of(language, PROGRAMS[language]).rstrip() == PROGRAMS[language].rstrip()


@ANY
def test_an_answer_cut_off_inside_its_fence_is_kept_to_the_end(language):
    text = f"```{language.value}\n{PROGRAMS[language][:-4]}"

    assert program_of(language, text).rstrip() == PROGRAMS[language][:-4].rstrip()


@pytest.mark.parametrize("language", [one for one in PROGRAMS if one is not Language.BASH], ids=str)
def test_chat_around_a_bare_program_is_dropped(language):
    text = f"Here is my program.\n\n{PROGRAMS[language]}\nI hope that it helps!"

    assert program_of(language, text).rstrip() == PROGRAMS[language].rstrip()


def test_chat_before_a_script_is_dropped():
    script = PROGRAMS[Language.BASH]

    assert program_of(Language.BASH, f"This does it:\n\n{script}") == script


@ANY
def test_a_block_of_another_language_is_not_the_program(language):
    others = "```text\n2\n```\n```python\nprint(1)\n```\n"
    text = f"```\n$ ./run < input\n```\n```{language.value}\n{PROGRAMS[language]}```\n{others}"

    assert program_of(language, text).rstrip() == PROGRAMS[language].rstrip()


@pytest.mark.parametrize("language", [Language.C, Language.CPP, Language.RUST, Language.GO,
                                      Language.JAVA], ids=str)  # fmt: skip
def test_the_last_block_that_can_start_is_taken(language):
    tag, program = language.value, PROGRAMS[language]
    first = program.replace("1", "7").replace("hi", "ho")
    text = f"```{tag}\n{first}```\nBetter:\n```{tag}\n{program}```\nA part:\n```{tag}\nx;\n```"

    assert program_of(language, text).rstrip() == program.rstrip()


def test_a_program_that_the_prompt_began_is_continued():
    head, middle, tail = PROGRAMS[Language.CPP].partition("int main() {\n")

    assert program_of(Language.CPP, tail, head + middle) == PROGRAMS[Language.CPP]


@given(st.text(max_size=300), st.sampled_from(list(PROGRAMS)))
def test_no_text_makes_it_fail(text, language):
    first = program_of(language, text)

    assert first == program_of(language, text)
    assert len(first) <= len(text) + len("Print it.") + 1
