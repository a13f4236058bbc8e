"""Rewards from executed tests, for trainers of others: TRL's GRPOTrainer and verl.

    from services.reward import reward                      # GRPOTrainer(reward_funcs=reward, ...)

    custom_reward_function.path=.../services/reward.py      # verl; `name` is compute_score, or
                                                            # compute_scores for its batch manager

The API is the one that `RRTF_CLIENT_URL` and `RRTF_CLIENT_KEY` name; nothing is stored there.
"""

import functools
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from infra import errors
from infra.contracts.base import STANDARD_IMAGE, Label, Language
from infra.contracts.direct import ExecuteRequest
from infra.contracts.problems import TestCase
from infra.settings import ClientSettings, load
from ranker.ranking import Preset, score_of
from sampler.extraction import extract
from services.client import Client

_IN_FLIGHT = 8
_PROGRAMS = 64
"""Most programs in one request."""
_ATTEMPTS = 2
"""Times that a program is handed in which the executors do not finish in time."""
_TESTS: TypeAdapter[tuple[TestCase, ...]] = TypeAdapter(tuple[TestCase, ...])

Truth = str | Mapping[str, Any]
"""The name of a stored problem; or `tests` and perhaps an `entry_point`, also as JSON."""
Completion = str | Sequence[Mapping[str, Any]]
"""Text, or the messages of a conversation, of which the last one counts."""


class Scored(NamedTuple):
    """A completion's label and its score; both None if it could not be executed in time."""

    label: Label | None
    pass_fraction: float | None
    score: float | None


class _Question(NamedTuple):
    """What completions are judged by."""

    prompt: str
    entry_point: str | None
    language: Language
    request: ExecuteRequest
    """Without the programs that will be asked about."""


class Scorer:
    """Scores completions by executing the programs in them."""

    def __init__(self, client: Client, wait_seconds: float = 60.0) -> None:
        """Take a client; `wait_seconds` is how long one request may take."""
        self._client = client
        self._wait_seconds = wait_seconds
        self._stored = functools.cache(client.find_problem_with_tests)

    def score(
        self, completions: Sequence[Completion], truths: Sequence[Truth], preset: Preset
    ) -> list[Scored]:
        """Score completions, each by its own tests; the order is kept.

        Raises:
            errors.InvalidInput: the tests are none, or cannot be run.
            errors.NotFound: there is no problem of that name.
            errors.Unavailable: the API cannot be reached.
        """
        scored = [Scored(None, None, None)] * len(completions)
        waiting = list(range(len(completions)))
        for _ in range(_ATTEMPTS):
            chunks = list(self._chunks(completions, truths, waiting))
            with ThreadPoolExecutor(_IN_FLIGHT) as pool:
                for (numbers, _), results in zip(
                    chunks, pool.map(lambda chunk: self._ask(chunk[1], preset), chunks), strict=True
                ):
                    for number, result in zip(numbers, results, strict=True):
                        scored[number] = result
            waiting = [number for number in waiting if scored[number].label is None]
            if not waiting:
                break
        return scored

    def _chunks(
        self, completions: Sequence[Completion], truths: Sequence[Truth], numbers: Sequence[int]
    ) -> Iterator[tuple[list[int], ExecuteRequest]]:
        """Put completions with the same tests into requests."""
        by_truth: dict[str, list[int]] = {}
        for number in numbers:
            truth = truths[number]
            name = truth if isinstance(truth, str) else json.dumps(truth, sort_keys=True)
            by_truth.setdefault(name, []).append(number)
        for name, members in by_truth.items():
            question = self._question(name)
            for start in range(0, len(members), _PROGRAMS):
                part = members[start : start + _PROGRAMS]
                programs = tuple(
                    extract(
                        question.prompt,
                        _text(completions[n]),
                        question.entry_point,
                        question.language,
                    ).program
                    for n in part
                )
                yield part, question.request.model_copy(update={"programs": programs})

    def _question(self, truth: str) -> _Question:
        common: dict[str, Any] = {"programs": ("",), "wait_seconds": self._wait_seconds}
        if not truth.lstrip().startswith("{"):
            problem = self._stored(truth)
            request = ExecuteRequest(problem=str(problem.id), **common)
            return _Question(problem.prompt, problem.entry_point, problem.language, request)
        try:
            given = json.loads(truth)
            tests = given.pop("tests")
            tests = _TESTS.validate_json(tests) if isinstance(tests, str) else tests
            prompt = given.pop("prompt", "")
            request = ExecuteRequest(tests=tests, **common, **given)
        except (ValueError, KeyError, TypeError, ValidationError) as error:
            raise errors.InvalidInput(f"the ground truth names no tests: {error}") from error
        return _Question(prompt, request.entry_point, request.language, request)

    def _ask(self, request: ExecuteRequest, preset: Preset) -> list[Scored]:
        results = self._client.execute(request).results
        return [
            Scored(result.label, result.pass_fraction, None)
            if result.label is None or result.pass_fraction is None
            else Scored(
                result.label,
                result.pass_fraction,
                score_of(result.label, result.pass_fraction, preset),
            )
            for result in results
        ]


def _text(completion: Completion) -> str:
    return completion if isinstance(completion, str) else str(completion[-1]["content"])


def scorer() -> Scorer:
    """Return this process's scorer, over the API that the environment names."""
    return _scorer_of(os.getpid())


@functools.cache
def _scorer_of(_: int) -> Scorer:
    # A process that was forked must not share its parent's connections.
    settings = load(ClientSettings)
    key = settings.key.get_secret_value() if settings.key else None
    return Scorer(Client(settings.url, key))


def reward(
    completions: Sequence[Completion],
    problem: Sequence[str] | None = None,
    tests: Sequence[Any] | None = None,
    entry_point: Sequence[str | None] | None = None,
    language: Sequence[str] | None = None,
    image: Sequence[str] | None = None,
    prompts: Sequence[Completion] | None = None,
    **_: object,
) -> list[float | None]:
    """Score completions in [0, 1], as TRL calls a reward function.

    The data set has a column `problem` (names of stored problems), or a column `tests` (lists of
    tests, or their JSON) and, where functions are called, `entry_point`; `language` is Python and
    `image` the standard library's if it has no such column. A completion that goes on where a plain
    prompt ends is put behind it; one that could not be executed in time has no reward.

    Raises:
        errors.InvalidInput: the data set has neither column.
    """
    truths: Sequence[Truth]
    if problem is not None:
        truths = problem
    elif tests is not None:
        names = entry_point or [None] * len(tests)
        languages = language or [Language.PYTHON] * len(tests)
        images = image or [STANDARD_IMAGE] * len(tests)
        texts = [text if isinstance(text, str) else "" for text in prompts or [""] * len(tests)]
        truths = [
            {
                "tests": of_one,
                "entry_point": name,
                "language": written_in,
                "image": packages,
                "prompt": text,
            }
            for of_one, name, written_in, packages, text in zip(
                tests, names, languages, images, texts, strict=True
            )
        ]
    else:
        raise errors.InvalidInput("the data set needs a column `problem` or a column `tests`")
    return [one.score for one in scorer().score(completions, truths, Preset.RRTF)]


def compute_score(
    data_source: object,
    solution_str: str,
    ground_truth: Truth,
    extra_info: object = None,
    preset: str = Preset.RRTF.value,
    **_: object,
) -> dict[str, float]:
    """Score one completion, as verl calls a custom reward function.

    Raises:
        errors.NotInTime: it could not be executed in time.
    """
    (score,) = compute_scores([data_source], [solution_str], [ground_truth], [extra_info], preset)
    return score


def compute_scores(
    data_sources: Sequence[object],
    solution_strs: Sequence[str],
    ground_truths: Sequence[Truth],
    extra_infos: object = None,
    preset: str = Preset.RRTF.value,
    **_: object,
) -> list[dict[str, float]]:
    """Score completions, as verl's batch reward manager calls a custom reward function.

    Raises:
        errors.NotInTime: one could not be executed in time.
    """
    del data_sources, extra_infos  # The tests say all.
    found = []
    for one in scorer().score(solution_strs, ground_truths, Preset(preset)):
        if one.score is None or one.pass_fraction is None:
            raise errors.NotInTime("a completion was not executed in time; are executors running?")
        found.append(
            {
                "score": one.score,
                "acc": float(one.label is Label.ALL_PASS),
                "pass_fraction": one.pass_fraction,
            }
        )
    return found
