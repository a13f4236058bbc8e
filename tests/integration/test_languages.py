"""Programs of every language of the table, honest and hostile, where its toolchain is installed;
where it is not, that is said, and nothing is labelled."""

import contextlib
import shutil
from pathlib import Path

import pytest

from executor.guest import programs
from executor.installed import look_up, survey
from executor.judging.judge import Judge
from executor.languages import TOOLCHAINS
from executor.sandbox.slot import Slot
from executor.settings import ExecutorSettings
from infra import errors
from infra.contracts.base import Label, Language, Outcome
from infra.contracts.execution import Suite
from infra.contracts.problems import CallTest, Limits, Problem, StdioTest
from tests.samples import sampled, slow_where

LIMITS = Limits(
    cpu_seconds=2, total_cpu_seconds=6, memory_bytes=128 * 2**20, output_bytes=64 * 1024
)
# Each reads two numbers and prints their sum, after what is put in the place of ATTACK.
PROGRAMS = {
    Language.C: """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
int main(void) { int a, b; scanf("%d %d", &a, &b); ATTACK printf("%d\\n", a + b); return 0; }
""",
    Language.CPP: """
#include <iostream>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>
#include <sys/socket.h>
int main() { int a, b; std::cin >> a >> b; ATTACK std::cout << a + b << std::endl; }
""",
    Language.RUST: """
use std::io::Read;
fn main() {
    let mut s = String::new(); std::io::stdin().read_to_string(&mut s).unwrap();
    ATTACK
    println!("{}", s.split_whitespace().map(|w| w.parse::<i64>().unwrap()).sum::<i64>());
}
""",
    Language.GO: """
package main
import "fmt"
func main() { var a, b int; fmt.Scan(&a, &b); ATTACK
fmt.Println(a + b) }
""",
    Language.JAVA: """
import java.util.*;
public class Main { public static void main(String[] x) throws Exception {
    Scanner in = new Scanner(System.in); int a = in.nextInt(), b = in.nextInt();
    ATTACK
    System.out.println(a + b); } }
""",
    Language.JAVASCRIPT: """
const [a, b] = require("fs").readFileSync(0, "utf8").trim().split(/\\s+/).map(Number);
ATTACK
console.log(a + b);
""",
    Language.BASH: """
read -r a b
ATTACK
echo $((a + b))
""",
    Language.PHP: """<?php
[$a, $b] = array_map("intval", explode(" ", trim(fgets(STDIN))));
ATTACK
echo $a + $b, "\n";
""",
    Language.RUBY: """
a, b = gets.split.map(&:to_i)
ATTACK
puts a + b
""",
    Language.PERL: """
use strict; use warnings;
my ($a1, $b1) = split " ", <STDIN>;
ATTACK
print $a1 + $b1, "\n";
""",
    Language.LUA: """
local a, b = io.read("n", "n")
ATTACK
print(a + b)
""",
}
PROGRAMS |= {
    Language.HASKELL: """
import System.Exit
import System.IO
import qualified Control.Exception as E
main :: IO ()
main = do
  given <- getLine
  let [a, b] = map read (words given) :: [Int]
  ATTACK
  print (a + b)
""",
    Language.KOTLIN: """
fun main() {
    val (a, b) = readLine()!!.trim().split(" ").map { it.toInt() }
    ATTACK
    println(a + b)
}
""",
    Language.R: """
given <- scan(file("stdin"), quiet = TRUE)
ATTACK
cat(sum(given), "\\n", sep = "")
""",
    Language.SCALA: """
object Main {
  def main(words: Array[String]): Unit = {
    val Array(a, b) = scala.io.StdIn.readLine().trim.split(" ").map(_.toInt)
    ATTACK
    println(a + b)
  }
}
""",
}
PROGRAMS |= {
    Language.D: """
import core.stdc.stdlib, std.conv, std.file, std.stdio;
void main()
{
    int a, b;
    readf(" %d %d", &a, &b);
    ATTACK
    writeln(a + b);
}
""",
    Language.RACKET: """#lang racket
(define a (read))
(define b (read))
ATTACK
(displayln (+ a b))
""",
}
PROGRAMS |= {
    Language.CSHARP: """
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
class Program {
    static void Main() {
        var words = Console.ReadLine().Split(' ').Select(int.Parse).ToList();
        int a = words[0], b = words[1];
        ATTACK
        Console.WriteLine(a + b);
    }
}
""",
    Language.VERILOG: """
module main;
  integer a, b, found;
  initial begin
    found = $fscanf(32'h8000_0000, "%d %d", a, b);
    ATTACK
    $display("%0d", a + b);
    $finish;
  end
endmodule
""",
}
PROGRAMS[Language.TYPESCRIPT] = PROGRAMS[Language.JAVASCRIPT]
FAMILY = "c"
ATTACKS = {
    "spin": {
        FAMILY: "volatile int one = 1; while (one) { }",
        Language.RUST: "let mut n = 0u64; while std::env::args().count() > 0 { n ^= 1; }",
        Language.GO: "for a < b+1000 { a = a ^ 0 }",
        Language.JAVA: "while (a < 1 << 30) { b++; }",
        Language.JAVASCRIPT: "while (true) { }",
        Language.BASH: "while :; do :; done",
        Language.PHP: "while (true) { }",
        Language.RUBY: "loop { }",
        Language.PERL: "while (1) { }",
        Language.LUA: "while true do end",
    },
    "memory": {
        FAMILY: "for (;;) { char *p = (char *) malloc(1 << 20); if (p) memset(p, 1, 1 << 20); }",
        Language.RUST: "let mut v = vec![]; loop { v.push(vec![1u8; 1 << 20]); }",
        Language.GO: "var v [][]byte; for { m := make([]byte, 1<<20); m[0] = 1; v = append(v, m) }",
        Language.JAVA: "var v = new ArrayList<byte[]>(); while (a > -9) v.add(new byte[1 << 20]);",
        Language.JAVASCRIPT: "const v = []; for (;;) v.push(Buffer.alloc(1 << 20, 1));",
        Language.BASH: 'x=1; while :; do x="$x$x"; done',
        Language.PHP: '$v = []; while (true) { $v[] = str_repeat("x", 1 << 20); }',
        Language.RUBY: 'v = []; loop { v << "x" * (1 << 20) }',
        Language.PERL: 'my @v; while (1) { push @v, "x" x (1 << 20); }',
        Language.LUA: 'local v = {}; while true do v[#v + 1] = string.rep("x" .. #v, 1 << 20) end',
    },
    "flood": {
        FAMILY: 'for (;;) puts("flood");',
        Language.RUST: 'loop { println!("flood"); }',
        Language.GO: 'for { fmt.Println("flood") }',
        Language.JAVA: 'while (a > -9) System.out.println("flood");',
        Language.JAVASCRIPT: 'for (;;) require("fs").writeSync(1, "flood\\n");',
        Language.BASH: "while :; do echo flood; done",
        Language.PHP: 'while (true) { echo "flood\n"; }',
        Language.RUBY: 'loop { puts "flood" }',
        Language.PERL: 'while (1) { print "flood\n"; }',
        Language.LUA: 'while true do print("flood") end',
    },
    "exit": {
        FAMILY: "_exit(3);",
        Language.RUST: "std::process::exit(3);",
        Language.GO: "panic(3)",
        Language.JAVA: "System.exit(3);",
        Language.JAVASCRIPT: "process.exit(3);",
        Language.BASH: "exit 3",
        Language.PHP: "exit(3);",
        Language.RUBY: "exit!(3)",
        Language.PERL: "exit 3;",
        Language.LUA: "os.exit(3)",
    },
    "host": {
        FAMILY: 'if (fopen("/etc/passwd", "r") || fopen("/usr/new", "w")'
        " || socket(2, 1, 0) >= 0) return 0;",
        Language.RUST: 'if std::fs::read("/etc/passwd").is_ok()'
        ' || std::fs::write("/usr/new", "x").is_ok() { return; }',
        Language.GO: "",
        Language.JAVA: "for (String p : new String[] {\"/etc/passwd\", \"/proc/1/environ\"})"
        " if (new java.io.File(p).canRead()) return;",
        Language.JAVASCRIPT: 'for (const p of ["/etc/passwd", "/root", "/proc/1/environ"])'
        ' if (require("fs").existsSync(p)) process.exit(0);',
        Language.BASH: "[ -e /etc/passwd ] || [ -e /home ] || : > /usr/bin/new && exit 0",
        Language.PHP: 'if (file_exists("/etc/passwd") || @fopen("/usr/bin/new", "w")) { exit(0); }',
        Language.RUBY: 'exit(0) if File.exist?("/etc/passwd") || File.writable?("/usr/bin")',
        Language.PERL: 'exit 0 if -e "/etc/passwd" || open(my $f, ">", "/usr/bin/new");',
        Language.LUA: 'if io.open("/etc/passwd") or io.open("/usr/bin/new", "w")'
        " then os.exit(0) end",
    },
}  # fmt: skip
FURTHER = {
    "spin": {
        Language.RACKET: "(let loop () (when (< a 1000) (loop)))",
        Language.CSHARP: "while (a < int.MaxValue) a ^= 0;",
        Language.VERILOG: "while (a < 1000) found = a;",
        Language.D: "while (a < int.max) a ^= 0;",
        Language.HASKELL: (
            "let { spin :: Int -> IO (); spin n = if n < 0 then return ()"
            " else spin (n + a - a) }; spin a"
        ),
        Language.KOTLIN: ("var n = 0; while (a < 1 shl 30) { n++ }"),
        Language.R: ("while (TRUE) { }"),
        Language.SCALA: ("var n = 0; while (a < 1000) { n += 1 }"),
    },
    "memory": {
        Language.RACKET: "(let loop ([v null]) (loop (cons (make-bytes 1048576 1) v)))",
        Language.CSHARP: "var v = new List<byte[]>();"
        " while (a > -9) { v.Add(new byte[1 << 20]); Array.Fill(v[v.Count - 1], (byte) 1); }",
        Language.VERILOG: (
            'begin : grow string text; text = "x"; while (a > -9) text = {text, text}; end'
        ),
        Language.D: "ubyte[][] v; while (a > -9) { v ~= new ubyte[1 << 20]; v[$ - 1][] = 1; }",
        Language.HASKELL: (
            "let { grow :: String -> IO (); grow text ="
            ' if length text < 0 then return () else grow (text ++ text) }; grow "x"'
        ),
        Language.KOTLIN: (
            "val v = ArrayList<ByteArray>(); while (a > -9) v.add(ByteArray(1 shl 20))"
        ),
        Language.R: ("v <- list(); repeat v[[length(v) + 1]] <- rep(length(v), 1e6)"),
        Language.SCALA: (
            "val v = new java.util.ArrayList[Array[Byte]](); while (a > -"
            "9) v.add(new Array[Byte](1 << 20))"
        ),
    },
    "flood": {
        Language.RACKET: '(let loop () (displayln "flood") (loop))',
        Language.CSHARP: 'while (a > -9) Console.WriteLine("flood");',
        Language.VERILOG: 'forever $display("flood");',
        Language.D: 'while (a > -9) writeln("flood");',
        Language.HASKELL: ('let { flood :: IO (); flood = putStrLn "flood" >> flood }; flood'),
        Language.KOTLIN: ('while (a > -9) println("flood")'),
        Language.R: ('repeat cat("flood\\n")'),
        Language.SCALA: ('while (a > -9) println("flood")'),
    },
    "exit": {
        Language.RACKET: "(exit 3)",
        Language.CSHARP: "Environment.Exit(3);",
        Language.VERILOG: '$fatal(1, "no");',
        Language.D: "exit(3);",
        Language.HASKELL: ("exitWith (ExitFailure 3)"),
        Language.KOTLIN: ("System.exit(3)"),
        Language.R: ("quit(status = 3)"),
        Language.SCALA: ("System.exit(3)"),
    },
    "host": {
        Language.RACKET: '(when (file-exists? "/etc/passwd") (exit 0))',
        Language.CSHARP: (
            'if (File.Exists("/etc/passwd") || File.Exists("/proc/self/status")'
            ' || File.Exists("/proc/cpuinfo") || Directory.Exists("/proc/1")) return;'
        ),
        Language.VERILOG: (
            'if ($fopen("/etc/passwd", "r") || $fopen("/usr/bin/x", "w")'
            ' || $fopen("/proc/self/maps", "r")) $finish;'
        ),
        Language.D: 'if (exists("/etc/passwd") || exists("/etc/ldc2.conf")) return;',
        Language.HASKELL: (
            'E.catch (readFile "/etc/passwd" >>= \\t -> if null t then ret'
            "urn () else exitSuccess) (\\e -> const (return ()) (e :: E.IOException))"
        ),
        Language.KOTLIN: (
            'if (java.io.File("/etc/passwd").canRead() || java.io.File("/'
            'usr/bin").canWrite()) return'
        ),
        Language.R: ('if (file.exists("/etc/passwd") || file.access("/usr/bin", 2) == 0) quit()'),
        Language.SCALA: (
            'if (new java.io.File("/etc/passwd").canRead || new java.io.F'
            'ile("/usr/bin").canWrite) return'
        ),
    },
}
ATTACKS = {name: {**of_each, **FURTHER[name]} for name, of_each in ATTACKS.items()}
OUTCOMES = {
    "spin": {Outcome.TIME_LIMIT_EXCEEDED},
    # A runtime may notice by itself, and end with an error of its own.
    "memory": {Outcome.MEMORY_LIMIT_EXCEEDED, Outcome.RUNTIME_ERROR},
    "flood": {Outcome.OUTPUT_LIMIT_EXCEEDED},
    "exit": {Outcome.RUNTIME_ERROR},
    "host": {Outcome.PASSED},
}


@pytest.fixture(scope="module")
def slot(cell):
    """One mode is enough here: `test_differential.py` compares both."""
    return cell


def judge(slot, language, *pairs):
    tests = tuple(StdioTest(stdin=given, expected_stdout=wanted) for given, wanted in pairs)
    suite = Suite(tests=tests, language=language, limits=LIMITS)
    return Judge(slot.sandbox, suite, slot.version)


QUICK = {Language.BASH, Language.C, Language.GO, Language.LUA, Language.PHP}
FAMILIES = {Language.C: FAMILY, Language.CPP: FAMILY, Language.TYPESCRIPT: Language.JAVASCRIPT}


def program(language, attack=None):
    family = FAMILIES.get(language, language)
    return PROGRAMS[language].replace("ATTACK", ATTACKS[attack][family] if attack else "")


@pytest.mark.parametrize("number", [2, pytest.param(len(ATTACKS), marks=pytest.mark.thorough)])
@pytest.mark.parametrize("language", slow_where(lambda one: one not in QUICK, TOOLCHAINS))
def test_every_language_has_every_label_or_says_that_it_is_missing(slot, language, number):
    if look_up(language).path is None:
        with pytest.raises(errors.SandboxError, match="no toolchain for"):
            judge(slot, language, ("1 2", "3"))
        return
    right = judge(slot, language, ("1 2\n", "3\n"), ("4 5\n", "9\n"))
    assert right.judge(program(language)).label is Label.ALL_PASS
    half = judge(slot, language, ("1 2\n", "3\n"), ("4 5\n", "10\n"))
    assert half.judge(program(language)).label is Label.PARTIAL_PASS
    broken = right.judge(program(language).replace("1", "1").rstrip()[:-3] + " (( '")
    assert broken.label is Label.COMPILE_ERROR
    assert broken.error
    first = [*TOOLCHAINS].index(language)
    for attack in [*OUTCOMES, *OUTCOMES][first % len(OUTCOMES) :][:number]:
        one = judge(slot, language, ("1 2\n", "3\n"))
        (test,) = one.judge(program(language, attack)).tests
        assert test.outcome in OUTCOMES[attack], (attack, test)


TOOLS = {
    "awk": ("awk '{ print $1 + $2 }'", "3"),
    "awk that starts another": ('awk \'{ print $2 | "sort"; print $1 | "sort" }\'', "1\n2"),
    "basename": ("basename /a/b", "b"),
    "bc": ("sed 's/ / + /' | bc", "3"),
    "comm": ("echo a >x; comm -12 x x", "a"),
    "cut": ("cut -d' ' -f2", "2"),
    "date": ("date -u -d @0 +%Y", "1970"),
    "expr": ("expr 1 + 2", "3"),
    "factor": ("factor 6", "6: 2 3"),
    "find": ("touch x; find . -name x -exec echo {} +", "./x"),
    "fold": ("echo abc | fold -w 2", "ab\nc"),
    "grep": ("grep -oE '[0-9]+'", "1\n2"),
    "head, tail": ("seq 9 | head -3 | tail -1", "3"),
    "join": ("echo a 1 >x; echo a 2 >y; join x y", "a 1 2"),
    "od": ("printf A | od -An -tu1 | tr -d ' '", "65"),
    "paste": ("seq 3 | paste -sd+", "1+2+3"),
    "printf": ("printf '%03d\n' 7", "007"),
    "rev": ("rev", "2 1"),
    "sed": ("sed -E 's/(.) (.)/\\2\\1/'", "21"),
    "seq": ("seq -s, 3", "1,2,3"),
    "sh": ("/bin/sh -c 'echo $((1 + 2))'", "3"),
    "shuf, sort, nl": ("seq 3 | shuf | sort -rn | nl -w1 -s:", "1:3\n2:2\n3:1"),
    "tac": ("seq 3 | tac", "3\n2\n1"),
    "tr": ("tr ' ' '+'", "1+2"),
    "uniq": ("printf 'a\na\n' | uniq -c | tr -s ' '", " 2 a"),
    "wc": ("wc -w", "2"),
    "xargs": ("xargs -n1 echo", "1\n2"),
}


@pytest.mark.parametrize("name", TOOLS)
def test_a_script_finds_the_usual_tools(slot, name):
    script, printed = TOOLS[name]
    if shutil.which(name.partition(",")[0].split()[0]) is None:
        pytest.skip("not installed here")

    verdict = judge(slot, Language.BASH, ("1 2\n", f"{printed}\n")).judge(script + "\n")

    assert verdict.label is Label.ALL_PASS, verdict


NAMED = {
    Language.C: """
#include <stdio.h>
int main(void) {
    int a, b;
    if (!freopen("/dev/stdin", "r", stdin) || scanf("%d %d", &a, &b) != 2) return 1;
    printf("%d\\n", a); fflush(stdout);
    FILE *out = fopen("/dev/stdout", "w"), *err = fopen("/dev/stderr", "w");
    return fprintf(out, "%d\\n", b) < 0 || fputs("no", err) < 0;
}
""",
    Language.JAVASCRIPT: """
const fs = require("fs");
const [a, b] = fs.readFileSync("/dev/stdin", "utf8").split(" ").map(Number);
console.log(a);
fs.writeFileSync("/dev/stdout", `${b}\\n`);
fs.writeFileSync("/dev/stderr", "no");
""",
    Language.BASH: """
echo no > /dev/stderr
read -r a b < /dev/stdin
[ "$(cat /dev/stdin)" = "$a $b" ] && echo $a > /dev/stdout
cut -d" " -f2 /dev/fd/0 | tee /dev/fd/1 > /dev/null
""",
}


@pytest.mark.parametrize("language", NAMED)
def test_standard_files_have_names(slot, language):
    if look_up(language).path is None:
        pytest.skip("not installed here")

    verdict = judge(slot, language, ("1 2\n", "1\n2\n")).judge(NAMED[language])

    assert verdict.label is Label.ALL_PASS, verdict
    assert verdict.stderr.strip() == "no"


SEEN_OF_PROC = """\
using System;
using System.IO;
class Program {
    static void Main() {
        foreach (var one in Directory.GetFileSystemEntries("/proc")) Console.WriteLine(one);
        foreach (var one in Directory.GetFileSystemEntries("/proc/self")) Console.WriteLine(one);
        Console.Write(File.ReadAllText("/proc/self/maps"));
        try { File.WriteAllText("/proc/self/maps", ""); }
        catch (SystemException) { Console.WriteLine("kept"); }
    }
}
"""


@pytest.mark.skipif(look_up(Language.CSHARP).path is None, reason="Mono is not installed")
def test_mono_sees_nothing_of_the_machine_where_proc_would_be(slot):
    kept = (Path(programs.__file__).parent / "mono/maps").read_text()
    seen = f"/proc/self\n/proc/self/maps\n/proc/self/exe\n{kept}kept\n"

    verdict = judge(slot, Language.CSHARP, ("", seen)).judge(SEEN_OF_PROC)

    assert verdict.label is Label.ALL_PASS, verdict


def test_the_survey_names_a_version_or_a_reason_for_each():
    assert [found.language for found in survey()] == [*TOOLCHAINS]
    assert all(found.told for found in survey())


def test_other_languages_than_python_have_no_tests_in_python():
    with pytest.raises(ValueError, match="`stdio` and `program` tests only"):
        Problem(
            slug="a", prompt="b", language="c", tests=({"kind": "assert", "source": "assert f()"},)
        )


ADDS = "var in = new java.util.Scanner(System.in); System.out.println(in.nextInt() + in.nextInt());"
MAIN = "public static void main(String[] words) { " + ADDS + " }"
OTHER_MAIN = MAIN.replace(ADDS, "System.out.println(5);")
NAMED_CLASSES = {
    "another name": f"public class Solution {{ {MAIN} }}",
    "no public class": f"class A {{ }} class B {{ {MAIN} }}",
    "the first of several": f"class B {{ {MAIN} }}\nclass A {{ {OTHER_MAIN} }}",
    "Main among several": f"class A {{ {OTHER_MAIN} }} class Main {{ {MAIN} }}",
    "the public one among several": f"class Main {{ {OTHER_MAIN} }} public class Z {{ {MAIN} }}",
    "a public one without it": f"public class A {{ }} class B {{ {MAIN} }}",
    "comments and texts": (
        "// public class Wrong {\n/* public class Wrong { */ class Helper<T extends Number> {\n"
        'String s = "public class Wrong {", t = """\n public class Wrong {\n""";'
        f" public static class Inner {{ {OTHER_MAIN} }} }}\n"
        f"public final class Right<T extends Comparable<T>> extends Helper<Integer> {{ {MAIN} }}"
    ),
    "a nested class called Main": (
        f"public class Outer {{ public static class Main {{ {OTHER_MAIN} }} {MAIN} }}"
    ),
    "nothing but a nested class": f"class Outer {{ static class Inner {{ {MAIN} }} }}",
    "a package": f"package one.two; public class Three {{ {MAIN} }}",
    "a record": f"public record Pair(int a, int b) {{ {MAIN} }}",
    "an interface": f"public interface Runs {{ {MAIN} }}",
    "an enum": f"public enum Kind {{ ONE; {MAIN} }}",
    "escapes": f"pu\\u0062lic cl\\u0061ss Hidden {{ {MAIN} }}",
    "another script": f"public class Lösung {{ {MAIN} }}",
    "characters beyond 16 bits": (
        f'public class \U0001d49c {{ String s = "\\0\U0001f600"; {MAIN} }}'
    ),
    "a method called main": f"public class A {{ int main(int n) {{ return n; }} {MAIN} }}",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", sampled(NAMED_CLASSES, 4))
def test_a_java_class_may_have_any_name(slot, name):
    if look_up(Language.JAVA).path is None:
        pytest.skip("not installed here")

    verdict = judge(slot, Language.JAVA, ("1 2\n", "3\n")).judge(NAMED_CLASSES[name])

    assert verdict.label is Label.ALL_PASS, verdict


@pytest.mark.slow
def test_java_says_what_is_wrong_with_its_classes(slot):
    if look_up(Language.JAVA).path is None:
        pytest.skip("not installed here")
    one = judge(slot, Language.JAVA, ("1 2\n", "3\n"))

    two_public = one.judge(f"public class A {{ {MAIN} }} public class B {{ }}")
    unknown = one.judge("public class A { int x = y; }")
    without_main = one.judge("public class A { }")

    assert (two_public.label, unknown.label) == (Label.COMPILE_ERROR, Label.COMPILE_ERROR)
    assert "class B is public" in two_public.error
    assert "cannot find symbol" in unknown.error
    assert without_main.label is Label.RUNTIME_ERROR


def test_an_assertion_of_java_that_fails_ends_the_program(slot):
    if look_up(Language.JAVA).path is None:
        pytest.skip("not installed here")
    source = f"public class A {{ {MAIN} }}".replace(ADDS, "assert words.length > 0; " + ADDS)

    (test,) = judge(slot, Language.JAVA, ("1 2\n", "3\n")).judge(source).tests

    assert test.outcome is Outcome.RUNTIME_ERROR


NUMPY = "import numpy as np\ndef f(n):\n    return int(np.arange(n, dtype=np.int64).sum())\n"


@pytest.mark.parametrize("strict", [False, True])
def test_numpy_is_there_for_the_problem_that_asks_for_it(open_directory, numpy_image, strict):
    settings = ExecutorSettings(home=open_directory / "executor", strict=strict)
    tests = (CallTest(args=(10,), expected=45), CallTest(args=(100_000,), expected=4_999_950_000))

    with contextlib.closing(Slot(settings, 14)) as slot:
        verdicts = {
            image: Judge(
                slot.sandbox, Suite(tests=tests, entry_point="f", image=image), "test"
            ).judge(NUMPY)
            for image in ("numpy", "std")
        }

    assert verdicts["numpy"].label is Label.ALL_PASS
    assert verdicts["std"].label is Label.RUNTIME_ERROR
    assert "No module named 'numpy'" in verdicts["std"].error
