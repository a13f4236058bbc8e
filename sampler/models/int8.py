"""The backend `ctranslate2`: samples from a model of 8-bit integers in this process, on a CPU."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from infra import errors
from infra.contracts.candidates import SamplePlan
from infra.contracts.prompting import PAPER, PromptForm, Sampled
from infra.prompting.encoding import prompt_ids, words_of
from infra.prompting.stored import form_of
from sampler.backends import Completion, SamplesExhausted
from sampler.draws import Decoding, Draw, Question
from sampler.servers.protocol import policy_version_of

if TYPE_CHECKING:
    import tokenizers

TOKENIZER = "tokenizer.json"
"""File of a converted model that holds its tokenizer."""
_BATCH = 64
"""Most rows of one batch."""


class Int8:
    """A converted model; loaded once, and shared by the threads of a worker.

    CTranslate2 seeds its random numbers once in a process, so completions carry no seed: stored
    ones can be replayed, but not made again.
    """

    def __init__(self, folder: Path, form: PromptForm = PAPER) -> None:
        """Load a converted model; problems are shown as its folder says, or else in `form`.

        Raises:
            errors.ConfigurationError: ctranslate2 is not installed, this is no such model, or its
                prompts need a chat template: what is converted has none.
        """
        try:
            import ctranslate2
            import tokenizers

            self._generator: ctranslate2.Generator = ctranslate2.Generator(
                str(folder), device="cpu", compute_type="int8"
            )
            self._tokenizer: tokenizers.Tokenizer = tokenizers.Tokenizer.from_file(
                str(folder / TOKENIZER)
            )
        except ImportError as error:
            raise errors.ConfigurationError(
                "the backend `ctranslate2` needs the extra of that name"
            ) from error
        # The tokenizer's own library raises nothing narrower for a file that it cannot read.
        except Exception as error:
            raise errors.ConfigurationError(f"RRTF_SAMPLER_QUANTIZED: {error}") from error
        # A tokenizer may have been saved with a length to cut or fill texts to.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        config = json.loads((folder / "config.json").read_text())
        self._end: int | None = self._tokenizer.token_to_id(config["eos_token"])
        self._words = _Tokenizer(self._tokenizer, self._end)
        self._form = form_of(str(folder), form)
        if self._form.is_chat:
            raise errors.ConfigurationError(
                f"the backend `ctranslate2` has no chat template for prompts of {self._form}"
            )
        self._name = folder.resolve().name

    def sample(
        self, question: Question, plan: SamplePlan, draws: Sequence[Draw]
    ) -> Sequence[Completion]:
        """Return one completion for each draw, in their order.

        Raises:
            SamplesExhausted: the plan names another model, or the prompt is too long for this one.
        """
        if plan.model not in ("", self._name):
            raise SamplesExhausted(
                f"the backend `ctranslate2` has {self._name!r}, not {plan.model!r}"
            )
        prompt = prompt_ids(self._form, self._words, question)
        # None stands for an id that the tokenizer does not have, and these are its own.
        tokens = cast("list[str]", [self._tokenizer.id_to_token(one) for one in prompt])
        found: dict[int, Completion] = {}
        if plan.min_p:
            raise SamplesExhausted("the backend `ctranslate2` knows no `min_p`")
        for temperature in dict.fromkeys(draw.temperature for draw in draws):
            same = [draw for draw in draws if draw.temperature == temperature]
            written = self._generate(tokens, len(same), Decoding.of(plan, temperature))
            for draw, ids in zip(same, written, strict=True):
                found[draw.position] = self._read(prompt, ids, plan.stop)
        return [found[draw.position] for draw in draws]

    def _generate(self, tokens: list[str], count: int, decoding: Decoding) -> list[list[int]]:
        # Greedy is the likeliest of one; 0 there means of all.
        greedy = decoding.temperature == 0
        try:
            results = self._generator.generate_batch(
                [tokens] * count,
                max_batch_size=_BATCH,
                max_length=decoding.max_tokens,
                sampling_topk=1 if greedy else decoding.top_k or 0,
                sampling_topp=1.0 if greedy else decoding.top_p,
                sampling_temperature=1.0 if greedy else decoding.temperature,
                include_prompt_in_result=False,
                return_end_token=True,
            )
        except (RuntimeError, ValueError) as error:
            raise SamplesExhausted(f"the backend `ctranslate2` cannot: {error}") from error
        return [result.sequences_ids[0] for result in results]

    def _read(self, prompt: list[int], ids: list[int], stop: Sequence[str]) -> Completion:
        """Cut what was generated at its end token or at the first stop text."""
        ended = bool(ids) and ids[-1] == self._end
        text = words_of(self._words, prompt, ids)
        cuts = [place for place in map(text.find, stop) if place >= 0]
        return Completion(
            text=text[: min(cuts)] if cuts else text,
            model=self._name,
            finish_reason="stop" if ended or cuts else "length",
            policy_version=policy_version_of(self._name),
            sampled=Sampled(form=self._form, prompt_token_ids=tuple(prompt), token_ids=tuple(ids)),
        )


class _Tokenizer:
    """A bare tokenizer, spoken to as one of transformers."""

    def __init__(self, tokenizer: "tokenizers.Tokenizer", end: int | None) -> None:
        self._tokenizer = tokenizer
        added = tokenizer.get_added_tokens_decoder().items()
        self.all_special_ids: Sequence[int] = [n for n, token in added if token.special]
        self.eos_token_id = end

    def decode(self, ids: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(list(ids), skip_special_tokens=False)
        return text

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=add_special_tokens).ids
        return ids
