"""What is to be evaluated: models, benchmarks, and how models are sampled."""

import itertools
import re
import tomllib
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from infra import errors
from infra.contracts.base import Contract
from infra.contracts.candidates import PolicyName
from infra.contracts.prompting import PAPER, FormOption, PromptForm, PromptStyle

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$")]
"""Of a model or a benchmark; it is the name of a folder too."""
_SOURCES: Final = ("model", "endpoint", "policy", "candidates", "verdicts")
_NO_NAME: Final = re.compile(r"[^A-Za-z0-9._@+-]+")


class Setting(Contract):
    """How programs of one kind were drawn from a model."""

    temperature: float | None = Field(None, ge=0)
    """0: the likeliest token; null: not known."""
    top_p: float | None = Field(None, gt=0, le=1)

    @property
    def name(self) -> str:
        """What it is called, in tables and as a folder."""
        if self.temperature is None:
            return "given"
        if self.temperature == 0:
            return "greedy"
        rest = "" if self.top_p in (None, 1) else f"_p{self.top_p:g}"
        return f"t{self.temperature:g}{rest}"


GREEDY: Final = Setting(temperature=0)


class Sampling(Contract):
    """How a model is sampled."""

    samples: int = Field(1, ge=1)
    """Of each problem."""
    temperature: float = Field(0.0, ge=0)
    top_p: float = Field(1.0, gt=0, le=1)
    max_tokens: int = Field(1024, ge=1)
    seed: int = 0
    stop: tuple[str, ...] = ()
    form: PromptForm = PAPER
    """How problems are shown to a model that records no form of its own."""

    @property
    def setting(self) -> Setting:
        """The kind of programs that come out."""
        return (
            Setting(temperature=self.temperature, top_p=self.top_p) if self.temperature else GREEDY
        )

    @property
    def folder(self) -> str:
        """What the folder of these programs is called: one for each seed."""
        return self.setting.name + (f"_s{self.seed}" if self.seed else "")


class ModelPlan(Contract):
    """Where the programs of a model come from: one of five."""

    model: str | None = None
    """Hugging Face causal model, by name or path, which is sampled here."""
    endpoint: str | None = None
    """Model server of RRTF_SAMPLER_ENDPOINTS, which is asked."""
    policy: PolicyName | None = None
    """Policy of the suite, of which a checkpoint is sampled here."""
    candidates: Path | None = None
    """Programs that it wrote, in any form that `rrtf label` reads."""
    version: int | None = Field(None, ge=0)
    """Of the policy, or of that which the endpoint serves; by default the policy's newest."""
    prompt_form: FormOption | None = None
    """How it is shown problems; where not given, as its endpoint says, or else the plan."""
    only: str | None = None
    """The model whose programs are taken, of a file of several."""
    verdicts: Path | None = None
    """Results that a tool of others has found."""
    cutoff: date | None = None
    """When its training data end: problems that are not younger may be known to it."""
    contamination: Path | None = None
    """Report of `rrtf decontaminate` on its training data: these problems are known to it."""

    @property
    def is_sampled(self) -> bool:
        """Whether it is asked for programs, and has not written them before."""
        return self.candidates is None and self.verdicts is None

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if sum(getattr(self, name) is not None for name in _SOURCES) != 1:
            raise ValueError(f"give one of {', '.join(_SOURCES)}")
        if self.version is not None and self.policy is None and self.endpoint is None:
            raise ValueError("`version` is that of a `policy`, or of one that an `endpoint` serves")
        if self.only is not None and self.candidates is None:
            raise ValueError("`only` chooses among `candidates`")
        return self


class BenchmarkPlan(Contract):
    """Problems that all models are asked."""

    problems: Path
    benchmark: str | None = None
    """Which of the known ones it is; by its name, or else by its problems, where not given."""
    release: str | None = None
    """Of a benchmark that has some: the problems up to that one."""
    levels: tuple[str, ...] = ()
    """Only problems of these."""
    without: tuple[str, ...] = ()
    """Problems that are left out, such as those that cannot be judged here."""
    after: date | None = None
    """Only problems that were published after that day."""
    before: date | None = None
    """Only problems that were published before that day."""


class Plan(Contract):
    """One evaluation."""

    models: dict[Name, ModelPlan] = Field(min_length=1)
    benchmarks: dict[Name, BenchmarkPlan] = Field(default_factory=dict)
    samples: int = Field(20, ge=0, le=1000)
    """Of each problem, at each temperature; 0: greedy alone."""
    greedy: bool = True
    temperatures: tuple[Annotated[float, Field(gt=0)], ...] = (0.8,)
    top_p: tuple[Annotated[float, Field(gt=0, le=1)], ...] = (0.95,)
    k: tuple[Annotated[int, Field(ge=1)], ...] = (1, 10)
    """Of pass@k."""
    max_tokens: int = Field(512, ge=1)
    """Of one completion."""
    prompt_form: FormOption = PAPER
    """How problems are shown to models that record no form of their own."""
    stop: tuple[str, ...] = ()
    """Texts that end a completion, beside those of a benchmark whose prompts are shown raw."""
    seeds: tuple[int, ...] = Field((0,), min_length=1)
    """So many samples are drawn with each; greedy programs have none."""

    @field_validator("seeds")
    @classmethod
    def _are_different(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(dict.fromkeys(value))

    @model_validator(mode="after")
    def _has_enough_samples(self) -> Self:
        sampled = any(one.is_sampled for one in self.models.values())
        if sampled and not self.samples and not self.greedy:
            raise ValueError("`samples` is 0 and `greedy` is off: nothing is left to do")
        if sampled and self.samples and self.samples < max(self.k):
            raise ValueError(f"pass@{max(self.k)} needs at least {max(self.k)} samples a problem")
        return self

    def samplings(self, form: PromptForm, stop: Sequence[str] = ()) -> Iterator[Sampling]:
        """Yield how a model is sampled, greedy first.

        Args:
            form: How it is shown problems.
            stop: Texts behind which a completion of the benchmark's own prompts is another text.
        """
        raw = tuple(stop) if form.style is PromptStyle.RAW else ()
        usual = {
            "max_tokens": self.max_tokens,
            "stop": tuple(dict.fromkeys(self.stop + raw)),
            "form": form,
        }
        if self.greedy:
            yield Sampling.model_validate(usual)
        if self.samples:
            for temperature, top_p, seed in itertools.product(
                self.temperatures, self.top_p, self.seeds
            ):
                drawn = {"temperature": temperature, "top_p": top_p, "seed": seed}
                yield Sampling.model_validate(usual | drawn | {"samples": self.samples})


def read(path: Path) -> dict[str, Any]:
    """Read the table of a plan; files that it names are looked for beside it.

    Raises:
        errors.InvalidInput: it cannot be read.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise errors.InvalidInput(f"cannot read {path}: {error}") from None
    for kind in ("models", "benchmarks"):
        rows = table.get(kind)
        for row in rows.values() if isinstance(rows, dict) else ():
            for field in ("candidates", "verdicts", "problems", "contamination"):
                if isinstance(row, dict) and isinstance(row.get(field), str):
                    row[field] = path.parent / row[field]
    return table


def made(table: dict[str, Any]) -> Plan:
    """Make a plan of a table.

    Raises:
        errors.InvalidInput: naming the first thing that is wrong.
    """
    try:
        return Plan.model_validate(table)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise errors.InvalidInput(
            f"the plan: {where + ': ' if where else ''}{first['msg']}"
        ) from None


def named(text: str) -> tuple[str, str]:
    """Part NAME=WHAT; without a name, it is that of the file or folder.

    Raises:
        errors.InvalidInput: no name is left of it.
    """
    name, equals, what = text.partition("=")
    if not equals or "/" in name:
        name, what = "", text
    name = name or _NO_NAME.sub("-", Path(what).name.partition(".jsonl")[0].partition(".json")[0])
    if not name.strip("-."):
        raise errors.InvalidInput(f"{text!r} has no name; say NAME={text}")
    return name.lstrip("-."), what
