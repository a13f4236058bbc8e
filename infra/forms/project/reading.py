"""Problems of a whole project: one of its files, or a function of one, is to be written again."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Final, NamedTuple

from infra import errors
from infra.composing import WHOLE
from infra.contracts.problems import AssertTest, Limits, Problem
from infra.forms import packages
from infra.forms.project import beside, functions, importing, installed
from infra.forms.project.told import Told
from infra.forms.project.tree import Tree
from infra.images import pinned

EVERY: Final = "*"
"""Stands for every function of a file."""


LIMITS: Final = Limits(
    total_cpu_seconds=37.5, memory_bytes=512 * 2**20, processes=128, file_bytes=128 * 2**20
)
"""Of a project's own suites, which are larger than those of exercises."""


class Wanted(NamedTuple):
    """What of a project becomes problems."""

    candidates: Sequence[str] = ()
    """Paths of the files that are to be written, below the project; all that are tested if none."""
    functions: Sequence[str] = ()
    """Functions of these, each a problem of its own; the whole files if none."""
    tests: Sequence[str] = ()
    """Paths of test files, or of folders of them; those that test the candidate if none."""
    image: str | None = None
    limits: Limits = LIMITS


class Made(NamedTuple):
    """A problem, and what it lacks."""

    problem: Problem
    left_out: dict[str, str]
    """Files of the project that would have gone along, and why they do not."""
    no_image: str | None
    """Which modules no image has, of which it may be that nothing imports them."""


class Entry(NamedTuple):
    """What may become a problem."""

    name: str
    make: Callable[[], Made]
    """Makes it; raises `errors.InvalidInput` or `pydantic.ValidationError`."""


def entries(root: Path, wanted: Wanted) -> Iterator[Entry]:
    """Yield what is wanted of a project, nothing of which is run.

    Raises:
        errors.InvalidInput: it is no project, or a file that is named is not there.
    """
    project = _Project(Tree(root), wanted)
    for path in project.candidates:
        if not wanted.functions:
            yield Entry(path, _maker(project, path, None))
            continue
        names: Iterable[str] = wanted.functions
        if EVERY in names:
            code = project.tree.parsed(path)
            there = functions.functions(code.body if code else [])
            names = dict.fromkeys(name for name, _ in there)
        for name in names:
            yield Entry(f"{path}, {name}", _maker(project, path, name))


def _maker(project: "_Project", path: str, function: str | None) -> Callable[[], Made]:
    return lambda: project.problem(path, function)


class _Project:
    """A project of which problems are made."""

    def __init__(self, tree: Tree, wanted: Wanted) -> None:
        self.tree = tree
        self._wanted = wanted
        self._name = re.sub(r"[^A-Za-z0-9._-]", "-", tree.root.resolve().name).lstrip("._-")
        self._told = Told(tree)
        places = wanted.tests or self._told.places or ("",)
        self._tests = sorted({path for place in places for path in self._tests_at(place)})
        if not self._tests:
            names = ", ".join(self._told.names)
            raise errors.InvalidInput(
                f"{tree.root} has no test files ({names}); name some with `--tests`"
            )

    def _tests_at(self, place: str) -> list[str]:
        name = _plain(place).strip("/")
        if name in self.tree.paths:
            return [name]
        found = self._all_tests()
        if name not in ("", "."):
            found = [path for path in found if path.startswith(f"{name}/")]
        if not found and self._wanted.tests:
            raise errors.InvalidInput(f"{self.tree.root} has no test files `{place}`")
        return found

    def _all_tests(self) -> list[str]:
        return [path for path in self.tree.python if self._told.is_test(path)]

    @cached_property
    def _used(self) -> dict[str, set[str]]:
        """What each test file takes something from."""
        return {test: importing.used(self.tree, test) for test in self._tests}

    @cached_property
    def candidates(self) -> list[str]:
        """The files that are to be written."""
        if not self._wanted.candidates:
            found = {path for used in self._used.values() for path in used}
            found -= {path for path in found if self._is_of_tests(path)}
            if not found:
                raise errors.InvalidInput(
                    "no test file imports a module of the project by its name; say which is to be"
                    " written with `--candidate`, and what tests it with `--tests`"
                )
            return sorted(found)
        paths = [_plain(path) for path in self._wanted.candidates]
        absent = next((path for path in paths if path not in self.tree.python), None)
        if absent is not None:
            raise errors.InvalidInput(f"{self.tree.root} has no file of Python `{absent}`")
        return paths

    def _is_of_tests(self, path: str) -> bool:
        """Tell whether a file is there for the tests."""
        folders = {str(PurePosixPath(test).parent) for test in self._tests} - {"."}
        is_below = any(path.startswith(f"{folder}/") for folder in folders)
        return is_below or self._told.is_test(path) or PurePosixPath(path).name == "conftest.py"

    def problem(self, path: str, function: str | None) -> Made:
        """Make a problem of a file, or of a function of it.

        Raises:
            errors.InvalidInput: it is not tested, or cannot be.
            pydantic.ValidationError: a field is wrong.
        """
        source, code = self.tree.text(path), self.tree.parsed(path)
        if code is None:
            raise errors.InvalidInput(f"{path} is not Python")
        frame, name, asked = WHOLE, "", _asked(path, functions.without_bodies(source, code))
        if function is not None:
            place = functions.place_of(source, code, function)
            frame, name, asked = place.frame, f"/{function}", _asked_function(path, place)
        left_out: dict[str, str] = {}
        imported: dict[str, None] = {}
        tests = tuple(self._test(test, path, left_out, imported) for test in self._tests_of(path))
        metadata: dict[str, Any] = {"source": "project", "file_path": path, **frame.metadata()}
        problem = Problem(
            slug=f"{self._name}/{path.removesuffix('.py')}{name}",
            prompt=asked,
            tests=tests,
            limits=self._wanted.limits,
            reference_program=source,
            metadata=metadata,
        )
        if self._wanted.image is not None:
            return Made(packages.with_image(problem, self._wanted.image), left_out, None)
        try:
            image = pinned.infer(*imported, beside=self._own_modules)
        except errors.InvalidInput as error:
            return Made(problem, left_out, error.detail)
        return Made(problem.model_copy(update={"image": image}), left_out, None)

    @cached_property
    def _own_modules(self) -> set[str]:
        """Names under which something of the project may be imported."""
        return {
            part.removesuffix(".py")
            for path in self.tree.python
            for part in PurePosixPath(path).parts
        }

    def _tests_of(self, path: str) -> list[str]:
        """Return the test files of a candidate: those named, or those that use or only reach it."""
        if self._wanted.tests:
            return self._tests
        module = PurePosixPath(path).stem
        if module == "__init__":
            module = PurePosixPath(path).parent.name
        names = {f"test_{module}.py", f"{module}_test.py", f"test_{module.lstrip('_')}.py"}
        direct = [
            test
            for test in self._tests
            if path in self._used[test] or PurePosixPath(test).name in names
        ]
        found = direct or [t for t in self._tests if path in importing.reached(self.tree, [t])]
        if not found:
            raise errors.InvalidInput(f"no test file imports {path}; name some with `--tests`")
        return found

    def _test(
        self, test: str, path: str, left_out: dict[str, str], imported: dict[str, None]
    ) -> AssertTest:
        try:
            there = beside.beside(self.tree, self._told, test, path)
        except errors.InvalidInput as error:
            raise errors.InvalidInput(f"{test}: {error.detail}") from None
        left_out |= there.left_out
        imported |= dict.fromkeys(there.code)
        module = self._module(test, path)
        end = "/__init__.py" if path.endswith("/__init__.py") else ".py"
        root = path.removesuffix(end).removesuffix(module.replace(".", "/")).rstrip("/")
        source = self.tree.text(test)
        texts = [source, self.tree.text(path), *there.files.values()]
        return AssertTest(
            source=source,
            path=test,
            module=module,
            candidate_path=path,
            data_files=there.data or None,
            files=there.files | installed.metadata_of(self.tree, root, texts),
        )

    def _module(self, test: str, path: str) -> str:
        """Return the module that a candidate is, as it is imported.

        A folder may be a package without saying so, if it is imported as one.
        """
        own = [name for name, known in self.tree.modules.items() if known == path]
        reached = importing.reached(self.tree, [test])
        said = {name for one in reached for name in importing.imported(self.tree, one)}
        return next((name for name in own if name in said), own[0])


def _plain(path: str) -> str:
    return PurePosixPath(path).as_posix().removeprefix("./")


def _asked(path: str, shown: str) -> str:
    return f"Write the file `{path}`, complete:\n\n```python\n{shown.strip()}\n```\n"


def _asked_function(path: str, place: functions.Place) -> str:
    frame = place.frame
    around = f"{frame.before}{place.head}{frame.indent}    # Here.\n{frame.after}"
    return f"Write the function `{place.name}` in `{path}`:\n\n```python\n{around}```\n"
