"""Ways to take one training step on one group: ours in each layout, and the usual padded one."""

import random
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional
from transformers import GPTBigCodeConfig, GPTBigCodeForCausalLM, LlamaConfig, LlamaForCausalLM

from infra.contracts.base import Label
from trainer.gradient import Gradient
from trainer.models.model import set_attention
from trainer.modes.config import LossConfig, Mode, PairMode
from trainer.modes.groups import EncodedGroup
from trainer.modes.objective import denominators
from trainer.modes.pairs import form_pairs
from trainer.modes.terms import Denominators
from trainer.passes import Passes
from trainer.processes import Processes
from trainer.rows.layout import Layout
from trainer.rows.scoring import Scorer

SMALL = "llama-8m"
MIDDLE = "llama-30m"
LARGE = "gpt_bigcode-1b"
CONFIG = LossConfig.of(Mode.RRHF)


@dataclass(frozen=True)
class Shape:
    """One group: N responses of `shortest` to `longest` tokens to a prompt."""

    responses: int
    prompt: int
    shortest: int
    longest: int

    @property
    def lengths(self) -> list[int]:
        """Lengths spread evenly, in an order of no meaning."""
        step = (self.longest - self.shortest) / max(1, self.responses - 1)
        spread = [round(self.shortest + step * n) for n in range(self.responses)]
        return spread[::2] + spread[1::2]

    def __str__(self) -> str:
        span = f"{self.shortest}..{self.longest}" if self.shortest < self.longest else self.longest
        return f"N={self.responses} P={self.prompt} R={span}"


def make_model(name, device="cpu", bf16=False):
    """Build a model with random weights; gradients are there before the first step."""
    torch.manual_seed(0)
    if name != LARGE:
        size = 256 if name == SMALL else 512
        model = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=4096,
                hidden_size=size,
                intermediate_size=size * 11 // 4,
                num_hidden_layers=8,
                num_attention_heads=size // 64,
                num_key_value_heads=size // 64,
                max_position_embeddings=4096,
            )
        )
    else:
        # The shape of StarCoderBase-1B.
        model = GPTBigCodeForCausalLM(
            GPTBigCodeConfig(
                vocab_size=49152, n_positions=8192, n_embd=2048, n_layer=24, n_head=16, n_inner=8192
            )
        )
        model.eval()
    model.to(device=device, dtype=torch.bfloat16 if bf16 else torch.float32)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    return model


def humaneval_groups(count, vocabulary):
    """Groups as long as those of HumanEval: an eighth of a row of 4,096 tokens on average."""
    draw = random.Random(0)
    for seed in range(count):
        shape = Shape(6, draw.randint(60, 240), draw.randint(15, 45), draw.randint(60, 120))
        yield make_group(shape, vocabulary, seed)


def make_group(shape, vocabulary, seed=0):
    """A group of random tokens whose responses all have different scores."""
    generator = torch.Generator().manual_seed(seed)
    prompt, *responses = (
        torch.randint(vocabulary, (length,), generator=generator).tolist()
        for length in (shape.prompt, *shape.lengths)
    )
    scores = torch.rand(shape.responses, generator=generator).tolist()
    teachers = [False] * shape.responses
    return EncodedGroup(
        prompt=prompt,
        responses=responses,
        pairs=form_pairs(scores, teachers, PairMode.ALL),
        best=max(range(shape.responses), key=scores.__getitem__),
        scores=scores,
        labels=[Label.PARTIAL_PASS] * shape.responses,
        is_teacher=teachers,
    )


def plain_step(model, group: EncodedGroup) -> torch.Tensor:
    """Take RRHF's step, written anew and without its bugs; return the responses' scores.

    One padded row for each response, logits for every position, a log-softmax over the whole
    vocabulary, a hinge on every two responses, cross-entropy on the best.
    """
    device, prompt = model.device, len(group.prompt)
    rows = [group.prompt + response for response in group.responses]
    width = max(map(len, rows))
    ids_BL = torch.tensor([row + [0] * (width - len(row)) for row in rows], device=device)
    length_B = torch.tensor([len(row) for row in rows], device=device)
    place_L = torch.arange(width, device=device)
    logits = model(
        input_ids=ids_BL, attention_mask=place_L < length_B[:, None], use_cache=False
    ).logits
    logp_BL = functional.log_softmax(logits[:, :-1].float(), -1)
    logp_BL = logp_BL.gather(-1, ids_BL[:, 1:, None]).squeeze(-1)
    answer_BL = (place_L[1:] >= prompt) & (place_L[1:] < length_B[:, None])
    score_B = (logp_BL * answer_BL).sum(-1) / answer_BL.sum(-1)
    reward_B = torch.tensor(group.scores, device=device)
    lead_BB = score_B[:, None] - score_B[None]
    worse = reward_B[:, None] < reward_B[None]
    rank = lead_BB[worse & (lead_BB > 0)].sum() / worse.sum()
    (CONFIG.rank_weight * rank - score_B[reward_B.argmax()]).backward()
    return score_B.detach()


def our_step(layout: Layout, attention: str, max_tokens=2**30) -> Callable:
    """Return a step of the trainer in a layout, divided into passes of so many tokens."""

    def step(model, group: EncodedGroup) -> torch.Tensor:
        set_attention(model, attention)
        gradient = our_gradient(model, layout, max_tokens)
        (terms,) = gradient.accumulate([group], denominators(group, CONFIG))
        return terms.p_N

    return step


def our_gradient(model, layout: Layout, max_tokens: int) -> Gradient:
    """Return what adds up the gradient of groups, in passes of so many tokens."""
    passes = Passes(
        scorer=Scorer(model=model, layout=layout, device=model.device),
        processes=Processes(),
        max_tokens=max_tokens,
    )
    return Gradient(passes=passes, config=CONFIG)


def many_groups_step(layout: Layout, attention: str, together: bool) -> Callable:
    """Return a step on many groups: as many to a pass as fit into 4,096 tokens, or each alone."""

    def step(model, groups: list[EncodedGroup]) -> None:
        set_attention(model, attention)
        gradient = our_gradient(model, layout, 4096)
        counts = sum((denominators(group, CONFIG) for group in groups), Denominators())
        for some in [groups] if together else [[group] for group in groups]:
            gradient.accumulate(some, counts)

    return step


def contenders(shape: Shape) -> dict[str, Callable]:
    """Return every way by name; the two-pass one takes a quarter of the responses at a time."""
    part = shape.prompt + sum(sorted(shape.lengths)[-max(1, shape.responses // 4) :])
    return {
        "plain (RRHF)": plain_step,
        "padded": our_step(Layout.PADDED, "sdpa"),
        "packed": our_step(Layout.PACKED, "sdpa"),
        "shared, mask": our_step(Layout.SHARED, "sdpa"),
        "shared, split": our_step(Layout.SHARED, "split"),
        "two-pass": our_step(Layout.SHARED, "split", part),
    }
