"""Batched sampling with a Hugging Face causal model: each row from random numbers of its own.

A completion is decided by model, prompt, seed and decoding; who else is in the batch does not
matter, beyond the last bits of floating-point sums that are taken in another order.

Shape suffixes: B rows, L positions, T new tokens, V vocabulary.
"""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    MinPLogitsWarper,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from infra import errors
from infra.contracts.prompting import PAPER, PromptForm
from infra.prompting.encoding import Tokenizer, prompt_ids, words_of
from infra.prompting.stored import form_of
from infra.prompting.wording import Shown
from sampler.draws import Decoding


@dataclass(frozen=True, kw_only=True)
class Row:
    """One completion to make."""

    prompt: tuple[int, ...]
    seed: int


@dataclass(frozen=True, kw_only=True)
class Generated:
    """One completion."""

    text: str
    finish_reason: str
    """`stop`: the end token or a stop text was written; `length`: cut off."""
    token_ids: tuple[int, ...]
    """With the end token, if it was written."""
    logps: tuple[float, ...] = field(compare=False)
    """Of each token, as the model weighed it before temperature and any cut; their last bits depend
    on who shares a batch, and make no other completion."""


class LocalModel:
    """A model with its tokenizer, loaded into this process."""

    def __init__(
        self, source: str, device: str, form: PromptForm = PAPER, loaded: Any = None
    ) -> None:
        """Load by name or path; on a GPU in the type of its weights, otherwise in fp32.

        Problems are shown as the model's folder says, or in `form` where it says nothing. A model
        that is `loaded` already is taken as it is, and the source is where its tokenizer is.

        Raises:
            errors.ConfigurationError: there is no such model, or it cannot be loaded.
        """
        dtype = torch.float32 if device == "cpu" else "auto"
        try:
            self.tokenizer: Any = AutoTokenizer.from_pretrained(source)
            model: Any = loaded
            if model is None:
                model = AutoModelForCausalLM.from_pretrained(source, dtype=dtype)
        except (OSError, ValueError) as error:
            raise errors.ConfigurationError(f"cannot load the model {source!r}: {error}") from error
        self.model = model.to(device).eval()
        ends = model.generation_config.eos_token_id
        ends = self.tokenizer.eos_token_id if ends is None else ends
        self.ends: tuple[int, ...] = tuple(ends) if isinstance(ends, list) else (ends,)
        # A model may bring penalties and temperatures of its own; the plan alone decides.
        model.generation_config = GenerationConfig(eos_token_id=list(self.ends))
        self.form = form_of(source, form)
        self.device = device
        config = model.config
        self.positions = int(getattr(config, "n_positions", None) or config.max_position_embeddings)

    def encode(self, problem: Shown) -> tuple[int, ...]:
        """Return the token ids that a problem's completion goes on from."""
        return tuple(prompt_ids(self.form, self.tokenizer, problem))

    def has_room(self, prompt: Sequence[int]) -> bool:
        """Tell whether a prompt is one, and leaves a position for a new token."""
        return 0 < len(prompt) < self.positions

    def check_room(self, rows: Sequence[Row]) -> None:
        """Refuse prompts that cannot be completed.

        Raises:
            errors.InvalidInput: a prompt leaves no position for a new token.
        """
        if not all(self.has_room(row.prompt) for row in rows):
            raise errors.InvalidInput(f"a prompt must have 1 to {self.positions - 1} tokens")

    def generate(
        self, rows: Sequence[Row], decoding: Decoding, batch_tokens: int
    ) -> list[Generated]:
        """Complete every row, in the order given.

        Args:
            rows: What to complete.
            decoding: How.
            batch_tokens: Most positions of one batch, prompts and new tokens together.

        Raises:
            errors.InvalidInput: a prompt leaves no position for a new token.
        """
        self.check_room(rows)
        done = dict(self.stream(rows, decoding, batch_tokens))
        return [done[index] for index in range(len(rows))]

    def stream(
        self,
        rows: Sequence[Row],
        decoding: Decoding,
        batch_tokens: int,
        known: Container[int] = (),
    ) -> Iterator[tuple[int, Generated]]:
        """Complete every row as `generate` does; yield each with its index once its batch is done.

        Batches of rows that are all known already are passed over; the others stay as they are, so
        that a row comes out the same. Every prompt must have room for a new token.
        """
        # Neighbours in length share a batch, so that little of it is padding.
        order = sorted(range(len(rows)), key=lambda index: len(rows[index].prompt))
        room = [min(decoding.max_tokens, self.positions - len(row.prompt)) for row in rows]
        for indices in _batches(rows, order, room, batch_tokens):
            if all(index in known for index in indices):
                continue
            batch = [rows[index] for index in indices]
            found = self._generate_batch(batch, decoding, room[indices[0]])
            yield from zip(indices, found, strict=True)

    @torch.inference_mode()
    def _generate_batch(
        self, batch: Sequence[Row], decoding: Decoding, num_new: int
    ) -> Iterator[Generated]:
        longest = max(len(row.prompt) for row in batch)
        pad = self.ends[0]
        # Padded on the left, and masked by length; `generate` counts positions from the mask.
        ids_BL = torch.tensor([[pad] * (longest - len(r.prompt)) + list(r.prompt) for r in batch])
        length_B = torch.tensor([len(row.prompt) for row in batch])
        mask_BL = torch.arange(longest) >= longest - length_B[:, None]
        weighed = WeighedTokens(longest)
        out_BL = self.model.generate(
            input_ids=ids_BL.to(self.device),
            attention_mask=mask_BL.long().to(self.device),
            logits_processor=LogitsProcessorList(
                [weighed, *_choosing([r.seed for r in batch], longest, num_new, decoding)]
            ),
            generation_config=GenerationConfig(
                do_sample=False,
                max_new_tokens=num_new,
                eos_token_id=list(self.ends),
                pad_token_id=pad,
                stop_strings=list(decoding.stop) or None,
            ),
            tokenizer=self.tokenizer,
        )
        logps_BT = weighed.logps(out_BL).tolist()
        written = zip(batch, out_BL[:, longest:].tolist(), logps_BT, strict=True)
        return (
            cut(self.tokenizer, self.ends, row, ids, logps, decoding.stop)
            for row, ids, logps in written
        )


def cut(
    tokenizer: Tokenizer,
    ends: Sequence[int],
    row: Row,
    ids: list[int],
    logps: list[float],
    stop: tuple[str, ...],
) -> Generated:
    """Cut what was generated at its end token or at the first stop text."""
    end = next((n for n, token in enumerate(ids) if token in ends), None)
    text = words_of(tokenizer, row.prompt, ids[:end])
    cuts = [position for position in map(text.find, stop) if position >= 0]
    # Behind a stop text a row is filled with end tokens that nobody wrote.
    count = len(ids) if end is None else end + (not cuts)
    return Generated(
        text=text[: min(cuts)] if cuts else text,
        finish_reason="length" if end is None and not cuts else "stop",
        token_ids=tuple(ids[:count]),
        logps=tuple(logps[:count]),
    )


def _batches(
    rows: Sequence[Row], order: Sequence[int], room: Sequence[int], batch_tokens: int
) -> Iterator[list[int]]:
    """Cut rows, shortest prompt first, into batches that fit and have equal room for new tokens.

    A row that would run out of positions must not shorten its neighbours.
    """
    batch: list[int] = []
    for index in order:
        tokens = (len(batch) + 1) * (len(rows[index].prompt) + room[index])
        if batch and (tokens > batch_tokens or room[index] != room[batch[0]]):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _choosing(
    seeds: Sequence[int], prompt_width: int, num_new: int, decoding: Decoding
) -> list[LogitsProcessor]:
    processors: list[LogitsProcessor] = []
    if decoding.temperature == 0:
        return processors  # `generate` takes the likeliest by itself.
    if decoding.temperature != 1:
        processors.append(TemperatureLogitsWarper(decoding.temperature))
    if decoding.top_k is not None:
        processors.append(TopKLogitsWarper(decoding.top_k))
    if decoding.top_p < 1:
        processors.append(TopPLogitsWarper(decoding.top_p))
    if decoding.min_p > 0:
        processors.append(MinPLogitsWarper(decoding.min_p))
    processors.append(SeededChoice(seeds, prompt_width, num_new))
    return processors


class WeighedTokens(LogitsProcessor):  # type: ignore[misc] # transformers is not typed
    """Remembers the log-probability of every token that is chosen; changes nothing.

    Kept step by step, for the scores of all steps together would be larger than the model.
    """

    def __init__(self, prompt_width: int) -> None:
        self._prompt_width = prompt_width
        self._scores_BV: Tensor | None = None
        self._logp_B: list[Tensor] = []

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Return the scores (B, V) as they are."""
        self._weigh(input_ids)
        self._scores_BV = scores.clone()  # Those that choose may write into them.
        return scores

    def _weigh(self, ids_BL: Tensor) -> None:
        if self._scores_BV is not None:
            logp_BV = self._scores_BV.float().log_softmax(-1)
            self._logp_B.append(logp_BV.gather(1, ids_BL[:, -1:])[:, 0])

    def logps(self, ids_BL: Tensor) -> Tensor:
        """Return the log-probabilities (B, T) of all new tokens, once the last is chosen."""
        self._weigh(ids_BL)
        return torch.stack(self._logp_B, dim=1)


class SeededChoice(LogitsProcessor):  # type: ignore[misc] # transformers is not typed
    """Chooses each row's next token with that row's own random number, and rules out the rest.

    `generate` samples all rows from one stream, so that a row depends on its neighbours; the
    likeliest of what is left here is the row's own choice.
    """

    def __init__(self, seeds: Sequence[int], prompt_width: int, num_new: int) -> None:
        """Draw one number for each row and step, in fp64 and on the CPU wherever the model is."""
        self._uniform_BT = torch.stack(
            [
                torch.rand(
                    num_new, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
                )
                for seed in seeds
            ]
        )
        self._prompt_width = prompt_width

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Return scores (B, V) of which only the chosen token's is finite."""
        step = input_ids.shape[1] - self._prompt_width
        uniform_B1 = self._uniform_BT[:, step : step + 1].to(scores.device)
        sum_BV = scores.double().softmax(-1).cumsum(-1)
        # Scaled by the total, for a sum of many shares is only nearly one.
        target_B1 = uniform_B1 * sum_BV[:, -1:]
        chosen_B1 = torch.searchsorted(sum_BV, target_B1, right=True)
        chosen_B1 = chosen_B1.clamp_max(scores.shape[1] - 1)
        return torch.full_like(scores, -torch.inf).scatter(1, chosen_B1, 0.0)
