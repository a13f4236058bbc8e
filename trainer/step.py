"""A student under training: one optimizer step at a time, on groups of token ids."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from infra import errors
from infra.contracts.base import JsonValue
from infra.contracts.ranking import LeasedBatch
from infra.observability import logs
from infra.prompting.stored import form_of
from trainer import selfcheck, shards
from trainer.batches.encoding import encode_group
from trainer.checkpoints import checkpoint, saving
from trainer.choices import Choices, choose
from trainer.gradient import Gradient
from trainer.models import model
from trainer.models.optimizer import make_optimizer, set_learning_rate
from trainer.models.student import BYTE_VOCABULARY, num_parameters, prepare
from trainer.models.tokenizer import TextTokenizer, byte_tokenizer, load_tokenizer
from trainer.modes.config import LossConfig
from trainer.modes.groups import EncodedGroup
from trainer.modes.objective import denominators
from trainer.modes.terms import Denominators, Term
from trainer.passes import Passes
from trainer.processes import Processes, part, whole
from trainer.reference import Reference
from trainer.rows.head import head_of
from trainer.rows.layout import Layout
from trainer.rows.scoring import Scorer
from trainer.schedule import learning_rate
from trainer.settings import TrainerSettings, WeightType
from trainer.watch.guard import Guard
from trainer.watch.metrics import Tally

log = logs.get(__name__)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a gradient says before anything is done with it."""

    tally: Tally
    norm: float


class Trainer:
    """One student, its optimizer, and how far it is."""

    def __init__(
        self,
        settings: TrainerSettings,
        resume_from: Path | None = None,
        processes: Processes | None = None,
    ) -> None:
        """Load the student, from a checkpoint if one is recorded.

        Raises:
            errors.PromptMismatch: the checkpoint has learnt from prompts of another form.
        """
        if settings.threads:
            torch.set_num_threads(settings.threads)
        self.processes = processes or Processes()
        source = str(resume_from) if resume_from else settings.model
        self.tokenizer: TextTokenizer = load_tokenizer(source) if source else byte_tokenizer()
        on_gpu = self.processes.device.type == "cuda"
        self.choices = choose(settings, num_parameters(source), on_gpu)
        self.model = _student(settings, self.choices, resume_from, self.processes)
        self.optimizer = make_optimizer(
            [parameter for parameter in self.model.parameters() if parameter.requires_grad],
            self.choices.optimizer,
            settings.weights,
            settings.weight_decay,
            fused=on_gpu,
        )
        torch.manual_seed(settings.seed)
        self.state = checkpoint.TrainerState()
        if resume_from:
            self.state = saving.restore(resume_from, self.model, self.optimizer)
        self._guard = Guard(self.state.history)
        self._settings = settings
        self.scorer = self._checked_scorer()
        self._config = settings.loss_config()
        self.form = settings.prompt_form
        known = form_of(source, self.form) if source else self.form
        if known != self.form:
            raise errors.PromptMismatch(
                f"{source} has learnt from prompts of the form {known}, and {self.form} is asked"
                " for: set RRTF_TRAINER_PROMPT_FORM to the first, or start from other weights"
            )
        self._reference = self._first_weights() if self._config.needs_reference else None
        self.saver = saving.Saver(
            model=self.model,
            optimizer=self.optimizer,
            tokenizer=self.tokenizer,
            form=self.form,
            processes=self.processes,
        )

    def encode(self, batch: LeasedBatch) -> list[EncodedGroup]:
        """Turn a batch into token ids that fit the model.

        Raises:
            errors.PromptMismatch: a candidate was sampled from another prompt.
        """
        max_prompt, max_response = self._settings.most_tokens(model.max_positions(self.model))
        return [
            encode_group(group, self.tokenizer, max_prompt, max_response, self._config, self.form)
            for group in batch.groups
        ]

    def step(self, groups: Sequence[EncodedGroup]) -> dict[str, JsonValue]:
        """Take one optimizer step on some groups; return what is worth watching.

        Raises:
            errors.TrainingDiverged: the loss or a gradient is not finite, or the guard says that
                the run has diverged, and no weight has changed; or the step made a weight that is
                not finite.
        """
        began = time.monotonic()
        # Counted over the whole step before anything is divided: a mean of means would weigh
        # small groups more.
        counts = sum((denominators(group, self._config) for group in groups), Denominators())
        mine = groups[self.processes.rank :: self.processes.count]
        divergence = 0.0
        if self._reference:
            mine = self._reference.annotated(mine)
            divergence = self._reference.divergence(self._passes, mine, self._config)
        term_norms = self._term_norms(mine, counts, divergence)
        found = self._gradient(mine, counts, self._config, divergence)
        value = found.tally.loss(counts, self._config)
        if not (math.isfinite(value) and math.isfinite(found.norm)):
            self.optimizer.zero_grad(set_to_none=True)
            raise errors.TrainingDiverged(f"loss {value}, gradient norm {found.norm}")
        self._look(value, found)
        rate = self._move()
        seconds = time.monotonic() - began
        return (
            found.tally.metrics(counts, self._config)
            | term_norms
            | self._surprise(found.tally)
            | self._guard.drift(found.tally.written())
            | {
                "grad_norm": found.norm,
                "learning_rate": rate,
                "seconds": seconds,
                "tokens_per_second": found.tally.tokens / seconds,
            }
        )

    def save(self, root: Path) -> tuple[Path, str]:
        """Write a checkpoint, and wait for it; return its directory and the hash of its weights.

        On further processes the hash is empty.
        """
        nothing = (checkpoint.directory_of(root, self.state.version), "")
        saved = self.saver.begin(root, self.state, lambda *both: both, with_state=True).result()
        return saved or nothing

    @property
    def is_calm(self) -> bool:
        """Whether nothing was suspect about the newest step."""
        return self._guard.is_calm

    def _look(self, value: float, found: Outcome) -> None:
        tally = found.tally
        measures = {"loss": value, "grad_norm": found.norm} | self._surprise(tally)
        trouble = self._guard.look(measures, tally.own_passed, tally.own)
        if trouble:
            self.optimizer.zero_grad(set_to_none=True)
            raise errors.TrainingDiverged(trouble)

    def _surprise(self, tally: Tally) -> dict[str, float]:
        config: Any = self.model.config
        return tally.surprise(config.get_text_config().vocab_size)

    @property
    def _passes(self) -> Passes:
        return Passes(
            scorer=self.scorer,
            processes=self.processes,
            max_tokens=self.choices.max_row_tokens,
        )

    def _gradient(
        self,
        mine: Sequence[EncodedGroup],
        counts: Denominators,
        config: LossConfig,
        divergence: float,
    ) -> Outcome:
        """Put the clipped gradient of all groups into the parameters this process holds."""
        self.optimizer.zero_grad(set_to_none=True)
        accumulation = Gradient(passes=self._passes, config=config, kto_divergence=divergence)
        tally = Tally()
        for group, terms in zip(mine, accumulation.accumulate(mine, counts), strict=True):
            tally.add(group, terms)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self._settings.max_grad_norm)
        return Outcome(
            tally=Tally.of(self.processes.sum(tally.numbers())), norm=float(whole(norm).item())
        )

    def _move(self) -> float:
        """Take the step; return the learning rate."""
        settings, version = self._settings, self.state.version + 1
        rate = learning_rate(
            version,
            self.choices.learning_rate,
            settings.warmup_steps,
            settings.decay_steps,
            settings.final_learning_rate_share,
        )
        set_learning_rate(self.optimizer, rate)
        self.optimizer.step()
        broken = sum(
            not bool(torch.isfinite(part(weight)).all()) for weight in self.model.parameters()
        )
        if self.processes.sum([broken])[0]:
            raise errors.TrainingDiverged(f"step {version} made weights that are not finite")
        self.state.version = version
        return rate

    def _first_weights(self) -> Reference:
        """Return the reference: the policy without its adapters, or a frozen copy of its start."""
        if self._settings.lora_rank:
            return Reference(passes=self._passes)
        source, divided = self._settings.model, self.processes.count > 1
        frozen = _loaded(self._settings, source, _dtype(self._settings), divided=divided)
        model.set_attention(frozen, self._settings.attention)
        model.switch_off_dropout(frozen)
        frozen.requires_grad_(False).eval()
        _divide(frozen, model.blocks(frozen), source, self.choices.bf16, self.processes)
        scorer = replace(self.scorer, model=frozen, head=self.scorer.head and head_of(frozen))
        return Reference(passes=replace(self._passes, scorer=scorer))

    def _checked_scorer(self) -> Scorer:
        """Return a scorer that gives what padded rows of whole logits give, on every process."""
        scorer = Scorer(
            model=self.model,
            layout=selfcheck.suitable_layout(self.model),
            device=self.processes.device,
            bf16=self.choices.bf16 or self._settings.weights is WeightType.BF16,
            offload=self._settings.offload_activations,
        )
        scorer = replace(scorer, head=selfcheck.checked_head(scorer))
        layout = selfcheck.checked(scorer)
        refused = self.processes.sum([layout is Layout.PADDED])[0] > 0
        return replace(scorer, layout=Layout.PADDED if refused else layout)

    def _term_norms(
        self, mine: Sequence[EncodedGroup], counts: Denominators, divergence: float
    ) -> dict[str, JsonValue]:
        """Measure the gradient norm of each term alone, in the steps that are due for it."""
        every = self._settings.term_norm_steps
        if not every or self.state.version % every or len(self._config.terms) == 1:
            return {}
        norms: dict[str, JsonValue] = {}
        for term in self._config.terms:
            alone = replace(self._config, only=term)
            imitated = [best for group in mine if (best := group.only_best())]
            needed = imitated if term is Term.CE else mine
            norms[f"{term}_grad_norm"] = self._gradient(needed, counts, alone, divergence).norm
        return norms


def _student(
    settings: TrainerSettings, choices: Choices, resume_from: Path | None, processes: Processes
) -> nn.Module:
    """Load the model and make it ready to train."""
    adapted = settings.lora_rank > 0
    source = settings.model if adapted or not resume_from else str(resume_from)
    # Frozen weights take no small steps, so they need no more than the precision they work in.
    half = adapted and choices.bf16 and processes.count == 1
    dtype = torch.bfloat16 if half else _dtype(settings)
    if settings.lora_4bit:
        student = _loaded_4bit(settings, processes, dtype)
    else:
        # Adapters are put beside weights that are there.
        student = _loaded(settings, source, dtype, divided=processes.count > 1 and not adapted)
    blocks = model.blocks(student)
    adapter = resume_from / checkpoint.ADAPTER if adapted and resume_from else None
    student = prepare(student, settings, choices, adapter)
    _divide(student, blocks, source, choices.bf16, processes)
    return student


def _loaded_4bit(settings: TrainerSettings, processes: Processes, dtype: torch.dtype) -> nn.Module:
    if settings.model is None or processes.count > 1:
        raise errors.ConfigurationError("weights in 4 bits need a model, and a single process")
    return model.load_4bit(settings.model, processes.device, dtype)


def _dtype(settings: TrainerSettings) -> torch.dtype:
    return torch.bfloat16 if settings.weights is WeightType.BF16 else torch.float32


def _divide(
    student: nn.Module,
    blocks: Sequence[nn.Module],
    source: str | None,
    bf16: bool,
    processes: Processes,
) -> None:
    processes.shard(student, blocks, bf16)
    if source and shards.is_empty(student):
        shards.read_into(student, source, processes.device)


def _loaded(
    settings: TrainerSettings, source: str | None, dtype: torch.dtype, *, divided: bool
) -> nn.Module:
    """Return the model; one that is going to be divided over processes may be empty as yet."""
    if source:
        empty = shards.without_weights(source, dtype) if divided else None
        return empty or model.load_model(source, dtype)
    return model.small_student(BYTE_VOCABULARY, settings.seed).to(dtype)
