"""Our modes and TRL's own trainers give the same loss and gradient for the same tokens."""

import copy

import pytest
import torch
from datasets import Dataset
from torch.nn.utils.rnn import pad_sequence

from infra.contracts.base import Label
from tests.unit.trainer.students import gradient_of
from trainer.gradient import Gradient
from trainer.models.tokenizer import byte_tokenizer
from trainer.modes import policy
from trainer.modes.config import LossConfig, Mode
from trainer.modes.groups import EncodedGroup
from trainer.modes.objective import denominators
from trainer.modes.terms import Denominators
from trainer.passes import Passes
from trainer.processes import Processes
from trainer.reference import Reference
from trainer.rows.layout import Layout
from trainer.rows.scoring import Scorer, response_logps
from trainer.watch.metrics import Tally

pytestmark = pytest.mark.filterwarnings("ignore")  # TRL's own, and those of what it imports.
CONFIG = {
    "per_device_train_batch_size": 4,
    "use_cpu": True,
    "bf16": False,
    "gradient_checkpointing": False,
    "disable_dropout": False,
    "report_to": [],
    "max_length": 64,
}
TEXTS = [
    ("def add(a, b):\n", "    return a + b\n", "    return a\n"),
    ("def neg(a):\n", "    return -a\n", "    return not a  # wrong\n"),
]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A policy and the weights it began from, on a tokenizer of bytes."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    tokenizer = byte_tokenizer()
    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_attention_heads": 2}
    end = {"eos_token_id": 0, "pad_token_id": 0, "initializer_range": 0.3}
    config = LlamaConfig(vocab_size=len(tokenizer), num_hidden_layers=1, **sizes, **end)
    first = LlamaForCausalLM(config)
    trained = copy.deepcopy(first)
    for weight in trained.parameters():
        weight.data += 0.02 * torch.randn_like(weight)
    folder = str(tmp_path_factory.mktemp("first"))
    first.save_pretrained(folder)
    trained.config._name_or_path = folder  # Where some of TRL's trainers look for the reference.
    return trained, first, tokenizer


def passes(model):
    scorer = Scorer(model=model, layout=Layout.PADDED)
    return Passes(scorer=scorer, processes=Processes(), max_tokens=10_000)


def ours(models, groups, config, kto_divergence=0.0):
    """The loss of a step and its gradient."""
    trained, first, _ = models
    groups = Reference(passes=passes(first)).annotated(groups)
    counts = sum((denominators(group, config) for group in groups), Denominators())
    trained.zero_grad()
    gradient = Gradient(passes=passes(trained), config=config, kto_divergence=kto_divergence)
    tally = Tally()
    for group, terms in zip(groups, gradient.accumulate(groups, counts), strict=True):
        tally.add(group, terms)
    return tally.loss(counts, config), gradient_of(trained)


def theirs(models, loss):
    models[0].zero_grad()
    found = loss()
    found.backward()
    return found.item(), gradient_of(models[0])


def group(prompt, responses, **given):
    count = len(responses)
    wanted = {
        "pairs": [],
        "best": None,
        "scores": [0.0] * count,
        "labels": [Label.PARTIAL_PASS] * count,
        "is_teacher": [False] * count,
    }
    return EncodedGroup(prompt=prompt, responses=responses, **wanted | given)


def tokens(batch, row, prefix=""):
    """The prompt and the response of a row of TRL's."""
    ids = batch[f"{prefix}input_ids"][row]
    is_there = batch[f"{prefix}attention_mask"][row].bool()
    is_response = batch[f"{prefix}completion_mask"][row].bool()
    return ids[is_there & ~is_response].tolist(), ids[is_response].tolist()


def same(found, expected):
    (loss, gradient), (their_loss, their_gradient) = found, expected
    assert their_gradient.any()
    assert loss == pytest.approx(their_loss, abs=1e-5)
    torch.testing.assert_close(gradient, their_gradient, atol=1e-5, rtol=1e-4)


def test_dpo(models, tmp_path):
    from trl import DPOConfig, DPOTrainer

    rows = [{"prompt": a, "chosen": b, "rejected": c} for a, b, c in TEXTS]
    trainer = DPOTrainer(
        model=models[0],
        ref_model=models[1],
        args=DPOConfig(output_dir=str(tmp_path), beta=0.1, **CONFIG),
        train_dataset=Dataset.from_list(rows),
        processing_class=models[2],
    )
    batch = next(iter(trainer.get_train_dataloader()))
    expected = theirs(models, lambda: trainer.compute_loss(models[0], batch))

    groups = []
    for row in range(2):
        prompt, chosen = tokens(batch, row)
        _, rejected = tokens(batch, row + 2)
        groups.append(group(prompt, [rejected, chosen], pairs=[(1, 0, 0.4)]))

    same(ours(models, groups, LossConfig.of(Mode.DPO)), expected)


def test_kto(models, tmp_path):
    from trl import KTOConfig, KTOTrainer

    rows = [
        {"prompt": prompt, "completion": text, "label": label}
        for prompt, good, bad in TEXTS
        for text, label in ((good, True), (bad, False))
    ]
    trainer = KTOTrainer(
        model=models[0],
        ref_model=models[1],
        args=KTOConfig(output_dir=str(tmp_path), beta=0.1, loss_type="kto", **CONFIG),
        train_dataset=Dataset.from_list(rows),
        processing_class=models[2],
    )
    batch = next(iter(trainer.get_train_dataloader()))
    expected = theirs(models, lambda: trainer.compute_loss(models[0], batch))

    leads = []
    for row in range(4):
        prompt, response = tokens(batch, row, "KL_")
        now, then = (response_logps(model, prompt, [response])[0].sum() for model in models[:2])
        leads.append((now - then).item())
    divergence = max(0.0, sum(leads) / 4)
    groups = []
    for row in range(4):
        label = Label.ALL_PASS if batch["label"][row] else Label.RUNTIME_ERROR
        prompt, response = tokens(batch, row)
        groups.append(group(prompt, [response], labels=[label]))

    same(ours(models, groups, LossConfig.of(Mode.KTO), divergence), expected)


SCORES = [1.0, 0.3, 0.3, 0.0]


def sampled(models, shift):
    """A prompt, four responses of different lengths, and their tokens when they were sampled."""
    prompt, *responses = (
        models[2].encode(text, add_special_tokens=False)
        for text in ("def f(x):\n", "    return x", "    return", "  pass  # nothing", "    x += 1")
    )
    logps = [logp.detach() for logp in response_logps(models[0], prompt, responses)]
    generator = torch.Generator().manual_seed(1)
    return (
        prompt,
        responses,
        [logp + shift * torch.randn(len(logp), generator=generator) for logp in logps],
    )


def padded(rows):
    return pad_sequence([torch.as_tensor(row) for row in rows], batch_first=True)


@pytest.mark.parametrize("mode", [Mode.GRPO, Mode.RLOO])
def test_policy_gradients(mode, models, tmp_path):
    import trl

    prompt, responses, before = sampled(models, 0.4 if mode is Mode.GRPO else 0.1)
    name = mode.upper()
    limits = {"num_generations": 4, "max_completion_length": 16, "beta": 0.04}
    kind = {"loss_type": "grpo", "use_bias_correction_kl": False} if mode is Mode.GRPO else {}
    trainer = getattr(trl, f"{name}Trainer")(
        model=models[0],
        args=getattr(trl, f"{name}Config")(
            output_dir=str(tmp_path), **{k: v for k, v in CONFIG.items() if k != "max_length"},
            **limits, **kind,
        ),
        reward_funcs=lambda completions, **_: [0.0] * len(completions),
        train_dataset=Dataset.from_list([{"prompt": "a"}]),
        processing_class=models[2],
    )  # fmt: skip
    trainer.current_gradient_accumulation_steps = 1
    reference = [logp.detach() for logp in response_logps(models[1], prompt, responses)]
    mask = padded([[1] * len(response) for response in responses])
    rewards = torch.tensor(SCORES)
    inputs = {
        "prompt_ids": torch.tensor([prompt] * 4),
        "prompt_mask": torch.ones(4, len(prompt), dtype=torch.long),
        "completion_ids": padded(responses),
        "completion_mask": mask,
        "num_items_in_batch": mask.sum(),
    }
    if mode is Mode.GRPO:
        spread = trl.trainer.grpo_trainer.nanstd(rewards)
        inputs |= {
            "advantages": (rewards - rewards.mean()) / (spread + 1e-4),
            "old_per_token_logps": padded(before),
            "ref_per_token_logps": padded(reference),
        }
    else:
        old, ref = (torch.stack([one.sum() for one in some]) for some in (before, reference))
        rewards = rewards - 0.04 * (old - ref)
        others = (rewards.sum() - rewards) / 3
        inputs |= {"advantages": rewards - others, "old_logps": old}
    expected = theirs(models, lambda: trainer._compute_loss(models[0], inputs))

    own = group(prompt, responses, scores=SCORES, sampled=[logp.tolist() for logp in before])
    config = LossConfig(mode=mode, kl_weight=0.04)

    same(ours(models, [own], config), expected)


def test_advantages_say_nothing_of_a_single_response_or_of_equal_ones():
    for advantages in (policy.advantages_of_others, policy.advantages_in_group):
        assert advantages(torch.tensor([0.7])).tolist() == [0.0]
        assert advantages(torch.tensor([0.25, 0.25, 0.25])).abs().max() < 1e-6
        assert advantages(torch.zeros(0)).tolist() == []
