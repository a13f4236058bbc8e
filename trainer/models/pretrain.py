"""Makes a small student from nothing: `python -m trainer.models.pretrain --corpus FILE --out DIR`.

Each line of the corpus is `{"prompt": ..., "program": ...}`. The loss is plain next-token
cross-entropy over program and end token, given the prompt.

Shape suffixes: B rows, L positions, K positions that count, V vocabulary.
"""

import argparse
import gzip
import json
import math
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import AdamW, Muon, Optimizer

from infra import errors
from infra.observability import logs
from infra.prompting.encoding import encode_prompt
from infra.prompting.wording import quoted
from trainer.models.model import small_student
from trainer.models.tokenizer import TextTokenizer, train_tokenizer

log = logs.get(__name__)

_POSITIONS = 512
_SORTED_BATCHES = 50
"""Batches whose rows are sorted by length together, so that little is padding."""
_WARMUP_SHARE = 0.05
_WEIGHT_DECAY = 0.01


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything but the corpus that decides the weights."""

    seed: int = 0
    vocabulary: int = 1536
    width: int = 128
    layers: int = 4
    epochs: float = 0.85
    batch_rows: int = 32
    learning_rate: float = 3e-3
    """Of embeddings, norms and biases, by AdamW."""
    matrix_learning_rate: float = 0.02
    """Of the matrices in between, by Muon: a quarter of AdamW's steps to the same loss."""


@dataclass(frozen=True)
class Row:
    """One prompt with one program as token ids."""

    ids: list[int]
    start: int
    """Position of the program's first token."""


def read_corpus(path: Path) -> list[tuple[str, str]]:
    """Read prompts with their programs.

    Raises:
        errors.InvalidInput: the file cannot be read, or a line is not a pair.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    pairs: list[tuple[str, str]] = []
    try:
        with opened(path, "rt", encoding="utf-8") as file:
            for line in file:
                record = json.loads(line)
                pairs.append((str(record["prompt"]), str(record["program"])))
    except (OSError, EOFError) as error:
        raise errors.InvalidInput(f"cannot read {path}: {error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise errors.InvalidInput(f"{path}, line {len(pairs) + 1}: {error!r}") from error
    return pairs


def encode_pairs(pairs: Sequence[tuple[str, str]], tokenizer: TextTokenizer) -> list[Row]:
    """Encode prompt and program apart, as training on ranked groups does, with the end token."""
    end = tokenizer.eos_token_id
    rows = []
    for prompt, program in pairs:
        asked = encode_prompt(tokenizer, quoted(prompt))
        written = tokenizer.encode(program, add_special_tokens=False)
        ids = [*asked, *written, 0 if end is None else end][:_POSITIONS]
        rows.append(Row(ids, len(asked)))
    return rows


def batches(rows: Sequence[Row], batch_rows: int, rng: random.Random) -> Iterator[list[Row]]:
    """Yield the rows of one epoch in random order, those of like length together."""
    order = rng.sample(rows, len(rows))
    block = batch_rows * _SORTED_BATCHES
    for start in range(0, len(order), block):
        near = sorted(order[start : start + block], key=lambda row: len(row.ids))
        groups = [near[at : at + batch_rows] for at in range(0, len(near), batch_rows)]
        rng.shuffle(groups)
        yield from groups


def program_loss(model: nn.Module, rows: Sequence[Row]) -> Tensor:
    """Return the mean cross-entropy of every token of the programs."""
    longest = max(len(row.ids) for row in rows)
    # Padded on the right: no position is wrong, and nothing later attends to what is counted.
    ids_BL = torch.tensor([row.ids + [0] * (longest - len(row.ids)) for row in rows])
    position_L = torch.arange(longest)
    start_B = torch.tensor([row.start for row in rows])
    length_B = torch.tensor([len(row.ids) for row in rows])
    counts_BL = (position_L >= start_B[:, None]) & (position_L < length_B[:, None])
    causal: Any = model
    hidden_BLD = causal.base_model(input_ids=ids_BL, use_cache=False).last_hidden_state
    # A position predicts the next one; logits of the rest would be half of the work.
    logits_KV = causal.get_output_embeddings()(hidden_BLD[:, :-1][counts_BL[:, 1:]])
    return functional.cross_entropy(logits_KV, ids_BL[:, 1:][counts_BL[:, 1:]])


def optimizers(model: nn.Module, recipe: Recipe) -> list[Optimizer]:
    """Return Muon for the matrices of the blocks, and AdamW for all else."""
    matrices: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for name, weight in model.named_parameters():
        (matrices if ".h." in name and weight.ndim == 2 else rest).append(weight)
    return [
        Muon(matrices, lr=recipe.matrix_learning_rate, weight_decay=_WEIGHT_DECAY),
        AdamW(rest, lr=recipe.learning_rate, weight_decay=_WEIGHT_DECAY),
    ]


def pretrain(pairs: Sequence[tuple[str, str]], recipe: Recipe) -> tuple[nn.Module, TextTokenizer]:
    """Train a student and its tokenizer; the same machine makes the same weights again.

    Raises:
        errors.TrainingDiverged: the loss is not finite.
    """
    tokenizer = train_tokenizer(
        (quoted(prompt) + program for prompt, program in pairs), recipe.vocabulary
    )
    rows = encode_pairs(pairs, tokenizer)
    model = small_student(
        recipe.vocabulary,
        recipe.seed,
        width=recipe.width,
        layers=recipe.layers,
        positions=_POSITIONS,
    )
    moving = optimizers(model, recipe)
    rates = [(group, group["lr"]) for optimizer in moving for group in optimizer.param_groups]
    rng = random.Random(recipe.seed)  # noqa: S311 - the order of rows is no secret
    steps = max(1, round(recipe.epochs * len(rows) / recipe.batch_rows))
    tokens, began, recent = 0, time.monotonic(), 0.0
    for step, batch in enumerate(_forever(rows, recipe, rng, steps)):
        for group, rate in rates:
            group["lr"] = rate * _schedule(step, steps)
        loss = program_loss(model, batch)
        model.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        if not math.isfinite(loss.item()):
            raise errors.TrainingDiverged(f"loss {loss.item()} at step {step}")
        for optimizer in moving:
            optimizer.step()
        tokens += sum(len(row.ids) for row in batch)
        recent = loss.item() if not step else 0.98 * recent + 0.02 * loss.item()
        if step % 100 == 99 or step == steps - 1:
            speed = tokens / (time.monotonic() - began)
            log.info("pretrain.step", step=step + 1, of=steps, loss=recent, tokens_per_second=speed)
    return model, tokenizer


def _forever(
    rows: Sequence[Row], recipe: Recipe, rng: random.Random, steps: int
) -> Iterator[list[Row]]:
    while steps > 0:
        for batch in batches(rows, recipe.batch_rows, rng):
            yield batch
            steps -= 1
            if not steps:
                return


def _schedule(step: int, steps: int) -> float:
    """Rise over the first steps, then fall along a cosine to a twentieth."""
    warmup = max(1.0, _WARMUP_SHARE * steps)
    if step < warmup:
        return (step + 1) / warmup
    return 0.05 + 0.475 * (1.0 + math.cos(math.pi * (step - warmup) / max(1.0, steps - warmup)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Read a corpus, train, write what `transformers` loads; return 1 when something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m trainer.models.pretrain", description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=0)
    for name, default in vars(Recipe()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    given = vars(parser.parse_args(arguments))
    corpus, out, threads = given.pop("corpus"), given.pop("out"), given.pop("threads")
    logs.configure("trainer")
    if threads:
        torch.set_num_threads(threads)
    try:
        model, tokenizer = pretrain(read_corpus(corpus), Recipe(**given))
    except errors.SuiteError as error:
        log.error("pretrain.stopped", code=error.code, reason=error.detail)
        return 1
    model.half().save_pretrained(out)  # type: ignore[operator] # transformers is not typed
    tokenizer.save_pretrained(out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
