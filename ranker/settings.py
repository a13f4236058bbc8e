"""Settings of the ranker."""

from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from infra.contracts.base import Label
from infra.settings import Settings
from ranker.batching.wanted import Wanted
from ranker.ranking import Preset, Rules


class RankerSettings(Settings):
    """How groups are ranked and batched."""

    model_config = SettingsConfigDict(env_prefix="RRTF_RANKER_", frozen=True)

    preset: Preset = Preset.RRTF
    tie_bonus: float = Field(0.05, ge=0, lt=0.1)
    all_pairs: bool = False
    """What is done with groups that do not say which of their candidates are paired."""
    min_best: Label = Label.PARTIAL_PASS
    batch_groups: int = Field(8, ge=1, le=1024)
    """Ranked groups in one training batch."""
    integrity: Literal["isolated"] | None = None
    """If given, groups with a label that is shared go into no batch."""
    min_strength: float | None = Field(None, ge=0, le=1)
    """Least share of mutants that a problem's tests must notice for its groups to go into one."""

    def wanted(self) -> Wanted:
        """The part that decides what goes into batches."""
        return Wanted(self.integrity is not None, self.min_strength)

    def rules(self) -> Rules:
        """The part that decides a ranking."""
        return Rules(
            preset=self.preset,
            tie_bonus=self.tie_bonus,
            all_pairs=self.all_pairs,
            min_best=self.min_best,
        )
