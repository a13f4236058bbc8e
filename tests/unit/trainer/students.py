"""Tiny models of the families that students come from, and groups of token ids."""

import torch
from transformers import (
    GPTBigCodeConfig,
    GPTBigCodeForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from infra.contracts.base import Author, Label, new_id
from infra.contracts.ranking import RankedGroup, Response
from trainer.models.model import set_attention
from trainer.modes.groups import EncodedGroup

VOCABULARY = 97
ARCHITECTURES = ("gpt_bigcode", "llama", "qwen2")
GOOD, BAD = "def f(x):\n    return x + 1\n", "def f(x):\n    return x - 1\n"


def tiny(architecture, attention="split", seed=0):
    """A model of two layers with weights large enough for attention to matter."""
    torch.manual_seed(seed)
    rotary = {
        "vocab_size": VOCABULARY,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 256,
        "initializer_range": 0.3,
    }
    match architecture:
        case "gpt_bigcode":
            config = GPTBigCodeConfig(
                vocab_size=VOCABULARY,
                n_positions=256,
                n_embd=32,
                n_layer=2,
                n_head=4,
                initializer_range=0.3,
                attn_pdrop=0.0,
                embd_pdrop=0.0,
                resid_pdrop=0.0,
            )
            model = GPTBigCodeForCausalLM(config)
        case "llama":
            model = LlamaForCausalLM(LlamaConfig(**rotary))
        case "qwen2":
            model = Qwen2ForCausalLM(Qwen2Config(**rotary))
    set_attention(model, attention)
    return model.train()


def token_ids(*lengths, seed=0):
    """Some lists of token ids of the given lengths."""
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.randint(1, VOCABULARY, (length,), generator=generator).tolist() for length in lengths
    ]


def ids_group(*lengths, prompt=11, seed=0, best=0):
    """A group whose first response beats all others."""
    start, *responses = token_ids(prompt, *lengths, seed=seed)
    scores = [1.0] + [0.3] * (len(lengths) - 1)
    return EncodedGroup(
        prompt=start,
        responses=responses,
        pairs=[(0, worse, 0.7) for worse in range(1, len(lengths))],
        best=best,
        scores=scores,
        labels=[Label.ALL_PASS] + [Label.PARTIAL_PASS] * (len(lengths) - 1),
        is_teacher=[True] + [False] * (len(lengths) - 1),
    )


def ranked_group(*programs, finished=True, pairs=((0, 1, 0.7),)):
    """A group as the ranker sends it: a teacher's program, then students'."""
    return RankedGroup(
        group_id=new_id(),
        problem_slug="t",
        prompt="def f(x):\n",
        responses=tuple(
            Response(
                candidate_id=new_id(),
                author=Author.TEACHER if n == 0 else Author.STUDENT,
                label=Label.ALL_PASS if n == 0 else Label.PARTIAL_PASS,
                score=1.0 if n == 0 else 0.3,
                program=program,
                finished=finished,
            )
            for n, program in enumerate(programs)
        ),
        pairs=pairs,
        best=0,
    )


def gradient_of(model):
    """All gradients of a model in one vector."""
    return torch.cat(
        [
            torch.zeros_like(parameter).flatten()
            if parameter.grad is None
            else parameter.grad.flatten()
            for parameter in model.parameters()
        ]
    )


def row_by_row(model, prompt, responses):
    """The log-probabilities of each response from a row of its own, by the plain definition."""
    found = []
    for response in responses:
        logits = model(input_ids=torch.tensor([prompt + response]), use_cache=False).logits[0]
        rows = torch.arange(len(prompt) - 1, len(prompt) + len(response) - 1)
        found.append(logits.double().log_softmax(-1)[rows, torch.tensor(response)])
    return found
