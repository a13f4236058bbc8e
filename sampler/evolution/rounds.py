"""Evolves tasks round by round; what is left out is counted by reason."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from pydantic import Field

from infra.contracts.base import Contract
from infra.observability import logs
from sampler.backends import Completion
from sampler.evolution import operators
from sampler.evolution.decontamination import Benchmarks, Hit
from sampler.evolution.elimination import Reason, judge
from sampler.evolution.likeness import Index
from sampler.evolution.teacher import Prompt, Teacher

log = logs.get(__name__)

_CHUNK = 512
"""Tasks asked for at once; no more answers than these are held in memory."""
_MAX_TOKENS = 2048
_TEMPERATURE = 1.0
NEAR_DUPLICATE = 0.7
"""Share of common three-word runs from which on the later of two tasks is left out."""


class Task(Contract):
    """A task, and where it comes from."""

    id: str
    """Begins with the hash of its text."""
    text: str
    round_number: int = 0
    """0 for a seed."""
    operator: str = ""
    parent: str = ""
    """Its parent's id."""
    seed: str = ""
    """The id of the seed it descends from."""
    model: str = ""
    """What wrote it."""


class Eliminated(Contract):
    """A task that was left out, and why."""

    task: Task
    reason: Reason
    hit: Hit | None = None
    like: str = ""
    """Id of the task that it repeats."""


class RoundReport(Contract):
    """What became of one round."""

    round_number: int
    asked: int
    kept: int
    eliminated: dict[Reason, int] = Field(default_factory=dict)
    by_operator: dict[str, int] = Field(default_factory=dict)
    """Tasks kept, by the operator that made them."""


class Evolution:
    """The state of one run: every task that was kept, and every one that was left out."""

    def __init__(self, benchmarks: Benchmarks, most_words: int, seed: int) -> None:
        self._benchmarks = benchmarks
        self._most_words = most_words
        self._seed = seed
        self._seen = Index(NEAR_DUPLICATE)
        self._ids: list[str] = []
        self._families: dict[str, set[int]] = {}
        self.kept: list[Task] = []
        self.eliminated: list[Eliminated] = []
        self.rounds: list[RoundReport] = []

    def begin(self, seeds: Iterable[str]) -> list[Task]:
        """Take the seeds: those that are long enough, not too long, new, and in no benchmark."""
        tasks = [Task(id=id_of(text), text=text, seed=id_of(text)) for text in seeds]
        before = len(self.kept)
        for task in tasks:
            length = len(task.text.split())
            if length < 3:
                self._leave_out(task, Reason.TOO_SHORT)
            elif length > self._most_words:
                self._leave_out(task, Reason.TOO_LONG)
            else:
                self._keep_if_new(task)
        self._report(0, tasks, before)
        return self.kept[before:]

    def run(
        self,
        teacher: Teacher,
        seeds: Sequence[Task],
        rounds: int,
        tell: Callable[[RoundReport], None],
    ) -> None:
        """Evolve each seed once a round; one whose child is left out is tried again in the next.

        Raises:
            BudgetExceeded, errors.Unavailable: the teachers give no more; run again later, and only
                what is missing is asked for.
        """
        front = list(seeds)
        for number in range(1, rounds + 1):
            before = len(self.kept)
            children: list[Task] = []
            for start in range(0, len(front), _CHUNK):
                children += self._evolve(teacher, front[start : start + _CHUNK], number)
            born = {task.seed: task for task in self.kept[before:]}
            front = [born.get(task.seed, task) for task in front]
            tell(self._report(number, children, before))

    def _evolve(self, teacher: Teacher, front: Sequence[Task], number: int) -> list[Task]:
        chosen = [operators.choose(self._seed, task.id, number) for task in front]
        prompts = [
            Prompt(
                messages=operators.ask_to_evolve(task.text, operator, self._most_words),
                num_answers=1,
                temperature=_TEMPERATURE,
                max_tokens=_MAX_TOKENS,
                seed=self._seed,
            )
            for task, operator in zip(front, chosen, strict=True)
        ]
        children = []
        answers = teacher.ask(prompts)
        for parent, operator, answer in zip(front, chosen, answers, strict=True):
            child = _child(parent, operator, number, answer)
            children.append(child)
            self._admit(child, parent, answer)
        return children

    def _admit(self, child: Task, parent: Task, answer: list[Completion] | None) -> None:
        if answer is None:
            self._leave_out(child, Reason.REFUSED_BY_SERVER)
        elif answer[0].finish_reason == "length":
            self._leave_out(child, Reason.NO_TASK)
        elif reason := judge(child.text, parent.text, self._most_words, answer[0].text):
            self._leave_out(child, reason)
        else:
            self._keep_if_new(child)

    def _keep_if_new(self, task: Task) -> None:
        # Children are like their parents, or nothing would be left of them; those are judged apart.
        family = self._families.setdefault(task.seed, set())
        nearest = self._seen.nearest(task.text, but=family)
        if nearest is not None:
            like = self._ids[nearest.number]
            self.eliminated.append(Eliminated(task=task, reason=Reason.NEAR_DUPLICATE, like=like))
            return
        hit = self._benchmarks.find(task.text)
        if hit is not None:
            self.eliminated.append(Eliminated(task=task, reason=Reason.CONTAMINATED, hit=hit))
            return
        family.add(self._seen.add(task.text))
        self._ids.append(task.id)
        self.kept.append(task)

    def _leave_out(self, task: Task, reason: Reason) -> None:
        self.eliminated.append(Eliminated(task=task, reason=reason))

    def _report(self, number: int, tasks: Sequence[Task], before: int) -> RoundReport:
        kept = self.kept[before:]
        eliminated = [one for one in self.eliminated if one.task.round_number == number]
        report = RoundReport(
            round_number=number,
            asked=len(tasks),
            kept=len(kept),
            eliminated=dict(Counter(one.reason for one in eliminated)),
            by_operator=dict(Counter(task.operator for task in kept if task.operator)),
        )
        self.rounds.append(report)
        log.info("evolution.round", **report.model_dump(mode="json"))
        return report


def _child(
    parent: Task, operator: operators.Operator, number: int, answer: list[Completion] | None
) -> Task:
    text = operators.read_task(answer[0].text) if answer else ""
    return Task(
        id=id_of(f"{parent.id} {number} {text}"),
        text=text,
        round_number=number,
        operator=operator.name,
        parent=parent.id,
        seed=parent.seed,
        model=answer[0].model if answer else "",
    )


def id_of(text: str) -> str:
    """Name a text by its hash."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
