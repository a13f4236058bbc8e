"""Finds programs that do what a problem of a benchmark asks, however either is told.

Each program is run once against probes of all problems that call with as many values. Where it
passes those of one problem, it must answer like that one's reference wherever both answer, and at
last pass its whole tests. Programs run in jails.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from executor import label
from infra.contracts.base import STANDARD_IMAGE, Label, Outcome
from infra.contracts.execution import Verdict
from infra.contracts.problems import MAX_TESTS, Limits, Problem, StdioTest
from sampler.evolution import trying
from sampler.evolution.decontamination import Hit, Method
from sampler.evolution.probes import Probe, called_as, functions_of, probes_of

_LIMITS = Limits(cpu_seconds=6.0, total_cpu_seconds=20.0)
_ALIKE = 0.9
"""Share of values, of the types that the problem is about, on which two functions must agree. Many
programs pass tests of three assertions and do something else."""
_OWN = 16
"""Most checks of one problem whose values are compared."""


class Subject(NamedTuple):
    """What is looked for in benchmarks."""

    programs: tuple[str, ...]
    entry_point: str | None = None
    """The function that was asked for, if that is known."""
    checks: tuple[str, ...] = ()
    """Assertions on it (`probes`)."""
    image: str = STANDARD_IMAGE
    """What it may import."""

    @staticmethod
    def of(problem: Problem, programs: Sequence[str] = ()) -> "Subject":
        """Make one of a problem, of its reference if no programs are given."""
        given = programs or [one for one in (problem.reference_program,) if one is not None]
        return Subject(
            programs=tuple(f"{problem.prelude}\n{program}".lstrip("\n") for program in given),
            entry_point=problem.entry_point,
            checks=tuple(_own(problem)),
            image=problem.image,
        )


class _Known(NamedTuple):
    dataset: str
    problem: Problem
    probes: tuple[int, ...]
    """Places among those of its arity."""


class _Try(NamedTuple):
    """A function of a program, to be called with so many values; or the program, which reads."""

    program: str
    function: str
    arity: int | None
    checks: tuple[str, ...]
    image: str


_Suspect = tuple[_Try, _Known]


class Behaviours:
    """The problems of benchmarks that programs can be tried on."""

    def __init__(self) -> None:
        self._by_arity: dict[int | None, list[_Known]] = {}
        self._probes: dict[int | None, list[Probe]] = {}
        self._values: dict[int | None, list[str]] = {}
        """Checks whose values functions are compared on."""

    def add(self, dataset: str, problems: Iterable[Problem]) -> int:
        """Add a benchmark under a name; return how many of its problems programs can be tried on.

        The others have tests of which no assertion stands by itself.
        """
        count = 0
        for problem in problems:
            probes = probes_of(problem)
            if probes:
                count += 1
                there = self._probes.setdefault(probes[0].arity, [])
                places = tuple(range(len(there), len(there) + len(probes)))
                there += probes
                self._values.setdefault(probes[0].arity, []).extend(_own(problem))
                known = _Known(dataset, problem, places)
                self._by_arity.setdefault(probes[0].arity, []).append(known)
        return count

    def find(self, subjects: Sequence[Subject]) -> list[list[Hit]]:
        """Return for each subject the problems that a program of it answers.

        Raises:
            errors.ImageMissing: a subject's image has not been built here.
            errors.SandboxError: the sandbox cannot be opened.
        """
        owners: dict[_Try, list[int]] = {}
        for number, subject in enumerate(subjects):
            for one in self._tries(subject):
                owners.setdefault(one, []).append(number)
        hits: list[dict[str, Hit]] = [{} for _ in subjects]
        for one, known in self._answering(self._alike(self._passing(list(owners)))):
            for owner in owners[one]:
                hits[owner].setdefault(f"{known.dataset} {known.problem.slug}", _hit(one, known))
        return [list(found.values()) for found in hits]

    def _tries(self, subject: Subject) -> Iterator[_Try]:
        for program in dict.fromkeys(subject.programs):
            if None in self._probes and _reads(program):
                yield _Try(program, "", None, (), subject.image)
            for function in functions_of(program, subject.entry_point):
                for arity in self._probes:
                    if arity is not None and function.least <= arity <= function.most:
                        name = function.expression
                        yield _Try(program, name, arity, subject.checks, subject.image)

    def _passing(self, tries: Sequence[_Try]) -> Iterator[_Suspect]:
        """Yield each problem all of whose probes a program passes."""
        runs = [self._probing(one) for one in tries]
        for one, verdict in zip(tries, _run(runs), strict=True):
            passed: set[int] = set()
            if verdict is not None and one.arity is None:
                results = enumerate(verdict.tests)
                passed = {place for place, test in results if test.outcome is Outcome.PASSED}
            elif verdict is not None:
                passed = trying.passed(verdict.stdout)
            for known in self._by_arity[one.arity]:
                if passed.issuperset(known.probes):
                    yield one, known

    def _probing(self, one: _Try) -> tuple[Problem, str]:
        probes = self._probes[one.arity]
        if one.arity is None:
            tests = [one.check for one in probes if isinstance(one.check, StdioTest)]
            return _suite(f"probes/{one.image}", tests[:MAX_TESTS], one.image), one.program
        checks = [one.check for one in probes if isinstance(one.check, str)]
        return _printing(one.image), trying.probing(one.program, one.function, checks)

    def _alike(self, suspects: Iterable[_Suspect]) -> Iterator[_Suspect]:
        """Leave out those that answer otherwise than the reference of the problem."""
        found = list(suspects)
        runs = [self._comparing(*one) for one in found if _has_reference(one)]
        verdicts = _run(runs)
        for suspect in found:
            verdict = next(verdicts) if _has_reference(suspect) else None
            shares = trying.compared(verdict.stdout) if verdict else ()
            if all(share.is_least(_ALIKE) for share in shares):
                yield suspect

    def _comparing(self, one: _Try, known: _Known) -> tuple[Problem, str]:
        problem = known.problem
        text = trying.comparing(
            one.program,
            one.function,
            f"{problem.prelude}\n{problem.reference_program}",
            _expression(problem.entry_point or ""),
            _own(problem),
            one.checks,
            self._values[one.arity],
        )
        return _printing(one.image), text

    def _answering(self, suspects: Iterable[_Suspect]) -> Iterator[_Suspect]:
        """Keep those that pass the whole tests of the problem."""
        found = list(suspects)
        for suspect, verdict in zip(found, _run([_whole(*one) for one in found]), strict=True):
            if verdict is not None and verdict.label is Label.ALL_PASS:
                yield suspect


def _run(runs: Sequence[tuple[Problem, str]]) -> Iterator[Verdict | None]:
    """Judge a program for each problem, and yield what was found, or None where nothing was."""
    problems = {problem.slug: problem for problem, _ in runs}
    records = [{"task_id": problem.slug, "program": program} for problem, program in runs]
    for item in label(problems.values(), records) if records else ():
        yield item.verdict


def _own(problem: Problem) -> list[str]:
    """Return checks of a problem's tests."""
    found = (probe.check for probe in probes_of(problem, _OWN))
    return [check for check in found if isinstance(check, str)]


def _suite(slug: str, tests: Sequence[StdioTest], image: str) -> Problem:
    return Problem(slug=slug, prompt="", tests=tuple(tests), image=image, limits=_LIMITS)


def _printing(image: str) -> Problem:
    """Return what runs a program whose output is then read."""
    return _suite(f"printing/{image}", [StdioTest(expected_stdout="")], image)


def _whole(one: _Try, known: _Known) -> tuple[Problem, str]:
    problem = known.problem
    image = problem.image if one.image == STANDARD_IMAGE else one.image
    slug = f"{known.dataset}/{known.probes[0]}/{one.arity}/{image}"
    asked = problem.entry_point
    text = called_as(one.program, one.function, asked) if asked else one.program
    return problem.model_copy(update={"slug": slug, "image": image}), text


def _has_reference(suspect: _Suspect) -> bool:
    one, known = suspect
    return one.arity is not None and known.problem.reference_program is not None


def _expression(entry_point: str) -> str:
    """Return what names a function, or a method of an instance made of nothing."""
    return "().".join(entry_point.split("."))


def _reads(program: str) -> bool:
    return "input(" in program or "stdin" in program


def _hit(one: _Try, known: _Known) -> Hit:
    asked = known.problem.entry_point
    what = f"`{one.function}` in the place of `{asked}`" if one.function else "the program"
    return Hit(
        dataset=known.dataset,
        problem=known.problem.slug,
        method=Method.BEHAVIOUR,
        share=1.0,
        evidence=f"{what} passes all its tests",
    )
