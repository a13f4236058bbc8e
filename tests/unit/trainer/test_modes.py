"""Each mode: which responses it takes, what its first step costs, and its gradient in parts."""

import math
from dataclasses import replace

import pytest
import torch

from infra.contracts.base import Author, Label
from infra.contracts.prompting import PAPER, Sampled
from tests.unit.trainer.students import BAD, GOOD, ids_group, ranked_group, tiny
from tests.unit.trainer.test_gradient import accumulated, relative
from trainer.batches.encoding import encode_group
from trainer.models.tokenizer import byte_tokenizer
from trainer.modes.config import POLICY_GRADIENT, LossConfig, Mode
from trainer.settings import TrainerSettings
from trainer.step import Trainer

TOKENIZER = byte_tokenizer()


def group_of(*responses):
    """A group of responses, each by its author, label and score."""
    programs = [f"{number} = {number}\n" for number in range(len(responses))]
    group = ranked_group(*programs, pairs=())
    changed = [
        one.model_copy(update={"author": author, "label": label, "score": score})
        for one, (author, label, score) in zip(group.responses, responses, strict=True)
    ]
    return group.model_copy(update={"responses": tuple(changed), "best": 1})


GROUP = group_of(
    (Author.TEACHER, Label.PARTIAL_PASS, 0.7),
    (Author.STUDENT, Label.ALL_PASS, 1.0),
    (Author.STUDENT, Label.PARTIAL_PASS, 0.9),
    (Author.STUDENT, Label.RUNTIME_ERROR, 0.1),
)


def encoded(mode, group=GROUP):
    found = encode_group(group, TOKENIZER, 512, 512, LossConfig.of(mode))
    programs = [response.program for response in group.responses]
    taken = [programs.index(TOKENIZER.decode(ids[:-1])) for ids in found.responses]
    pairs = {(taken[better], taken[worse]): gap for better, worse, gap in found.pairs}
    return found, taken, pairs


def test_the_paper_imitates_a_teacher_and_compares_it_with_students_by_label():
    found, taken, pairs = encoded(Mode.PAPER)

    assert taken[found.best] == 0
    assert pairs == {(0, 2): pytest.approx(0.15), (0, 3): 1.0}


def test_the_paper_imitates_nobody_where_there_is_no_teacher():
    alone = group_of((Author.STUDENT, Label.ALL_PASS, 1.0), (Author.STUDENT, Label.ALL_PASS, 1.0))

    found, _, pairs = encoded(Mode.PAPER, alone)

    assert found.best is None
    assert pairs == {}


def test_rejection_sampling_imitates_the_best_alone():
    found, taken, pairs = encoded(Mode.RFT)

    assert (taken, found.best, pairs) == ([1], 0, {})


@pytest.mark.parametrize("mode", POLICY_GRADIENT)
def test_policy_gradients_learn_from_all_that_the_policy_wrote(mode):
    found, taken, _ = encoded(mode)

    assert taken == [1, 2, 3]
    assert found.scores == [1.0, 0.9, 0.1]


def test_kto_takes_every_response():
    assert encoded(Mode.KTO)[1] == [0, 1, 2, 3]


def test_the_log_probabilities_of_a_sampler_are_those_of_the_ids_that_are_learnt():
    prompt = encode_group(GROUP, TOKENIZER, 512, 512).prompt
    known = Sampled(form=PAPER, prompt_token_ids=prompt, token_ids=[40, 41], logps=[-0.5, -0.25])
    untold = Sampled(form=PAPER, prompt_token_ids=prompt, token_ids=[40, 41])
    sampled = (None, known, untold, None)
    responses = [
        one.model_copy(update={"sampled": told})
        for one, told in zip(GROUP.responses, sampled, strict=True)
    ]
    group = GROUP.model_copy(update={"responses": tuple(responses)})

    found = encode_group(group, TOKENIZER, 512, 512, LossConfig.of(Mode.GRPO))

    assert found.responses[:2] == [[40, 41], [40, 41]]
    assert found.sampled == [[-0.5, -0.25], None, None]


def annotated(group):
    """The group with made-up log-probabilities under a reference, and when it was sampled."""
    torch.manual_seed(len(group.prompt))
    reference = [-3 * torch.rand(length) for length in group.lengths]
    sampled = [(-3 * torch.rand(length)).tolist() for length in group.lengths]
    return replace(group, reference=reference, sampled=sampled)


@pytest.mark.parametrize("mode", [Mode.DPO, Mode.KTO, Mode.RLOO, Mode.GRPO])
def test_two_passes_give_the_gradient_of_one(mode):
    groups = [ids_group(9, 14, 3, 22, 6), ids_group(5, 8, seed=1), ids_group(12, 2, 17, seed=2)]
    groups = [annotated(group) for group in groups]
    groups[0] = replace(groups[0], scores=[1.0, 0.8, 0.5, 0.3, 0.0])
    model, config = tiny("llama"), LossConfig.of(mode)

    expected, at_once = accumulated(model, groups, config)
    found, in_two = accumulated(model, groups, config, max_tokens=30)

    assert expected.any()
    assert relative(found, expected) < 1e-5
    for here, there in zip(at_once, in_two, strict=True):
        assert here.clipped == there.clipped
        for term, value in here.sums.items():
            torch.testing.assert_close(there.sums[term], value, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("fields", [{}, {"lora_rank": 4}])
@pytest.mark.parametrize(
    ("mode", "first"), [(Mode.DPO, math.log(2)), (Mode.KTO, 0.5), (Mode.RLOO, 0.0), (Mode.GRPO, 0)]
)
def test_a_policy_that_is_still_its_reference_costs_what_it_must(mode, first, fields, tmp_path):
    settings = {"threads": 1, "term_norm_steps": 0, "learning_rate": 1e-2, "warmup_steps": 0}
    trainer = Trainer(TrainerSettings(output_dir=tmp_path, mode=mode, **settings, **fields))
    config = LossConfig.of(mode)
    groups = [
        encode_group(ranked_group(GOOD, BAD, "pass\n"), TOKENIZER, 512, 512, config),
        encode_group(
            GROUP.model_copy(update={"pairs": ((1, 3, 0.9),)}), TOKENIZER, 512, 512, config
        ),
    ]

    steps = [trainer.step(groups) for _ in range(4)]

    assert steps[0]["loss"] == pytest.approx(first, abs=1e-5)
    assert steps[0]["grad_norm"] > 0
    if mode in (Mode.DPO, Mode.KTO):
        assert steps[-1]["loss"] < first
