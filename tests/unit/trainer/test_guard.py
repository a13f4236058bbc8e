"""What the guard takes for a run that goes wrong, and what for one that does not."""

import json
import random
from dataclasses import asdict

import pytest

from infra import errors
from infra.contracts.base import Label, new_id
from infra.contracts.ranking import LeasedBatch
from tests.unit.trainer.students import BAD, GOOD, ranked_group
from trainer.modes.config import POLICY_GRADIENT, Mode
from trainer.settings import TrainerSettings
from trainer.step import Trainer
from trainer.watch.guard import PATIENCE, WINDOW, Guard, History


def looked(losses, norms=None, guard=None):
    """The number of the step at which the guard ends the run, or None."""
    guard = guard or Guard(History())
    for step, loss in enumerate(losses):
        norm = norms[step] if norms else 1.0
        if guard.look({"loss": loss, "grad_norm": norm}, 0, 0):
            return step
    return None


def noisy(start, end, steps=300, seed=0):
    chance = random.Random(seed)
    return [
        start + (end - start) * step / steps + 0.2 * abs(start) * chance.gauss(0, 1)
        for step in range(steps)
    ]


@pytest.mark.parametrize(
    "losses",
    [
        *(noisy(5.4, 0.4, seed=seed) for seed in range(20)),
        noisy(0.7, 0.65),
        noisy(0.0, 0.0) + [0.6, 0.0] * 10,
        [5.0] * 5 + [60.0] * (PATIENCE - 1) + [5.0] * 20,
    ],
)
def test_a_run_that_learns_or_stumbles_goes_on(losses):
    assert looked(losses) is None


def test_a_run_that_diverges_ends():
    assert looked([5.4, 24.0, 90.0, 269.0]) == 3
    assert looked(noisy(5.4, 0.4) + [30.0] * 5) == 300 + PATIENCE - 1
    assert looked([1.0] * 60, [2.0] * 50 + [900.0] * 10) == 50 + PATIENCE - 1


def test_a_run_that_goes_wrong_slowly_ends_too():
    assert looked([1.0 + 0.02 * step for step in range(400)]) is not None


def test_what_is_remembered_holds_for_a_new_start():
    first = Guard(History())
    looked(noisy(5.4, 0.4), guard=first)

    again = Guard(History(**vars(first.history)))

    assert looked([30.0] * 5, guard=again) == PATIENCE - 1


def passes(guard, rate, steps, programs=20):
    chance = random.Random(1)
    for _ in range(steps):
        passed = sum(chance.random() < rate for _ in range(programs))
        found = guard.look({"loss": 1.0, "grad_norm": 1.0}, passed, programs)
        if found:
            return found
    return None


def test_a_policy_that_forgets_how_to_solve_ends_the_run():
    guard = Guard(History())

    assert passes(guard, 0.4, 200) is None
    assert "of the policy's programs pass all tests" in passes(guard, 0.05, 200)


def test_a_rate_that_wavers_or_is_of_few_programs_ends_nothing():
    assert passes(Guard(History()), 0.02, 300) is None
    guard = Guard(History())
    assert passes(guard, 0.6, 100) is None
    assert passes(guard, 0.45, 100) is None
    assert passes(Guard(History()), 0.0, 5, programs=2) is None


def test_drift_is_a_factor_from_the_first_steps_on_and_outlives_a_restart():
    guard = Guard(History())
    first = [guard.drift({"own_length": 100.0}) for _ in range(WINDOW)]
    again = Guard(History(**json.loads(json.dumps(asdict(guard.history)))))
    later = [again.drift({"own_length": 250.0}) for _ in range(WINDOW)]

    assert {one["own_length_drift"] for one in first} == {1.0}
    assert later[-1] == {"own_length_drift": 2.5}
    assert again.drift({}) == {}


def test_norms_that_are_zero_where_groups_teach_nothing_end_no_run():
    """As policy gradients are, of groups whose programs are all alike and of others."""
    assert looked([0.0] * 60, ([0.0] * 20 + [40.0] * 10) * 2) is None


def test_a_run_whose_loss_is_bounded_is_ended_by_what_it_makes_of_programs_that_pass():
    guard = Guard(History())
    calm = {"loss": 0.5, "grad_norm": 0.0}

    def ends(*surprises):
        return [
            guard.look(calm | ({} if one is None else {"surprise": one}), 0, 0) is not None
            for one in surprises
        ]

    assert not any(ends(0.2, 0.1, 0.3, 0.9, 1.0, 0.4, 3.0, 0.3))
    assert ends(3.0, None, 3.0, None, None, 3.0) == [False] * 5 + [True]


def learner(folder, mode, rate):
    return Trainer(
        TrainerSettings(
            output_dir=folder, mode=mode, learning_rate=rate, warmup_steps=0, threads=1,
            term_norm_steps=0,
        )
    )  # fmt: skip


def encoded(trainer, *scores):
    """A group of a teacher's program and the policy's, which pass where they score 1."""
    other = GOOD.replace("x + 1", "1 + x")
    programs = [GOOD, *[other if score == 1 else BAD for score in scores]]
    pairs = [(0, number, 0.7) for number, score in enumerate(scores, 1) if score < 1]
    group = ranked_group(*programs, pairs=tuple(pairs))
    own = [
        one.model_copy(
            update={"score": score, "label": Label.ALL_PASS if score == 1 else one.label}
        )
        for one, score in zip(group.responses[1:], scores, strict=True)
    ]
    group = group.model_copy(update={"responses": (group.responses[0], *own)})
    (found,) = trainer.encode(LeasedBatch(batch_id=new_id(), epoch=0, groups=(group,)))
    return found


@pytest.mark.parametrize("mode", POLICY_GRADIENT)
def test_a_healthy_run_on_groups_that_mostly_teach_nothing_goes_on(mode, tmp_path):
    trainer = learner(tmp_path, mode, 1e-4)
    alike, mixed = encoded(trainer, 0.3, 0.3), encoded(trainer, 1.0, 0.3, 0.3, 0.3)

    norms = [trainer.step([group])["grad_norm"] for group in [alike] * 8 + [mixed] * 4]

    assert max(norms[:8]) == 0.0
    assert min(norms[8:]) > 0.5


@pytest.mark.parametrize("mode", list(Mode))
def test_a_learning_rate_of_one_ends_a_run(mode, tmp_path):
    trainer = learner(tmp_path, mode, 1.0)
    group = encoded(trainer, 1.0, 0.3)

    def run():
        for _ in range(30):
            trainer.step([group])

    with pytest.raises(errors.TrainingDiverged):
        run()
