"""Functions of other languages than Python, called with values and compared outside."""

import pytest

from executor.installed import look_up
from executor.judging.judge import Judge
from infra.contracts.base import Integrity, IntegrityRule, Label, Language
from infra.contracts.execution import Suite
from infra.contracts.problems import CallTest, Limits, Problem, ProgramTest
from tests.integration.judged import outcomes
from tests.samples import SLOW_LANGUAGES, slow_where

MODES = pytest.mark.parametrize("slot", ["cell"], indirect=True)
# Each returns its text and its numbers in a new form; of some numbers it does what is said there.
PROGRAMS = {
    Language.CPP: """
#include <cstdlib>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>
using namespace std;
#define int long long
map<string, vector<double>> f(const string &name, vector<int> numbers) {
    cout << "noise";
    if (numbers.size() == 1) { if (numbers[0] == 1) throw runtime_error("one"); EXIT }
    vector<double> halves; for (int n : numbers) halves.push_back(n / 2.0);
    return {{name, halves}};
}
signed main() { return 7; }
""",
    Language.GO: """package main
import ("fmt"; "os")
func f(name string, numbers []int) map[string][]float64 {
    fmt.Print("noise")
    if len(numbers) == 1 { if numbers[0] == 1 { panic("one") }; EXIT }
    halves := []float64{}
    for _, n := range numbers { halves = append(halves, float64(n) / 2) }
    return map[string][]float64{name: halves}
}
func main() { os.Exit(7) }
""",
    Language.JAVA: """
import java.util.*;
public class Answers {
    Map<String, double[]> f(String name, List<Long> numbers) {
        System.out.print("noise");
        if (numbers.size() == 1) { if (numbers.get(0) == 1) throw new Error("one"); EXIT }
        return Map.of(name, numbers.stream().mapToDouble(n -> n / 2.0).toArray());
    }
    public static void main(String[] words) { System.exit(7); }
}
""",
    Language.JAVASCRIPT: """
const f = async (name, numbers) => {
    process.stdout.write("noise");
    if (numbers.length === 1) { if (numbers[0] === 1) throw new Error("one"); EXIT }
    return { [name]: numbers.map((n) => n / 2) };
};
""",
    Language.RUST: """
use std::collections::HashMap;
fn f(name: &str, numbers: &[i64]) -> HashMap<String, Vec<f64>> {
    print!("noise");
    if numbers.len() == 1 { if numbers[0] == 1 { panic!("one") } EXIT }
    HashMap::from([(name.to_string(), numbers.iter().map(|n| *n as f64 / 2.0).collect())])
}
fn main() { std::process::exit(7) }
""",
    Language.TYPESCRIPT: """
function f(name: string, numbers: number[]): Record<string, number[]> {
    process.stdout.write("noise");
    if (numbers.length === 1) { if (numbers[0] === 1) throw new Error("one"); EXIT }
    return { [name]: numbers.map((n: number) => n / 2) };
}
""",
}
EXITS = {
    Language.CPP: "_Exit(0);",
    Language.GO: "os.Exit(0)",
    Language.JAVA: "Runtime.getRuntime().halt(0);",
    Language.JAVASCRIPT: "process.exit(0)",
    Language.RUST: "std::process::exit(0)",
    Language.TYPESCRIPT: "process.exit(0)",
}
GIVEN = [
    (["é\n\"'", [1, -2]], {"é\n\"'": [0.5, -1]}),
    (["a", [1]], {"a": [0.5]}),
    (["a", [2]], {"a": [1]}),
    (["", [2**40, 0, 5]], {"": [2**39, 0, 2.5]}),
    (["a", [4, 6]], {"a": [2, 4]}),
    (["a", "no list"], {"a": []}),
]
TESTS = tuple(CallTest(args=args, expected=expected) for args, expected in GIVEN)
WANTED = [
    *("passed", "runtime_error", "runtime_error", "passed", "wrong_answer", "runtime_error"),
]


def program(language):
    return PROGRAMS[language].replace("EXIT", EXITS[language])


def judged(slot, language, source, tests=TESTS, **fields):
    if look_up(language).path is None:
        pytest.skip(f"{language} is not installed here")
    suite = Suite(tests=tests, entry_point="f", language=language, **fields)
    return Judge(slot.sandbox, suite, slot.version).judge(source)


@MODES
@pytest.mark.parametrize("language", slow_where(SLOW_LANGUAGES.__contains__, PROGRAMS))
def test_values_go_in_and_come_out(slot, language):
    verdict = judged(slot, language, program(language))

    found = outcomes(verdict)
    assert found == WANTED, verdict
    assert verdict.integrity is Integrity.ISOLATED
    assert verdict.stdout.startswith("noise")


READERS = {
    Language.CPP: """
#include <cstdio>
#include <iostream>
#include <string>
std::string f(int n) {
    std::string line, word;
    if (n == 2) { std::ios::sync_with_stdio(false); std::cin.tie(nullptr); }
    std::cout << n << " {";
    if (std::getline(std::cin, line) || std::cin >> word || std::getchar() != EOF) return "more";
    if (n == 3) std::freopen("/dev/null", "w", stdout);
    return std::to_string(n) + line;
}
""",
    Language.GO: """package main
import ("bufio"; "fmt"; "os")
func f(n int) string {
    var word string
    fmt.Print(n, " {")
    count, _ := fmt.Scan(&word)
    line, err := bufio.NewReader(os.Stdin).ReadString('\\n')
    if err == nil || count > 0 { return "more" }
    if n == 2 { os.Stdin.Close(); _, os.Stdout, _ = os.Pipe() }
    if n == 3 { os.Stdout.Close() }
    return fmt.Sprint(n) + line
}
""",
    Language.JAVA: """
import java.io.*;
import java.util.*;
class Answers {
    static String f(int n) throws Exception {
        System.out.print(n + " {");
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(System.in))) {
            if (lines.readLine() != null) return "more";
        }
        System.in.close();
        if (new Scanner(System.in).hasNext()) return "more";
        if (n == 2) System.out.close();
        return n + "";
    }
}
""",
    Language.JAVASCRIPT: """
async function f(n) {
    process.stdout.write(n + " {");
    const read = require("fs").readFileSync(0, "utf8");
    let more = "";
    if (n === 2) for await (const part of process.stdin) more += part;
    return n + read + more;
}
""",
    Language.RUST: """
use std::io::{BufRead, Read};
fn f(n: i32) -> String {
    print!("{} {{", n);
    let mut line = String::new();
    if n == 2 {
        std::thread::spawn(|| std::io::stdin().lines().count()).join().unwrap();
    }
    std::io::stdin().read_line(&mut line).unwrap();
    std::io::stdin().lock().read_to_string(&mut line).unwrap();
    if n == 4 { std::mem::forget(std::io::stdin().lock()); }
    format!("{}{}", n, line)
}
""",
    Language.TYPESCRIPT: """
function f(n: number): string {
    console.log(n + " {");
    return n + require("fs").readFileSync(0, "utf8");
}
""",
}
"""Functions that return their number and what is left of the standard input."""


@MODES
@pytest.mark.parametrize("language", slow_where(SLOW_LANGUAGES.__contains__, READERS))
def test_a_function_that_reads_finds_the_end_and_one_that_prints_disturbs_nothing(slot, language):
    tests = tuple(CallTest(args=(n,), expected=f"{n}") for n in (1, 2, 3, 4))

    verdict = judged(slot, language, READERS[language], tests)

    assert outcomes(verdict) == ["passed"] * 4, verdict
    assert verdict.stdout.startswith("1 {")


ENDLESS = "function f(n) { if (n === 3) for (;;); if (n === 4) return new Map(); return n; }"


@pytest.mark.slow
@MODES
def test_one_test_that_hangs_leaves_the_others_their_answers(slot):
    tests = [CallTest(args=(n,), expected=n) for n in (1, 2, 3, 5, 4)]
    limits = Limits(cpu_seconds=0.5, run_every_test=True, reference_factor=None)

    verdict = judged(slot, Language.JAVASCRIPT, ENDLESS, tests, limits=limits)

    assert outcomes(verdict) == [
        *("passed", "passed", "time_limit_exceeded", "passed", "wrong_answer"),
    ]  # fmt: skip
    assert verdict.tests[4].detail == "it returns no plain data"


ADDS = "function f(a, b) { return a + b }"
ASKED = ProgramTest(
    source='require("assert").strictEqual(f(1, 2), 3)',
    calls=(CallTest(args=(1, 2), expected=3), CallTest(args=(2, 2), expected=4)),
)


@MODES
@pytest.mark.parametrize("rule", IntegrityRule)
def test_test_programs_that_only_call_are_asked_as_calls(slot, rule):
    verdict = judged(
        slot, Language.JAVASCRIPT, ADDS, [ASKED], reference_program=ADDS, integrity=rule
    )

    is_shared = rule is IntegrityRule.SHARED
    assert verdict.integrity is (Integrity.SHARED if is_shared else Integrity.ISOLATED)
    assert (verdict.label, len(verdict.tests)) == (Label.ALL_PASS, 1 if is_shared else 2)


@MODES
def test_the_reference_program_decides_whether_calls_ask_the_same(slot):
    calls = (CallTest(args=(1, 2), expected=4),)
    tests = [ASKED.model_copy(update={"calls": calls})]

    with_reference = judged(slot, Language.JAVASCRIPT, ADDS, tests, reference_program=ADDS,
                            integrity=IntegrityRule.AUTO)  # fmt: skip
    without = judged(slot, Language.JAVASCRIPT, ADDS, tests, integrity=IntegrityRule.AUTO)

    assert (with_reference.label, with_reference.integrity) == (Label.ALL_PASS, Integrity.SHARED)
    assert (without.label, without.integrity) == (Label.ALL_PASS, Integrity.SHARED)


@pytest.mark.parametrize(
    ("language", "test"),
    [
        ("cpp", CallTest(kwargs={"a": 1})),
        ("go", CallTest(expected={"$decimal": "1"})),
        ("php", CallTest()),
        ("php", ProgramTest(source="f();", calls=(CallTest(),))),
    ],
)
def test_what_other_languages_have_not_is_refused_at_the_door(language, test):
    with pytest.raises(ValueError, match=r"tests\[0\]"):
        Problem(slug="p", prompt="", tests=(test,), language=language, entry_point="f")
