"""Rounds of RRTF over the API: sample, execute, rank, train, evaluate on held-out problems.

Iterative rounds sample with the newest checkpoint, on other problems each time. Overlapping ones
sample the next round while this one is trained. Offline rounds sample once, with the policy as it
was, and train on the same candidates again in every round.
"""

import random
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from infra import errors
from infra.contracts.base import Author, BatchState, GroupState, Label, SampleState
from infra.contracts.candidates import NewCandidate, NewGroup
from infra.contracts.views.api import CheckpointView, GroupView, ProblemView, SampleRequestView
from services import statistics
from services.loop.round_plan import Mode, Plan, Round

if TYPE_CHECKING:  # The command's help loads this module, and need not wait for HTTP.
    from services.client import Client

_POLL_SECONDS = 0.3
_IN_FLIGHT = 8


class Rounds:
    """Runs a plan against one API; whoever samples, executes and trains is behind it."""

    def __init__(
        self,
        client: "Client",
        plan: Plan,
        problems: Sequence[ProblemView],
        teachers: Mapping[str, Sequence[NewCandidate]],
        held_out: Sequence[ProblemView],
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare to run.

        Args:
            client: Of the API.
            plan: What to do.
            problems: To train on.
            teachers: What teachers wrote, by the problem's slug.
            held_out: Problems that are only evaluated; none of them may be trained on.
            check: Called while waiting; may raise to end the wait.

        Raises:
            errors.InvalidInput: a problem is both trained on and held out, or there is none.
        """
        both = {problem.slug for problem in problems} & {problem.slug for problem in held_out}
        if both:
            raise errors.InvalidInput(f"{min(both)} is to be trained on, and held out")
        if not problems or not held_out:
            raise errors.InvalidInput("rounds need problems to train on, and held-out problems")
        self._client, self._plan, self._check = client, plan, check
        self._problems, self._teachers, self._held_out = problems, teachers, held_out
        self._sampled: list[tuple[ProblemView, NewGroup]] = []

    def run(self) -> Iterator[Round]:
        """Evaluate, then yield one round after the other, until done or none has been better.

        Overlapping rounds that end early leave one behind that is trained all the same.

        Raises:
            errors.Unavailable: the sampler could not answer, or a batch was not trained.
        """
        first = self._evaluate(0, self._newest(), [], time.monotonic())
        yield first
        best, since = first.greedy.mean, 0
        ahead: list[UUID] = []
        for number in range(1, self._plan.rounds + 1):
            began = time.monotonic()
            groups = ahead or self._submit(number)
            ranked = self._wait_ranked(groups)
            overlaps = self._plan.mode is Mode.OVERLAPPING and number < self._plan.rounds
            ahead = self._submit(number + 1) if overlaps else []
            self._wait_trained(groups)
            done = self._evaluate(number, self._newest(), ranked, began)
            yield done
            best, since = (done.greedy.mean, 0) if done.greedy.mean > best else (best, since + 1)
            if self._plan.patience and since >= self._plan.patience:
                return

    def _newest(self) -> CheckpointView | None:
        try:
            found = self._client.checkpoints(self._plan.policy)
        except errors.NotFound:
            return None  # Nothing was ever trained under that name.
        return found[0] if found else None

    def _submit(self, number: int) -> list[UUID]:
        if self._plan.mode is Mode.OFFLINE and self._sampled:
            wanted = self._sampled
        else:
            plan = self._plan.of_policy(
                self._newest(), number, self._plan.samples, self._plan.temperature
            )
            wanted = [
                (
                    problem,
                    NewGroup(
                        candidates=tuple(self._teachers.get(problem.slug, ())),
                        samples=(plan, *self._plan.of_teachers(number)),
                        policy=self._plan.policy,
                        pairs=self._plan.pairs,
                        metadata={"round": number},
                    ),
                )
                for problem in self._drawn(number)
            ]
        return self._create(wanted)

    def _create(self, wanted: Sequence[tuple[ProblemView, NewGroup]]) -> list[UUID]:
        with ThreadPoolExecutor(_IN_FLIGHT) as pool:
            made = pool.map(lambda one: self._client.create_group(one[0].id, one[1]).id, wanted)
            return list(made)

    def _drawn(self, number: int) -> Sequence[ProblemView]:
        """Return the problems of a round: all, or the next ones of an order drawn by the seed."""
        count = self._plan.problems_per_round
        if not count:
            return self._problems
        rng = random.Random(self._plan.seed)  # noqa: S311 - the order of problems is no secret
        order = rng.sample(self._problems, len(self._problems))
        start = (number - 1) * count
        return [order[position % len(order)] for position in range(start, start + count)]

    def _wait_ranked(self, ids: Sequence[UUID]) -> list[GroupView]:
        """Wait until groups are ranked; what a teacher could not give is not waited for."""
        found = []
        for group_id in ids:
            while (group := self._client.get_group(group_id)).state is not GroupState.RANKED:
                self._pause()
            for refused in _refused(group):
                raise errors.Unavailable(f"{group.problem_slug}: {refused.reason}")
            found.append(group)
        return found

    def _wait_trained(self, ids: Sequence[UUID]) -> None:
        """Wait until every group that teaches something is trained."""
        waited_for: set[UUID] = set()
        for group_id in ids:
            while True:
                ranking = self._client.get_ranking(group_id)
                if ranking.skip_reason is not None or ranking.training_batch_id is not None:
                    break
                self._pause()
            if ranking.training_batch_id is not None:
                waited_for.add(ranking.training_batch_id)
        for batch_id in sorted(waited_for):
            while (state := self._client.get_training_batch(batch_id).state) in (
                BatchState.READY,
                BatchState.LEASED,
            ):
                self._pause()
            # Who samples a round ahead may find the bound too low for some of it: that is its cost.
            is_late = state is BatchState.STALE and self._plan.mode is Mode.OVERLAPPING
            if state is not BatchState.COMPLETED and not is_late:
                raise errors.Unavailable(f"batch {batch_id} was not trained: it is {state.value}")

    def _missing(self, group: GroupView) -> int:
        """Return how many programs teachers could not give; of the policy's, none is missing."""
        if not group.samples:
            return 0
        asked = sum(int(str(one.plan["num_samples"])) for one in group.samples)
        handed_in = len(self._teachers.get(group.problem_slug, ()))
        return handed_in + asked - sum(group.candidates.values())

    def _pause(self) -> None:
        self._check()
        time.sleep(_POLL_SECONDS)

    def _evaluate(
        self, number: int, checkpoint: CheckpointView | None, trained: list[GroupView], began: float
    ) -> Round:
        """Solve every held-out problem greedily, through the same sampler and executors."""
        plan = self._plan.of_policy(checkpoint, number, count=1, temperature=0.0)
        wanted = [
            (problem, NewGroup(samples=(plan,), policy=self._plan.held_out_policy))
            for problem in self._held_out
        ]
        ids = self._create(wanted)
        self._wait_ranked(ids)
        solved = []
        for group_id in ids:
            (candidate,) = self._client.candidates(group_id)
            if candidate.label is None:
                raise errors.Unavailable(f"no label: {candidate.reason or candidate.state.value}")
            solved.append(candidate.label is Label.ALL_PASS)
        staleness, taught = self._look_back(number, [group.id for group in trained])
        return Round(
            number=number,
            version=checkpoint.version if checkpoint else 0,
            groups=len(trained),
            trained_groups=taught,
            staleness=staleness,
            teachers_missing=sum(map(self._missing, trained)),
            greedy=statistics.wilson(sum(solved), len(solved)),
            solved=tuple(solved),
            seconds=time.monotonic() - began,
        )

    def _look_back(self, number: int, ids: list[UUID]) -> tuple[tuple[int, int] | None, int]:
        """Return the staleness that was recorded, and how many groups were trained on.

        In offline mode the candidates of the first round are kept, to be handed in again.
        """
        with ThreadPoolExecutor(_IN_FLIGHT) as pool:
            lists = list(pool.map(self._client.candidates, ids))
        for candidate in (c for one in lists for c in one):
            if candidate.author is Author.STUDENT and candidate.policy_version is None:
                raise errors.Unavailable(
                    f"{self._plan.policy_endpoint} does not say which version of the policy it"
                    " samples from: its entry in the list of model servers needs `policy` and"
                    " `weights`"
                )
        found = [[c.staleness for c in one if c.staleness is not None] for one in lists]
        ages = [age for one in found for age in one]
        if self._plan.mode is Mode.OFFLINE and number == 1:
            self._sampled = self._kept(ids)
        taught = sum(bool(one) for one in found)
        return ((min(ages), max(ages)) if ages else None), taught

    def _kept(self, ids: Sequence[UUID]) -> list[tuple[ProblemView, NewGroup]]:
        by_id = {problem.id: problem for problem in self._problems}

        def again(group_id: UUID) -> tuple[ProblemView, NewGroup]:
            problem = by_id[self._client.get_group(group_id).problem_id]
            details = [
                self._client.get_candidate(item.id) for item in self._client.candidates(group_id)
            ]
            candidates = tuple(
                NewCandidate(
                    author=item.author,
                    program=item.program,
                    model=item.model,
                    finish_reason=item.finish_reason,
                    policy_version=item.policy_version,
                    seed=item.seed,
                    completion=item.completion,
                    sampled=item.sampled,
                    metadata=item.metadata,
                )
                for item in details
            )
            return problem, NewGroup(
                candidates=candidates, policy=self._plan.policy, pairs=self._plan.pairs
            )

        with ThreadPoolExecutor(_IN_FLIGHT) as pool:
            return list(pool.map(again, ids))


def keep_best(client: "Client", policy: str, version: int, folder: Path) -> Path:
    """Copy a checkpoint into `best` below a folder, where no retention removes it.

    Raises:
        errors.Unavailable: this machine does not see the trainer's checkpoints.
        errors.NotFound: there is no such version.
    """
    found = [item for item in client.checkpoints(policy) if item.version == version]
    if not found:
        raise errors.NotFound(f"{policy} has no checkpoint of version {version}")
    source, best = Path(found[0].path), folder / "best"
    if not source.is_dir():
        raise errors.Unavailable(f"{source} is not on this machine; the checkpoint is not copied")
    fresh = folder / ".best.new"
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(source, fresh)
    shutil.rmtree(best, ignore_errors=True)
    fresh.rename(best)
    return best


def _refused(group: GroupView) -> list[SampleRequestView]:
    """Return what was asked of the policy and could not be had."""
    return [
        one
        for one in group.samples
        if one.state is SampleState.QUARANTINED and one.plan["author"] == Author.STUDENT
    ]
