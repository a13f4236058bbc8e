"""The backend `transformers`: samples from a model loaded into this process.

Requests that wait at the same time share batches, whatever their problems: a completion does not
depend on its neighbours (`sampler.models.generation`).
"""

import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from infra import errors
from infra.contracts.candidates import SamplePlan
from infra.contracts.prompting import PAPER, PromptForm, Sampled
from infra.observability import logs
from sampler.backends import Completion, SamplesExhausted
from sampler.draws import Decoding, Draw, Question

if TYPE_CHECKING:
    from sampler.models.generation import LocalModel

log = logs.get(__name__)

_STATE = "trainer_state.json"
"""What a trainer writes beside the weights of a checkpoint."""


_LOOK_SECONDS = 0.5
"""How often it is seen to that requests under way are not taken for lost."""
_HANGS_SECONDS = 3600.0
"""Time without a single batch after which the model is not believed to write any more."""


@dataclass(eq=False)
class _Waiting:
    """Draws of one temperature that wait for the model."""

    source: str
    decoding: Decoding
    question: Question
    draws: tuple[Draw, ...]
    until: float
    """Time after which nobody waits any more; it moves on as long as somebody does."""
    written: dict[int, Completion] = field(default_factory=dict)
    """By position."""
    found: "Future[list[Completion]]" = field(default_factory=Future)


class InProcess:
    """Answers plans with one model at a time: that of the settings, or a checkpoint a plan names.

    It is loaded by the first plan that needs it, and replaced when a plan names another: a
    policy moves from checkpoint to checkpoint and does not go back. One thread does all the work.
    """

    def __init__(
        self,
        model: str | None,
        checkpoints: Path | None,
        batch_tokens: int,
        device: str,
        threads: int = 0,
        form: PromptForm = PAPER,
    ) -> None:
        """Remember where models are: one that every plan may ask for, and a folder of others.

        A model whose folder says nothing of it is shown problems in `form`.

        Raises:
            errors.ConfigurationError: torch or transformers is not installed.
        """
        for name in ("torch", "transformers"):
            if find_spec(name) is None:
                raise errors.ConfigurationError(f"the backend `transformers` needs {name}")
        self._default = model
        self._checkpoints = checkpoints.absolute() if checkpoints else None
        self._batch_tokens = batch_tokens
        self._device = device
        self._threads = threads
        self._form = form
        self._loaded: tuple[str, LocalModel] | None = None
        self._guard = threading.Lock()
        self._waiting: list[_Waiting] = []
        self._worker = ThreadPoolExecutor(1, "model")
        self._moved = time.monotonic()
        """When the model last began or brought something."""

    def sample(
        self, question: Question, plan: SamplePlan, draws: Sequence[Draw]
    ) -> Sequence[Completion]:
        """Return one completion for each draw, in their order.

        Raises:
            SamplesExhausted: the plan names a model that this sampler may not load, or the prompt
                is too long for it.
            errors.Unavailable: the model was busy for too long, and nobody waits any more.
        """
        source = self._source(plan.model)
        waiting = [
            _Waiting(
                source=source,
                decoding=Decoding.of(plan, temperature),
                question=question,
                draws=tuple(draw for draw in draws if draw.temperature == temperature),
                until=question.until,
            )
            for temperature in dict.fromkeys(draw.temperature for draw in draws)
        ]
        with self._guard:
            self._waiting += waiting
        for _ in waiting:
            self._worker.submit(self._work)
        pending = {one.found for one in waiting}
        while pending:
            _, pending = wait(pending, timeout=_LOOK_SECONDS)
            hangs = time.monotonic() - self._moved > _HANGS_SECONDS
            if pending and question.attempt is not None and not hangs:
                question.attempt.stay()
                for one in waiting:
                    one.until = question.attempt.until
        found = {
            draw.position: completion
            for one in waiting
            for draw, completion in zip(one.draws, one.found.result(), strict=True)
        }
        return [found[draw.position] for draw in draws]

    def _source(self, named: str) -> str:
        """Return what to load for a plan.

        Whoever can ask for samples must not choose what this process loads: a plan may name the
        model of the settings or a checkpoint below their folder, and nothing else.
        """
        if named in ("", self._default):
            if self._default is None:
                raise SamplesExhausted("the plan names no model, and the sampler has none")
            return self._default
        # As trainers name them, so that nothing has two names, one of which nobody looks for.
        # What begins with a point is no checkpoint yet, or no way down.
        is_plain = all(part and not part.startswith(".") for part in named.split("/"))
        if self._checkpoints is not None and is_plain:
            path = (self._checkpoints / named).resolve()
            if path.is_dir() and path.is_relative_to(self._checkpoints.resolve()):
                return str(path)
        raise SamplesExhausted(f"this sampler has no model {named!r}")

    def _work(self) -> None:
        """Answer the oldest that waits, and with it all that the same model may answer alike."""
        self._moved = time.monotonic()
        with self._guard:
            if not self._waiting:
                return  # An earlier turn took it along.
            first = self._waiting[0]
            alike = (first.source, first.decoding)
            together = [one for one in self._waiting if (one.source, one.decoding) == alike]
            self._waiting = [one for one in self._waiting if one not in together]
        try:
            self._answer(together)
        except BaseException as error:
            for one in together:
                if not one.found.done():
                    one.found.set_exception(error)

    def _answer(self, together: Sequence[_Waiting]) -> None:
        from sampler.models.generation import Row

        model = self._load(together[0].source)
        version = version_of(together[0].source)
        rows: list[Row] = []
        owners: list[tuple[_Waiting, Draw]] = []
        for one in together:
            if time.monotonic() > one.until:
                one.found.set_exception(errors.Unavailable("the model was busy for too long"))
                continue
            ids = model.encode(one.question)
            if not model.has_room(ids):
                reason = f"the prompt has {len(ids)} tokens, the model {model.positions} positions"
                one.found.set_exception(SamplesExhausted(reason))
            else:
                rows += [Row(prompt=ids, seed=draw.seed) for draw in one.draws]
                owners += [(one, draw) for draw in one.draws]
        for index, item in model.stream(rows, together[0].decoding, self._batch_tokens):
            self._moved = time.monotonic()
            one, draw = owners[index]
            one.written[draw.position] = Completion(
                text=item.text,
                model=one.source,
                finish_reason=item.finish_reason,
                seed=draw.seed,
                policy_version=version,
                sampled=Sampled(
                    form=model.form,
                    prompt_token_ids=rows[index].prompt,
                    token_ids=item.token_ids,
                    logps=item.logps,
                ),
            )
            # Nobody waits for the rows of others.
            if len(one.written) == len(one.draws):
                one.found.set_result([one.written[draw.position] for draw in one.draws])

    def _load(self, source: str) -> "LocalModel":
        import torch

        from sampler.models.generation import LocalModel

        if self._loaded is None or self._loaded[0] != source:
            if self._threads:
                torch.set_num_threads(self._threads)
            self._loaded = None  # Two do not have to fit.
            self._loaded = (source, LocalModel(source, self._device, self._form))
            log.info("model.loaded", model=source, policy_version=version_of(source))
        return self._loaded[1]


def version_of(source: str) -> int:
    """Return the policy version of a checkpoint; weights that no trainer has touched are 0."""
    state = Path(source) / _STATE
    return int(json.loads(state.read_text())["version"]) if state.is_file() else 0
