"""Scores completions by executing the programs in them, many in one request."""

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from infra.contracts.base import Label, Language
from infra.contracts.inline import ExecuteRequest, ExecuteResult
from ranker.rewards import Scale, reward_of
from ranker.written import has_code
from sampler.extraction import syntax
from sampler.extraction.program import extract
from services.client import Client
from services.client.executing import Job, Placed, execute_all
from services.scoring import truths
from services.scoring.truths import Question, Truth

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
        for place, result in execute_all(self.client, self._jobs(completions, given)):
            scored[place] = _scored(result, scale)
        return scored

    def _jobs(self, completions: Sequence[Completion], given: Sequence[Truth]) -> list[Job]:
        """Put programs with the same tests together; leave out what holds no program."""
        found: dict[tuple[str, bool], list[Placed]] = {}
        questions: dict[str, Question] = {}
        for place, (completion, truth) in enumerate(zip(completions, given, strict=True)):
            name = truths.name_of(truth)
            if name not in questions:
                questions[name] = self._question(name)
            text = text_of(completion)
            program = program_in(text, questions[name])
            if program is not None:
                method = questions[name].may_be_method and bool(_CLASS.search(program))
                found.setdefault((name, method), []).append(Placed(place, program))
        return [
            Job(_asked(questions[name], method), members)
            for (name, method), members in found.items()
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


def _scored(result: ExecuteResult, scale: Scale) -> Scored:
    if result.label is None or result.pass_fraction is None:
        return Scored()
    reward = reward_of(result.label, result.pass_fraction, scale)
    return Scored(result.label, result.pass_fraction, reward)


def _asked(question: Question, is_method: bool) -> ExecuteRequest:
    if not is_method:
        return question.request
    name = f"Solution.{question.entry_point}"
    return question.request.model_copy(update={"entry_point": name})


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
