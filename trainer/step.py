"""A student under training: one optimizer step at a time, on groups of token ids."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn
from torch.optim import AdamW

from infra import errors, logs
from infra.contracts.base import JsonValue
from infra.contracts.ranking import LeasedBatch
from infra.prompting.stored import form_of
from trainer import checkpoint, lora, model, saving, selfcheck, shards
from trainer.encoding import encode_group
from trainer.gradient import Gradient
from trainer.guard import Guard
from trainer.layout import Layout
from trainer.metrics import Tally
from trainer.modes.config import LossConfig
from trainer.modes.groups import EncodedGroup
from trainer.modes.objective import denominators
from trainer.modes.terms import Denominators, Term
from trainer.passes import Passes
from trainer.processes import Processes, part, whole
from trainer.reference import Reference
from trainer.schedule import learning_rate
from trainer.scoring import Scorer
from trainer.settings import TrainerSettings
from trainer.tokenizer import TextTokenizer, byte_tokenizer, load_tokenizer

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
        self.model = _student(settings, resume_from, self.processes)
        self.optimizer = AdamW(
            [parameter for parameter in self.model.parameters() if parameter.requires_grad],
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
        )
        torch.manual_seed(settings.seed)
        self.state = checkpoint.TrainerState()
        if resume_from:
            self.state = saving.restore(resume_from, self.model, self.optimizer)
        self.scorer = self._checked_scorer(settings.bf16)
        self._guard = Guard(self.state.history)
        self._settings = settings
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
        longest = model.max_positions(self.model)
        max_response = min(self._settings.max_response_tokens, longest // 2)
        max_prompt = min(self._settings.max_prompt_tokens, longest - max_response)
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
        measures = {"loss": value, "grad_norm": found.norm}
        trouble = self._guard.look(measures, tally.own_passed, tally.own)
        if trouble:
            self.optimizer.zero_grad(set_to_none=True)
            raise errors.TrainingDiverged(trouble)

    @property
    def _passes(self) -> Passes:
        return Passes(
            scorer=self.scorer,
            processes=self.processes,
            max_tokens=self._settings.max_row_tokens,
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
            settings.learning_rate,
            settings.warmup_steps,
            settings.decay_steps,
            settings.final_learning_rate_share,
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
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
        source = self._settings.model
        frozen = _loaded(self._settings, source, torch.float32, divided=self.processes.count > 1)
        model.set_attention(frozen, self._settings.attention)
        model.switch_off_dropout(frozen)
        frozen.requires_grad_(False).eval()
        _divide(frozen, model.blocks(frozen), source, self._settings.bf16, self.processes)
        return Reference(passes=replace(self._passes, scorer=replace(self.scorer, model=frozen)))

    def _checked_scorer(self, bf16: bool) -> Scorer:
        """Return a scorer whose layout gives what padded rows give, on every process."""
        layout = selfcheck.suitable_layout(self.model)
        scorer = Scorer(model=self.model, layout=layout, device=self.processes.device, bf16=bf16)
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
    settings: TrainerSettings, resume_from: Path | None, processes: Processes
) -> nn.Module:
    """Load the model and make it ready to train."""
    adapted = settings.lora_rank > 0
    source = settings.model if adapted or not resume_from else str(resume_from)
    # Frozen weights take no small steps, so they need no more than the precision they work in.
    half = adapted and settings.bf16 and processes.count == 1
    dtype = torch.bfloat16 if half else torch.float32
    # Adapters are put beside weights that are there.
    student = _loaded(settings, source, dtype, divided=processes.count > 1 and not adapted)
    model.set_attention(student, settings.attention)
    blocks = model.blocks(student)
    if settings.gradient_checkpointing:
        model.keep_no_activations(student)
    if adapted and resume_from:
        student = lora.load_adapter(student, resume_from / checkpoint.ADAPTER)
    elif adapted:
        torch.manual_seed(settings.seed)
        student = lora.add_adapter(student, settings.lora_rank, settings.lora_alpha)
    model.switch_off_dropout(student)
    student.train()
    _divide(student, blocks, source, settings.bf16, processes)
    return student


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
    return model.small_student(257, settings.seed).to(dtype)
