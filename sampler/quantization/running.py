"""One way to ask every variant: completions, logits of a text, and writing for the clock.

Shape suffixes: L positions, V vocabulary.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from transformers import AutoConfig, AutoTokenizer, GenerationConfig

from infra import errors
from infra.contracts.prompting import PromptForm
from infra.prompting.encoding import Tokenizer
from infra.prompting.stored import form_of
from sampler.draws import Decoding
from sampler.models.generation import Generated, LocalModel, Row, cut
from sampler.quantization.making import MODEL, loaded
from sampler.quantization.variants import Kind, Variant

_BATCH_TOKENS = 16_384


class Runner(Protocol):
    """A variant in memory."""

    @property
    def tokenizer(self) -> Tokenizer:
        """Of the model."""

    @property
    def form(self) -> PromptForm:
        """How it is shown problems."""

    @property
    def positions(self) -> int:
        """Most tokens of a prompt and what is written behind it."""

    def complete(self, prompts: Sequence[Sequence[int]], decoding: Decoding) -> list[Generated]:
        """Complete prompts greedily."""

    def logits(self, ids: Sequence[int]) -> Tensor:
        """Return the logits LV behind each token of a text, in fp32."""

    def write(self, prompts: Sequence[Sequence[int]], count: int) -> None:
        """Write just so many tokens behind each prompt, all at once."""


def opened(variant: Variant, source: str, folder: Path, form: PromptForm) -> Runner:
    """Load a variant that `make` has written; `form` is for a model that records none."""
    if variant.kind is Kind.CTRANSLATE2:
        return _Converted(source, folder / MODEL, form)
    return OfTorch(source, loaded(variant, folder / MODEL), form)


class OfTorch:
    """A variant that torch runs."""

    def __init__(self, source: str, model: Any, form: PromptForm) -> None:
        """Take a model, with the tokenizer of its source."""
        self.model = model
        self._local = LocalModel(source, "cpu", form, model)
        self.tokenizer: Tokenizer = self._local.tokenizer
        self.form = self._local.form
        self.positions = self._local.positions

    def complete(self, prompts: Sequence[Sequence[int]], decoding: Decoding) -> list[Generated]:
        """Complete prompts greedily."""
        rows = [Row(prompt=tuple(ids), seed=0) for ids in prompts]
        return self._local.generate(rows, decoding, _BATCH_TOKENS)

    @torch.inference_mode()
    def logits(self, ids: Sequence[int]) -> Tensor:
        """Return the logits LV behind each token of a text, in fp32."""
        found: Tensor = self.model(input_ids=torch.tensor([list(ids)])).logits[0]
        return found.float()

    @torch.inference_mode()
    def write(self, prompts: Sequence[Sequence[int]], count: int) -> None:
        """Write just so many tokens behind each prompt, all at once."""
        longest = max(map(len, prompts))
        pad = self._local.ends[0]
        ids = [[pad] * (longest - len(prompt)) + list(prompt) for prompt in prompts]
        mask = [[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts]
        self.model.generate(
            input_ids=torch.tensor(ids),
            attention_mask=torch.tensor(mask),
            generation_config=GenerationConfig(
                do_sample=False,
                min_new_tokens=count,
                max_new_tokens=count,
                eos_token_id=list(self._local.ends),
                pad_token_id=pad,
            ),
        )


class _Converted:
    """A variant that CTranslate2 runs."""

    def __init__(self, source: str, folder: Path, form: PromptForm) -> None:
        import ctranslate2

        self._generator: Any = ctranslate2.Generator(
            str(folder),
            device="cpu",
            compute_type="int8",
            intra_threads=torch.get_num_threads(),
        )
        config = AutoConfig.from_pretrained(source)
        self.tokenizer: Any = AutoTokenizer.from_pretrained(source)
        self.form = form_of(source, form)
        self.positions = int(getattr(config, "n_positions", None) or config.max_position_embeddings)
        ends = self.tokenizer.eos_token_id if config.eos_token_id is None else config.eos_token_id
        self._ends: list[int] = ends if isinstance(ends, list) else [ends]

    def complete(self, prompts: Sequence[Sequence[int]], decoding: Decoding) -> list[Generated]:
        """Complete prompts greedily."""
        found = []
        for ids in prompts:
            room = min(decoding.max_tokens, self.positions - len(ids))
            if room < 1:
                raise errors.InvalidInput(f"a prompt of {len(ids)} tokens leaves no room")
            (written,) = self._written([ids], room, shortest=0)
            row = Row(prompt=tuple(ids), seed=0)
            found.append(cut(self.tokenizer, self._ends, row, written, [], decoding.stop))
        return found

    def logits(self, ids: Sequence[int]) -> Tensor:
        """Return the logits LV behind each token of a text, in fp32."""
        tokens = self.tokenizer.convert_ids_to_tokens(list(ids))
        return torch.from_numpy(np.array(self._generator.forward_batch([tokens]))[0]).float()

    def write(self, prompts: Sequence[Sequence[int]], count: int) -> None:
        """Write just so many tokens behind each prompt, all at once."""
        self._written(prompts, count, shortest=count)

    def _written(
        self, prompts: Sequence[Sequence[int]], most: int, shortest: int
    ) -> list[list[int]]:
        results = self._generator.generate_batch(
            [self.tokenizer.convert_ids_to_tokens(list(ids)) for ids in prompts],
            max_length=most,
            min_length=shortest,
            sampling_topk=1,
            include_prompt_in_result=False,
            return_end_token=True,
            end_token=self._ends,
        )
        return [result.sequences_ids[0] for result in results]
