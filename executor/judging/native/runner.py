"""Candidates in other languages than Python: compiled once, run anew for every test."""

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from executor.images import caches
from executor.installed import binds, look_up
from executor.judging import compare, verdicts
from executor.judging.checking import Checkers
from executor.judging.host import CompileFailed, while_compiling
from executor.judging.limits.allowances import GRACE
from executor.judging.limits.metering import Meter, Spending
from executor.judging.native import artifacts
from executor.judging.native.builds import Build, Compiled, require_brought
from executor.languages import TOOLCHAINS
from executor.sandbox.ended import Ended, describe_status
from executor.sandbox.jail import Jail, Sandbox
from executor.sandbox.policy import Mounts
from executor.toolchain_spec import (
    CACHE_FOLDER,
    COMPILE_LIMITS,
    HARNESS_FOLDER,
    Cache,
)
from infra import errors
from infra.contracts.base import Language, Outcome
from infra.contracts.execution import TestResult
from infra.contracts.problems import Limits, ProgramTest, StdioTest, TextComparator

_MEBIBYTE = 2**20
MAPS = "/py/guest/executor/guest/programs/mono/maps"
"""In every jail."""


class NativeRunner:
    """Compiles and runs the programs of one language."""

    def __init__(self, sandbox: Sandbox, language: Language, limits: Limits) -> None:
        """Find the toolchain.

        Raises:
            errors.ToolchainMissing: this machine lacks it.
        """
        self._toolchain = TOOLCHAINS[language]
        installed = look_up(language)
        if installed.path is None:
            raise errors.ToolchainMissing(
                f"no toolchain for {language}: {installed.told};"
                f" `rrtf languages install {language}` installs it on an executor's machine"
            )
        self._path = installed.path
        links = {
            "/proc/self/exe": str(installed.path) if self._toolchain.names_itself else "",
            "/proc/self/maps": MAPS if self._toolchain.needs_maps else "",
        }
        self._links = tuple((path, to) for path, to in links.items() if to)
        self._sandbox = sandbox
        shown = binds(self._toolchain.run_binds)
        has_links = self.is_interpreted or self._toolchain.needs_maps
        self._running = self._showing(shown, self._links if has_links else ())
        self._limits = limits
        self._grown = limits.model_copy(
            update={
                "memory_bytes": limits.memory_bytes + self._toolchain.memory_bytes,
                "processes": limits.processes + self._toolchain.processes,
                "file_bytes": limits.file_bytes + COMPILE_LIMITS.value_bytes,
            }
        )

    def _showing(self, folders: Sequence[str], links: tuple[tuple[str, str], ...]) -> Sandbox:
        # Where programs look for the shell with which they start others.
        shell = (("/bin", "/usr/bin"),) if "/usr/bin" in folders else ()
        mounts = Mounts(tuple(folders), (*shell, *links), self._toolchain.open_files)
        return self._sandbox.with_mounts(mounts.as_they_are())

    def _command(self, words: tuple[str, ...], main: str = "") -> list[str]:
        megabytes = self._limits.memory_bytes // _MEBIBYTE
        path = self._path
        return [
            word.format(program=path, home=path.parent, megabytes=megabytes, main=main)
            for word in words
        ]

    def compile(self, source: str, files: Mapping[str, str] | None = None) -> Compiled:
        """Compile a program of one file, with others beside it (in base 64, by name).

        Raises:
            CompileFailed: with the compiler's own words, or how it ended.
            NotBrought: the files cannot be put there.
            Ended: the compiler met a limit.
        """
        return self.build(Build.of(self._toolchain, {self._toolchain.file: source}), files)

    def build(self, build: Build, files: Mapping[str, str] | None = None) -> Compiled:
        """Compile a program of several files, with others beside them (in base 64, by name).

        Raises:
            CompileFailed: with the compiler's own words, or how it ended.
            NotBrought: the others cannot be put there.
            Ended: the compiler met a limit.
        """
        compiling, environment = self._compiling(build)
        start = {
            "files": dict(files or {}),
            "role": "compile",
            "file": build.file,
            "artifact": build.artifact,
            "command": self._command(build.command),
            "libraries": self._command(self._toolchain.libraries),
            "sources": build.files,
            "environment": {**self._toolchain.environment, **environment},
        }
        limits = COMPILE_LIMITS
        with (
            artifacts.place() as place,
            compiling.jail(start, limits, artifact=place) as jail,
            artifacts.emptied(place),
        ):
            budget = jail.budget(limits.cpu_seconds, limits.idle_seconds)
            try:
                answer = jail.receive(budget)
                require_brought(answer)
                sizes = answer.get("artifact")
                if not isinstance(sizes, dict) or not sizes:
                    raise self._refusal(answer)
                made = artifacts.taken(place, sizes, limits.value_bytes)
            except Ended as ended:
                raise while_compiling(ended) from ended
        return Compiled(made, build.main or str(answer.get("main", "")), build.run)

    @property
    def is_interpreted(self) -> bool:
        """Whether the program itself is run, and compiling only finds out whether it parses."""
        return self._toolchain.artifact == self._toolchain.file

    def uncompiled(self, source: str) -> Compiled:
        """Return what runs of a program that is interpreted."""
        return Compiled({self._toolchain.file: source.encode()}, "", self._toolchain.run)

    def is_compiled(self, build: Build) -> bool:
        """Tell whether what runs is made by a compiler, which does not only look at it."""
        return build.artifact not in build.files

    def unparsed(self, build: Build) -> Compiled | None:
        """Return what runs of a program of several files before it was found to parse.

        None of one that is compiled. What does not parse never comes to the end of its tests, even
        where a program runs up to its first error: only one that fails has to be looked at.
        """
        if self.is_compiled(build):
            return None
        content = build.files[build.artifact].encode("utf-8", "surrogateescape")
        return Compiled({build.artifact: content}, build.main, build.run)

    @property
    def has_lean_start(self) -> bool:
        """Whether its interpreter may load less at its start."""
        return bool(self._toolchain.lean_run)

    def lean(self, build: Build) -> Build:
        """Return how a program is run whose interpreter loads less at its start."""
        return build._replace(run=self._toolchain.lean_run)

    def is_alike(self, test: ProgramTest, program: str) -> bool:
        """Tell whether a program, and its tests, name nothing of what is not loaded then."""
        texts = (program, test.before, test.source, *test.files.values())
        pattern = re.compile(rf"\b(?:{'|'.join(self._toolchain.lean_lacks)})\b")
        return not any(pattern.search(text) for text in texts)

    def _compiling(self, build: Build) -> tuple[Sandbox, dict[str, str]]:
        """Return where a program is compiled, and variables of its environment."""
        usual = self._toolchain.environment
        shown = binds(self._toolchain.compile_binds)
        environment = {}
        used = [(cache, HARNESS_FOLDER) for cache in build.libraries]
        used += [(cache, CACHE_FOLDER) for cache in self._fitting(build)]
        for cache, place in used:
            folder = caches.filled(self._sandbox.home, self._path, usual, cache)
            shown.append(f"{folder}:{place}")
            environment[cache.variable] = place
        return self._showing(shown, self._links), environment

    def _fitting(self, build: Build) -> list[Cache]:
        """Return the last of the toolchain's caches that fits a program, if one does."""
        fitting = [
            cache
            for cache in self._toolchain.caches
            if cache.options <= set(build.command)
            and any(cache.word in text for text in build.files.values())
            and (cache.needs is None or Path(cache.needs).exists())
        ]
        return fitting[-1:]

    def _refusal(self, answer: dict[str, Any]) -> Ended | CompileFailed:
        told = str(answer.get("compile_error", "the compiler made nothing"))
        status, words = self._toolchain.out_of_memory
        if words and answer.get("status") == status and words in told:
            # It has a limit of its own, below that of its jail.
            ended = Ended(Outcome.MEMORY_LIMIT_EXCEEDED, "the compiler's memory limit was reached")
            return while_compiling(ended)
        return CompileFailed(told)

    @contextlib.contextmanager
    def jail(
        self,
        compiled: Compiled,
        stdin: str,
        arguments: Sequence[str] = (),
        carried: Mapping[str, Any] | None = None,
    ) -> Iterator[Jail]:
        """Start a compiled program with this standard input.

        `carried` are the files that it gets, and the names of those to take from it afterwards, as
        `executor.guest.programs.carrying` reads them.
        """
        start = {
            **(carried or {}),
            "role": "become",
            "artifact": {name: len(content) for name, content in compiled.files.items()},
            "command": [*self._command(compiled.run, compiled.main), *arguments],
            "libraries": self._command(self._toolchain.libraries),
            "environment": {},
        }
        with (
            artifacts.placed(compiled.files) as place,
            self._running.jail(start, self._grown, stdin, place) as jail,
        ):
            yield jail

    def run_each(
        self, compiled: Compiled, tests: Sequence[StdioTest], meter: Meter, checkers: Checkers
    ) -> tuple[list[TestResult], bytes, bytes]:
        """Run the program for each test; return the results, and what it wrote first."""
        results, stdout, stderr = [], b"", b""
        for test in tests:
            result, out, err = self._run(compiled, test, meter, checkers)
            results.append(result)
            stdout, stderr = stdout or out, stderr or err
        return results, stdout, stderr

    def _run(
        self, compiled: Compiled, test: StdioTest, meter: Meter, checkers: Checkers
    ) -> tuple[TestResult, bytes, bytes]:
        try:
            cpu_left, _ = meter.require_left()
        except Ended as ended:
            return verdicts.result(ended.outcome, ended.detail), b"", b""
        with self.jail(compiled, test.stdin) as jail:
            cpu = min(meter.allowed.cpu, cpu_left)
            try:
                outcome, detail = self._judge(jail, test, cpu, meter, checkers)
            except Ended as ended:
                outcome, detail = ended.outcome, ended.detail
            finally:
                meter.add(jail)
            result = verdicts.result(outcome, detail, Spending.of(jail))
            return result, jail.output("stdout"), jail.output("stderr")

    def _judge(
        self, jail: Jail, test: StdioTest, cpu: float, meter: Meter, checkers: Checkers
    ) -> tuple[Outcome, str]:
        budget = meter.budget(jail, cpu * GRACE, meter.allowed.idle)
        with meter.watching(jail):
            status = jail.wait(budget)
        meter.require_in_time(jail.cpu_seconds(), jail)
        if status != 0:
            last = verdicts.printable(jail.output("stderr")).strip().rpartition("\n")[2]
            return Outcome.RUNTIME_ERROR, f"{describe_status(status)}: {last}"
        return judge_output(jail.output("stdout"), test, checkers)


def judge_output(stdout: bytes, test: StdioTest, checkers: Checkers) -> tuple[Outcome, str]:
    """Compare what a program wrote with what its test expects."""
    actual = stdout.decode("utf-8", "replace")
    if test.comparator is TextComparator.CHECKER and test.checker is not None:
        return checkers.ask(test.checker, [test.stdin, test.expected_stdout, actual])
    if compare.texts_match(actual, test.expected_stdout, test.comparator, test.tolerance):
        return Outcome.PASSED, ""
    return Outcome.WRONG_ANSWER, f"printed {actual[:200]!r}"
