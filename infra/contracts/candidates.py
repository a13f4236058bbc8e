"""Groups, candidates and requests for samples."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StrictBool, StrictFloat, model_validator
from pydantic.config import JsonDict

from infra.contracts.base import (
    NUMBER,
    Author,
    Contract,
    JsonValue,
    Pairing,
    Priority,
    Whole,
)
from infra.contracts.problems import ProgramText
from infra.contracts.prompting import Sampled

MAX_GROUP_CANDIDATES = 1_024
"""Most candidates of one group."""
DEFAULT_POLICY = "default"
"""Name of the policy a group trains when none is named."""
AGAIN = "again"
"""Name of the policy of groups that run one program again: nobody trains it."""

PolicyName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]

BackendName = Annotated[str, Field(min_length=1, max_length=200)]
Temperature = Annotated[StrictFloat, Field(ge=0, le=5)]


class NewCandidate(Contract):
    """A program handed in for one problem."""

    author: Author
    program: ProgramText
    """The whole program, as it will be executed."""
    model: Annotated[str, Field(max_length=200)] = ""
    """What wrote it, such as a model's name."""
    completion: ProgramText | None = None
    """The raw text the program was extracted from."""
    finish_reason: Annotated[str, Field(max_length=50)] | None = None
    """Why generation ended; `stop` means the text is complete."""
    policy_version: Annotated[int, Field(ge=0, lt=2**31), NUMBER] | None = None
    """Version of the policy's checkpoint that wrote it, for a student of this suite."""
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63), NUMBER] | None = None
    sampled: Sampled | None = None
    """What the completion was sampled from, and token by token as what; null: not known."""
    metadata: dict[str, JsonValue] = Field(default_factory=dict)


class SamplePlan(Contract):
    """A request for completions by one author."""

    author: Author
    backend: BackendName
    """Name of a sampler backend, such as `replay`."""
    fallbacks: tuple[BackendName, ...] = Field((), max_length=8)
    """Backends to ask in this order for what those before could not give."""
    model: Annotated[str, Field(max_length=200)] = ""
    num_samples: Whole = Field(ge=1, le=MAX_GROUP_CANDIDATES)
    temperature: Temperature | None = None
    """Null: a server's own, or 0.8 of a model in the sampler's process."""
    temperatures: tuple[Temperature, ...] = Field((), max_length=64)
    """If given, the samples take these in turn, and `temperature` does not count."""
    top_p: Annotated[StrictFloat, Field(gt=0, le=1)] | None = None
    """Likeliest tokens whose sum is drawn from; null: a server's own, or 0.95."""
    top_k: Annotated[int, Field(ge=1), NUMBER] | None = None
    """Number of likeliest tokens that is drawn from; null: a server's own, or all."""
    min_p: Annotated[StrictFloat, Field(ge=0, le=1)] | None = None
    """Least probability, as a share of the likeliest token's; null: a server's own, or 0."""
    max_tokens: Whole = Field(1024, ge=1, le=65_536)
    stop: tuple[str, ...] = ()
    seed: Whole = Field(0, ge=-(2**62), lt=2**62)


_ASKS_FOR_SOMETHING: JsonDict = {
    "if": {"properties": {"candidates": {"maxItems": 0}}},
    "then": {"required": ["samples"], "properties": {"samples": {"minItems": 1}}},
}
"""The rule across a group's fields, as JSON Schema."""


class NewGroup(Contract):
    """A request to rank candidates of one problem: handed in, sampled, or both."""

    model_config = ConfigDict(json_schema_extra=_ASKS_FOR_SOMETHING)

    candidates: tuple[NewCandidate, ...] = Field((), max_length=MAX_GROUP_CANDIDATES)
    samples: tuple[SamplePlan, ...] = Field((), max_length=32)
    policy: PolicyName = DEFAULT_POLICY
    """Policy that the ranked group trains."""
    priority: Priority = Priority.BULK
    """`interactive` when somebody waits for the labels."""
    cache: StrictBool = True
    """Whether an execution of the same program against the same tests may serve again."""
    pairs: Pairing | None = None
    """Which candidates are paired; null: as the ranker is set, by default `teacher`."""
    once: StrictBool = False
    """Whether the group that the same request has opened before, if there is one, is the answer."""
    metadata: dict[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        count = len(self.candidates) + sum(plan.num_samples for plan in self.samples)
        if not count:
            raise ValueError("give `candidates`, ask for `samples`, or both")
        if count > MAX_GROUP_CANDIDATES:
            raise ValueError(
                f"a group holds at most {MAX_GROUP_CANDIDATES} candidates, not {count}"
            )
        return self


class SampleGroup(Contract):
    """Message to the sampler: the ids of one stored request for samples."""

    sample_request_id: UUID


class RankGroup(Contract):
    """Message to the ranker: rank this group if it is complete and not yet ranked."""

    group_id: UUID
