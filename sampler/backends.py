"""Where completions come from; a backend turns a plan for one problem into completions."""

import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

from infra import errors
from infra.contracts.base import Author, Contract
from infra.contracts.candidates import SamplePlan
from infra.contracts.problems import ProgramText
from infra.contracts.prompting import Sampled
from sampler.draws import Draw, Question


class Completion(Contract):
    """What a model wrote for one problem."""

    text: ProgramText
    model: str
    finish_reason: str | None = None
    seed: int | None = None
    policy_version: int | None = None
    """Version of the checkpoint that wrote it, for a student of this suite."""
    sampled: Sampled | None = None
    """What it was sampled from; null where the backend does not know."""
    is_program: bool = False
    """Whether the text is a whole program already, with nothing to extract."""


class SamplesExhausted(errors.SuiteError):
    """The backend cannot give as many samples as were asked for."""

    code = "samples_exhausted"
    status = 422


class Backend(Protocol):
    """A source of completions."""

    def sample(
        self, question: Question, plan: SamplePlan, draws: Sequence[Draw]
    ) -> Sequence[Completion]:
        """Return one completion for each draw, in their order.

        The draws are those of the plan that are still missing. Several threads may ask at once.

        Raises:
            SamplesExhausted: there are not that many, and never will be.
            errors.Unavailable: try again later.
        """


class Replay:
    """Feeds recorded completions, chosen by the plan's seed."""

    def __init__(self, path: Path) -> None:
        """Index a file of JSON lines, plain or gzipped.

        Raises:
            errors.ConfigurationError: the file is missing or a line is not a record.
        """
        self._records: dict[tuple[str, Author], list[Completion]] = {}
        try:
            for number, line in enumerate(_lines(path), start=1):
                self._add(line, path, number)
        except OSError as error:
            raise errors.ConfigurationError(f"RRTF_SAMPLER_REPLAY: {error}") from error

    def _add(self, line: bytes, path: Path, number: int) -> None:
        try:
            record = json.loads(line)
            key = (str(record["task_id"]), Author(record.get("author", "student")))
            completion = Completion(
                text=record["completion"] if "completion" in record else record["program"],
                model=str(record.get("model", "")),
                finish_reason=record.get("finish_reason"),
                is_program="completion" not in record,
            )
        except (ValueError, KeyError, TypeError) as error:
            raise errors.ConfigurationError(f"{path}, line {number}: {error!r}") from error
        self._records.setdefault(key, []).append(completion)

    def sample(
        self, question: Question, plan: SamplePlan, draws: Sequence[Draw]
    ) -> Sequence[Completion]:
        """Return recorded completions, beginning at the plan's seed.

        Raises:
            SamplesExhausted: fewer are recorded than the plan asks for.
        """
        found = [
            record
            for record in self._records.get((question.slug, plan.author), [])
            if plan.model in ("", record.model)
        ]
        if len(found) < plan.num_samples:
            raise SamplesExhausted(
                f"{len(found)} completions of {question.slug} by a {plan.author.value} are"
                f" recorded, {plan.num_samples} were asked for"
            )
        return [
            found[(plan.seed + draw.position) % len(found)].model_copy(
                update={"seed": plan.seed + draw.position}
            )
            for draw in draws
        ]


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as raw:
        gzipped = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        stream: BinaryIO | gzip.GzipFile = gzip.GzipFile(fileobj=raw) if gzipped else raw
        for line in stream:
            if line.strip():
                yield line
