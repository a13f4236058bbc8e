"""Finds texts that hold a problem of a benchmark: pure.

Three ways, each of which finds what the one before misses: the words of a problem in their order
(normalised substring), most of its runs of five words (n-grams), and a text that is alike as a
whole (MinHash). A problem told in quite other words is found by none of them: that takes running
its program (`services.decontamination.behaviour`), or a model (`sampler.models.embedding`).
"""

import ast
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from infra.contracts.base import Contract
from infra.parsing import parse
from sampler.evolution.likeness import Index, grams, words_of

GRAM = 5
_FEWEST_WORDS = 8
"""Words that a description or solution must have: shorter ones are met by chance."""
_GRAM_SHARE = 0.5
"""Share of a problem's runs of five words that must be met."""
_ALIKE = 0.5
"""Share of common runs of two words, of the description and the text together."""
_SHOWN_WORDS = 16
_MBPP_TESTS = "\nYour code should pass these tests:\n"


class Method(StrEnum):
    """How a problem of a benchmark was found."""

    SUBSTRING = "substring"
    NGRAM = "ngram"
    MINHASH = "minhash"
    BEHAVIOUR = "behaviour"
    """Its program passes the tests of the problem."""
    EMBEDDING = "embedding"
    """To a model of embeddings it means the same."""


class Known(NamedTuple):
    """A problem of a benchmark."""

    name: str
    prompt: str
    program: str = ""
    """Its solution, if that is known."""


class Hit(Contract):
    """A problem of a benchmark that a record holds."""

    dataset: str
    problem: str
    method: Method
    share: float
    """Of the problem that was met; for MinHash and embeddings, how alike the texts are."""
    evidence: str = ""
    """What was met, in words."""


class DatasetReport(Contract):
    """How much of a benchmark was met."""

    dataset: str
    problems: int
    met: int
    """Problems that at least one record holds."""
    share: float
    by_method: dict[Method, int]
    """Hits of each method; a record that its text gives away is looked at no further."""
    testable: int = 0
    """Problems that programs can be tried on."""


class _Fragment(NamedTuple):
    dataset: str
    problem: str
    words: str
    """Joined by blanks, with one at each end."""
    num_grams: int


class Benchmarks:
    """The problems that must not be in training data, indexed once."""

    def __init__(self) -> None:
        self._fragments: list[_Fragment] = []
        self._by_gram: dict[str, list[int]] = {}
        self._descriptions: list[int] = []
        self._alike = Index(_ALIKE, size=2, bands=64)
        self._sizes: Counter[str] = Counter()

    def add(self, dataset: str, problems: Iterable[Known]) -> None:
        """Add a benchmark under a name."""
        for problem in problems:
            self._sizes[dataset] += 1
            description = _description(problem.prompt)
            number = self._add(dataset, problem.name, description)
            if number is not None:
                self._alike.add(description)
                self._descriptions.append(number)
            self._add(dataset, problem.name, problem.program.removeprefix(problem.prompt))

    def _add(self, dataset: str, name: str, text: str) -> int | None:
        words = words_of(text)
        if len(words) < _FEWEST_WORDS:
            return None
        number = len(self._fragments)
        runs = grams(words, GRAM)
        self._fragments.append(_Fragment(dataset, name, f" {' '.join(words)} ", len(runs)))
        for run in runs:
            self._by_gram.setdefault(run, []).append(number)
        return number

    def find(self, text: str) -> Hit | None:
        """Return the problem that a text holds most of, if any."""
        words = words_of(text)
        joined = f" {' '.join(words)} "
        met: Counter[int] = Counter()
        for run in grams(words, GRAM):
            met.update(self._by_gram.get(run, ()))
        # A fragment that is held as a whole has all its runs in the text.
        for number, _ in met.most_common():
            if self._fragments[number].words in joined:
                return self._hit(number, Method.SUBSTRING, 1.0, "all of")
        shares = [
            (count / self._fragments[number].num_grams, number) for number, count in met.items()
        ]
        share, number = max(shares, default=(0.0, 0))
        if share >= _GRAM_SHARE:
            told = f"{met[number]} of {self._fragments[number].num_grams} runs of five words of"
            return self._hit(number, Method.NGRAM, share, told)
        nearest = self._alike.nearest(text)
        if nearest is not None:
            number = self._descriptions[nearest.number]
            return self._hit(number, Method.MINHASH, nearest.similarity, "alike as a whole")
        return None

    def _hit(self, number: int, method: Method, share: float, told: str) -> Hit:
        fragment = self._fragments[number]
        words = fragment.words.split()
        rest = " ..." if len(words) > _SHOWN_WORDS else ""
        return Hit(
            dataset=fragment.dataset,
            problem=fragment.problem,
            method=method,
            share=round(share, 3),
            evidence=f"{told}: {' '.join(words[:_SHOWN_WORDS])}{rest}",
        )

    def report(
        self, hits: Sequence[Hit], testable: Mapping[str, int] | None = None
    ) -> tuple[DatasetReport, ...]:
        """Sum up what was found.

        Args:
            hits: Of all records.
            testable: For each benchmark, how many of its problems programs were tried on.
        """
        reports = []
        for dataset, size in self._sizes.items():
            own = [hit for hit in hits if hit.dataset == dataset]
            met = len({hit.problem for hit in own})
            reports.append(
                DatasetReport(
                    dataset=dataset,
                    problems=size,
                    met=met,
                    share=round(met / size, 4) if size else 0.0,
                    by_method=dict(Counter(hit.method for hit in own)),
                    testable=(testable or {}).get(dataset, 0),
                )
            )
        return tuple(reports)


def _description(prompt: str) -> str:
    """Return what a prompt says in words: without tests, and of a signature only its docstring."""
    text = prompt.partition(_MBPP_TESTS)[0]
    try:
        tree = parse(text)
    except (SyntaxError, ValueError):
        return text
    documented = [
        ast.get_docstring(node)
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]
    # Examples differ in numbers alone from task to task; a leak keeps the sentences.
    return next((one for one in reversed(documented) if one), text).partition(">>>")[0]
