"""Scores completions by executing the programs in them, many in one request."""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple

from infra.contracts.base import Label, Language
from infra.contracts.direct import ExecuteRequest
from ranker.rewards import Scale, reward_of
from ranker.written import has_code
from sampler.extraction import syntax
from sampler.extraction.program import extract
from services.client import Client
from services.scoring import truths
from services.scoring.truths import Question, Truth

_IN_FLIGHT = 8
_PROGRAMS = 64
"""Most programs in one request."""
_ATTEMPTS = 2
"""Times that a program is handed in which the executors do not finish in time."""
_CLASS: Final = re.compile(r"^class Solution\b", re.MULTILINE)

Completion = str | Mapping[str, Any] | Sequence[Mapping[str, Any]] | None
"""Text, a message, or the messages of a conversation, of which the last one counts."""


class Scored(NamedTuple):
    """What became of a completion."""

    label: Label | None = None
    """None if it holds no program, and if it was not executed in time."""
    pass_fraction: float | None = None
    reward: float | None = None
    """None if it was not executed in time: there is nothing to say of it."""


_NO_PROGRAM: Final = Scored(None, 0.0, 0.0)


class _Chunk(NamedTuple):
    """Programs with the same tests, and the places of their completions."""

    places: list[int]
    request: ExecuteRequest


class Scorer:
    """Scores completions over the API."""

    def __init__(self, client: Client, wait_seconds: float = 60.0) -> None:
        """Take a client; `wait_seconds` is how long one request may take."""
        self.client = client
        """Where programs are executed, and problems stored."""
        self._wait_seconds = wait_seconds
        self._stored = functools.cache(client.find_problem_with_tests)

    def score(
        self, completions: Sequence[Completion], given: Sequence[Truth], scale: Scale
    ) -> list[Scored]:
        """Score completions, each by its own truth; the order is kept.

        Raises:
            errors.InvalidInput: the tests are none, or cannot be run.
            errors.NotFound: there is no problem of that name.
            errors.Unavailable: the API cannot be reached.
        """
        scored = [_NO_PROGRAM] * len(completions)
        waiting = list(self._chunks(completions, given))
        for _ in range(_ATTEMPTS):
            with ThreadPoolExecutor(_IN_FLIGHT) as pool:
                answers = pool.map(lambda chunk: self._ask(chunk.request, scale), waiting)
                for chunk, results in zip(waiting, answers, strict=True):
                    for place, result in zip(chunk.places, results, strict=True):
                        scored[place] = result
            waiting = [left for chunk in waiting if (left := _unlabelled(chunk, scored))]
        return scored

    def _chunks(self, completions: Sequence[Completion], given: Sequence[Truth]) -> list[_Chunk]:
        """Put programs with the same tests into requests; leave out what holds no program."""
        found: dict[tuple[str, bool], list[tuple[int, str]]] = {}
        questions: dict[str, Question] = {}
        for place, (completion, truth) in enumerate(zip(completions, given, strict=True)):
            name = truths.name_of(truth)
            if name not in questions:
                questions[name] = self._question(name)
            text = text_of(completion)
            program = program_in(text, questions[name])
            if program is not None:
                method = questions[name].may_be_method and bool(_CLASS.search(program))
                found.setdefault((name, method), []).append((place, program))
        return [
            chunk
            for (name, method), members in found.items()
            for chunk in _divided(_asked(questions[name], method), members)
        ]

    def _question(self, name: str) -> Question:
        found = truths.read(name, self._wait_seconds)
        if isinstance(found, Question):
            return found
        problem = self._stored(found)
        request = ExecuteRequest(
            problem=str(problem.id), programs=("",), wait_seconds=self._wait_seconds
        )
        return Question(problem.prompt, problem.entry_point, problem.language, request)

    def _ask(self, request: ExecuteRequest, scale: Scale) -> list[Scored]:
        return [
            Scored()
            if result.label is None or result.pass_fraction is None
            else Scored(
                result.label,
                result.pass_fraction,
                reward_of(result.label, result.pass_fraction, scale),
            )
            for result in self.client.execute(request).results
        ]


def _asked(question: Question, is_method: bool) -> ExecuteRequest:
    if not is_method:
        return question.request
    name = f"Solution.{question.entry_point}"
    return question.request.model_copy(update={"entry_point": name})


def _divided(request: ExecuteRequest, members: list[tuple[int, str]]) -> Iterator[_Chunk]:
    for start in range(0, len(members), _PROGRAMS):
        part = members[start : start + _PROGRAMS]
        programs = tuple(program for _, program in part)
        yield _Chunk(
            [place for place, _ in part], request.model_copy(update={"programs": programs})
        )


def _unlabelled(chunk: _Chunk, scored: Sequence[Scored]) -> _Chunk | None:
    """Return what of a request is to be asked again."""
    again = [
        (place, program)
        for place, program in zip(chunk.places, chunk.request.programs, strict=True)
        if scored[place].reward is None
    ]
    return next(_divided(chunk.request, again), None)


def text_of(completion: Completion) -> str:
    """Return the text of a completion; that of a conversation is its last message's."""
    match completion:
        case None:
            return ""
        case str():
            return completion
        case Mapping():
            return _content(completion.get("content"))
        case _:
            return _content(completion[-1].get("content")) if len(completion) else ""


def _content(content: Any) -> str:
    """Return a message's content, which may be a list of parts, or None beside a tool's call."""
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(
        part if isinstance(part, str) else str(part.get("text") or "") for part in content
    )


def program_in(text: str, question: Question) -> str | None:
    """Return the program in a completion's text, or None where nobody wrote one.

    White space, comments and empty fences are none, nor is prose that happens to be Python.
    """
    if not has_code(text, question.language):
        return None
    program = extract(question.prompt, text, question.entry_point, question.language).program
    if not has_code(program, question.language):
        return None
    tree = syntax.tree_of(program) if question.language is Language.PYTHON else None
    return None if tree is not None and syntax.does_nothing(tree) else program
