"""Makes one program of a candidate and test code: a text for each language, and how it is built.

Behind the last test the program writes a mark that is new for every run and stands nowhere in one
piece. Whatever ends the program before, with whatever status, leaves the mark unwritten.
"""

import re
import secrets
from collections.abc import Iterable
from typing import Final

from executor.judging.native.builds import Build
from executor.judging.programs.csharp import compose_csharp
from executor.judging.programs.frameworks.catch2 import CATCH2
from executor.judging.programs.frameworks.d_unittests import compose_d
from executor.judging.programs.frameworks.jest import JEST
from executor.judging.programs.frameworks.junit import JUNIT
from executor.judging.programs.frameworks.luaunit import LUAUNIT
from executor.judging.programs.frameworks.rackunit import compose_racket
from executor.judging.programs.frameworks.ruby_units import RUBY_UNITS
from executor.judging.programs.joining import joined
from executor.judging.programs.mains import compose_haskell, compose_kotlin, compose_scala
from executor.judging.programs.marks import C_HARNESS, Compose, Composed, Mark, NoTests
from executor.judging.programs.verilog import compose_verilog
from executor.judging.programs.words import words
from executor.languages import TOOLCHAINS
from infra import errors
from infra.contracts.base import Language
from infra.contracts.problems import ProgramTest

_GO_REPORT: Final = re.compile(r"^--- (?:(?P<passed>PASS)|FAIL|SKIP): (?P<name>\S+) ", re.MULTILINE)
_RUST_REPORT: Final = re.compile(
    r"^test (?P<name>(?!zzz_)\S+)(?: - should panic)? \.\.\. (?:(?P<passed>ok)|FAILED|ignored)",
    re.MULTILINE,
)
_WRITTEN: Final = {
    Language.JAVASCRIPT: (
        '\n;process.on("beforeExit", () => require("fs").writeSync(1, "{first}" + "{last}"));\n'
    ),
    Language.TYPESCRIPT: (
        "\n;(globalThis as any).process.on('beforeExit', () =>"
        " require('fs').writeSync(1, '{first}' + '{last}'));\n"
    ),
    Language.BASH: "\nprintf '%s%s' {first} {last}\n",
    Language.PHP: "\n;fwrite(STDOUT, '{first}' . '{last}');\n",
    Language.RUBY: "\nSTDOUT.write('{first}', '{last}')\n",
    Language.PERL: "\n;print STDOUT '{first}', '{last}';\n",
    Language.LUA: "\nio.stdout:write('{first}', '{last}')\n",
    Language.R: "\ncat('{first}', '{last}', sep = '', file = stdout())\n",
}
"""Statements behind the tests of languages whose programs begin at their first line."""
_GO_MAIN: Final = re.compile(r"^func\s+main\s*\(\s*\)", re.MULTILINE)
_GO_TEST: Final = re.compile(r"^func\s+Test\w*\s*\(\s*\w+\s+\*testing\.T\s*\)", re.MULTILINE)
_RUST_MAIN: Final = re.compile(r"^(?:pub\s+)?fn\s+main\s*\(\s*\)", re.MULTILINE)
_RUST_FUNCTION: Final = re.compile(r"\bfn\b")
_RUST_OF_A_FEATURE: Final = re.compile(
    r"#\[cfg\(feature\b[^\]\n]*\]\s*(?:pub\s+)?mod\s+\w+\s*(?=\{)"
)
_JAVA_MAIN: Final = re.compile(r"\bstatic\s+(?:final\s+)?void\s+main\s*\(")
_JAVA_CLASS: Final = re.compile(r"\b(?:class|record|enum|interface)\s+(\w+)")
_GO_HARNESS: Final = """\
package {package}
import "os"
func main() {{ {name}(); os.Stdout.WriteString("{first}" + "{last}") }}
"""
_GO_TEST_HARNESS: Final = """\
package {package}
import ("os"; "testing")
func TestMain(m *testing.M) {{
    status := m.Run()
    os.Stdout.WriteString("{first}" + "{last}")
    os.Exit(status)
}}
"""
_JAVA_HARNESS: Final = """\
class {name} {{
    public static void main(String[] words) throws Throwable {{
        {call}
        System.out.flush();
        var out = new java.io.FileOutputStream(java.io.FileDescriptor.out);
        out.write(("{first}" + "{last}").getBytes());
    }}
}}
"""
_JAVA_CALL: Final = "{main}.main(words);"
_JAVA_CALL_BY_NAME: Final = """\
Class.forName("{main}").getMethod("main", String[].class).invoke(null, (Object) words);"""
"""As the launcher finds it: not in a package, which is no error of the compiler's."""
_RUST_HARNESS: Final = """
fn main() {{ {name}(); print!("{{}}{{}}", "{first}", "{last}"); }}
"""
# The last by its name; what it writes itself is kept back by nobody.
_RUST_TEST_HARNESS: Final = """
#[cfg(test)]
mod zzz_{name} {{
    #[test]
    fn ends() {{
        let text = format!("{{}}{{}}\\n", "{first}", "{last}");
        std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes()).unwrap();
    }}
}}
"""


def composed(language: Language, test: ProgramTest, program: str) -> Composed:
    """Compose the program of a candidate and a test.

    Raises:
        NoTests: the test code begins nowhere.
    """
    for framework in _FRAMEWORKS:
        if framework.is_used(language, test.source):
            return framework.composed(language, test, program, Mark.new())
    compose = _COMPOSED.get(language) or _compose_script(language)
    return compose(test, program, Mark.new())


def require_frameworks(language: Language, tests: Iterable[ProgramTest]) -> None:
    """Look whether the test frameworks of a suite are on this machine.

    Raises:
        errors.ToolchainMissing: one is not.
    """
    for framework in _FRAMEWORKS:
        is_used = any(framework.is_used(language, test.source) for test in tests)
        if is_used and not framework.is_installed():
            raise errors.ToolchainMissing(
                f"{framework.name} is not installed; `rrtf languages install {language}` installs"
                " it on an executor's machine"
            )


def _compose_script(language: Language) -> Compose:
    toolchain = TOOLCHAINS[language]

    def compose(test: ProgramTest, program: str, mark: Mark) -> Composed:
        text = joined(toolchain.language, test, program) + _WRITTEN[language].format(
            **mark._asdict()
        )
        files = {**test.files, toolchain.file: text}
        return Composed(Build.of(toolchain, files, test.options), mark.text)

    return compose


def _compose_c(language: Language) -> Compose:
    toolchain = TOOLCHAINS[language]

    def compose(test: ProgramTest, program: str, mark: Mark) -> Composed:
        harness = f"harness{toolchain.file.removeprefix('main')}"
        # A candidate's own `main` is no other's.
        source = f"#undef main\n{test.source}"
        files = {
            **test.files,
            toolchain.file: joined(language, test, program, source),
            harness: C_HARNESS.format(**mark._asdict(), believed="status == 0"),
        }
        words = (harness, "-Wl,--wrap=main", "-O0", *test.options)
        build = Build.of(toolchain, files, words).without_repeated()
        return Composed(build, mark.text)

    return compose


def _compose_go(test: ProgramTest, program: str, mark: Mark) -> Composed:
    toolchain = TOOLCHAINS[Language.GO]
    name = f"main_{secrets.token_hex(8)}"
    text = joined(toolchain.language, test, program)
    package = re.search(r"^package\s+(\w+)", text, re.MULTILINE)
    fields = {**mark._asdict(), "name": name, "package": package[1] if package else "main"}
    if declared := len(_GO_TEST.findall(test.source)):
        files = {
            **test.files,
            "main_test.go": text,
            "harness_test.go": _GO_TEST_HARNESS.format(**fields),
        }
        command = (
            "{program}",
            "test",
            "-c",
            "-ldflags=-s -w -buildid=",
            "-o",
            "main",
            *test.options,
        )
        build = Build(
            files, (*command, "main_test.go", "harness_test.go"), "main",
            (*toolchain.run, "-test.v"), "main_test.go",
        )  # fmt: skip
        return Composed(build, mark.text, _GO_REPORT, declared)
    source, found = _GO_MAIN.subn(f"func {name}()", test.source)
    if not found:
        raise NoTests("it has neither a function `main` nor one `TestX(t *testing.T)`")
    files = {
        **test.files,
        toolchain.file: joined(toolchain.language, test, program, source),
        "harness.go": _GO_HARNESS.format(**fields),
    }
    build = Build.of(toolchain, files, ("harness.go",))
    # Its compiler takes what stands behind the first file for the name of another.
    names = [word for word in test.options if word in test.files]
    words = [word for word in test.options if word not in test.files]
    program, verb, *rest = build.command
    return Composed(build._replace(command=(program, verb, *words, *rest, *names)), mark.text)


def _compose_java(test: ProgramTest, program: str, mark: Mark) -> Composed:
    toolchain = TOOLCHAINS[Language.JAVA]
    main = _JAVA_MAIN.search(test.source)
    classes = _JAVA_CLASS.findall(test.source[: main.start()] if main else "")
    if not classes:
        # The tests go on in a class of the candidate's, which their set names in the prompt.
        # Where a candidate has begun none, the compiler says so.
        classes = _JAVA_CLASS.findall(program) or ["Main"] if main else []
    if not classes:
        raise NoTests("no class has a `static void main`")
    name, text = f"Harness{secrets.token_hex(8)}", joined(toolchain.language, test, program)
    call = (_JAVA_CALL_BY_NAME if _is_in_package(text) else _JAVA_CALL).format(main=classes[0])
    files = {
        **test.files,
        toolchain.file: text,
        f"{name}.java": _JAVA_HARNESS.format(**mark._asdict(), name=name, call=call),
    }
    build = Build.of(toolchain, files, (f"{name}.java", *test.options))
    return Composed(build._replace(main=name), mark.text)


def _is_in_package(text: str) -> bool:
    """Tell whether a file of Java names a package, which it does before anything else."""
    first = next((word for word in words(text, Language.JAVA) if word.kind != "end"), None)
    return first is not None and first.text == "package"


def _compose_rust(test: ProgramTest, program: str, mark: Mark) -> Composed:
    toolchain = TOOLCHAINS[Language.RUST]
    name = f"main_{secrets.token_hex(8)}"
    fields = {**mark._asdict(), "name": name}
    # As `cargo test` and `rustc` alone compile: an overflow is a panic.
    words = ("-Copt-level=0", "-Coverflow-checks=on", "-Cdebug-assertions=on", *test.options)
    if declared := _declared_in_rust(test.source):
        text = joined(toolchain.language, test, program) + _RUST_TEST_HARNESS.format(**fields)
        build = Build.of(toolchain, {**test.files, toolchain.file: text}, ("--test", *words))
        build = build.without_repeated()
        run = (*build.run, "--test-threads=1")
        return Composed(build._replace(run=run), mark.text, _RUST_REPORT, declared)
    source, found = _RUST_MAIN.subn(f"fn {name}()", test.source)
    if not found:
        raise NoTests("it has neither a function `main` nor one with `#[test]`")
    text = joined(toolchain.language, test, program, source) + _RUST_HARNESS.format(**fields)
    build = Build.of(toolchain, {**test.files, toolchain.file: text}, words)
    return Composed(build.without_repeated(), mark.text)


def _declared_in_rust(source: str) -> int:
    """Count the tests; those that ask for a feature of the crate are left out by the compiler."""
    declared = pending = 0
    is_left_out = False
    for line in _without_modules_of_features(source).split("\n"):
        pending += line.count("#[test]")
        is_left_out |= "#[cfg(feature" in line
        if _RUST_FUNCTION.search(line):
            declared += 0 if is_left_out else pending
            pending, is_left_out = 0, False
    return declared


def _without_modules_of_features(source: str) -> str:
    """Leave out modules that ask for a feature, in one walk over the words."""
    begins = {found.end(): found.start() for found in _RUST_OF_A_FEATURE.finditer(source)}
    kept: list[str] = []
    depth = at = 0
    for word in words(source, Language.RUST) if begins else ():
        if depth:
            depth += (word.text == "{") - (word.text == "}")
            at = at if depth else word.end
        elif word.start in begins:
            kept.append(source[at : begins[word.start]])
            depth, at = 1, begins[word.start]
    return "".join(kept) + source[at:]


_FRAMEWORKS: Final = (CATCH2, JUNIT, JEST, LUAUNIT, RUBY_UNITS)
_COMPOSED: Final[dict[Language, Compose]] = {
    Language.C: _compose_c(Language.C),
    Language.CPP: _compose_c(Language.CPP),
    Language.CSHARP: compose_csharp,
    Language.D: compose_d,
    Language.GO: _compose_go,
    Language.HASKELL: compose_haskell,
    Language.JAVA: _compose_java,
    Language.KOTLIN: compose_kotlin,
    Language.RACKET: compose_racket,
    Language.SCALA: compose_scala,
    Language.RUST: _compose_rust,
    Language.VERILOG: compose_verilog,
}
