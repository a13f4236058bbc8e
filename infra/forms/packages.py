"""Names the image of packages that a problem of a published set needs, from its imports."""

import ast
from collections.abc import Iterable, Iterator

from infra.contracts.base import Language
from infra.contracts.problems import AssertTest, Problem
from infra.forms import sources
from infra.images import pinned
from infra.parsing import parse


def with_image(problem: Problem, named: object = None, beside: Iterable[str] = ()) -> Problem:
    """Return a problem of a form with the image that is named, or else with the smallest it needs.

    Args:
        problem: As its form makes it.
        named: What its record has in a field `image`.
        beside: Modules of the set that need not be there, or are without an image.

    Raises:
        errors.InvalidInput: no image has what is imported.
        pydantic.ValidationError: what is named is no image's name.
    """
    if named is not None:
        return Problem.model_validate({**problem.model_dump(), "image": named})
    if problem.language is not Language.PYTHON:
        return problem
    tests = [test for test in problem.tests if isinstance(test, AssertTest)]
    code = [problem.reference_program or "", *(test.source for test in tests)]
    for test in tests:
        code += [text for path, text in test.files.items() if path.endswith(".py")]
    needed = _of_header(problem.prelude, code)
    image = pinned.infer(*code, needed, beside={*beside, *_beside(problem, tests)})
    return problem if image == problem.image else problem.model_copy(update={"image": image})


def _beside(problem: Problem, tests: Iterable[AssertTest]) -> Iterator[str]:
    """Yield what is there without an image: the candidate's own module, and files of the suite."""
    for test in tests:
        if test.module is not None:
            yield test.module.partition(".")[0]
        for path in test.files:
            # Any folder may be one from which modules are imported.
            yield from path.removesuffix(".py").split("/")


def _of_header(header: str, code: Iterable[str]) -> str:
    """Return those imports of a set's header, which may fail, that the code makes use of."""
    read = {name for source in code for name in _names(source)}
    return "".join(
        f"{ast.unparse(node)}\n"
        for node in ast.walk(sources.tree_of(header, "the header"))
        if isinstance(node, ast.Import | ast.ImportFrom)
        and any((alias.asname or alias.name).partition(".")[0] in read for alias in node.names)
    )


def _names(source: str) -> set[str]:
    try:
        return sources.names_read(parse(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()  # What cannot be read imports nothing, and is refused by its check.
