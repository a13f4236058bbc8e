"""The modes of training, and everything their papers leave open."""

from dataclasses import dataclass, fields
from enum import StrEnum

from trainer.modes.terms import Term


class Mode(StrEnum):
    """What is learnt from a ranked group."""

    RRTF = "rrtf"
    """PanGu-Coder2's ranking loss and cross-entropy, both means: over pairs, and over tokens."""
    PAPER = "paper"
    """The same as its paper writes it: labels score 0, 1, 2 and 3, a teacher's response is compared
    with students' and imitated, and cross-entropy is a sum over the tokens of a response."""
    RFT = "rft"
    """Rejection-sampling fine-tuning (arXiv 2308.01825): cross-entropy on the best response."""
    RRHF = "rrhf"
    """All pairs, unweighted, ranking term weighted 100, as RRHF's code does (arXiv 2304.05302)."""
    DPO = "dpo"
    """Direct preference optimization on the pairs of a group (arXiv 2305.18290)."""
    KTO = "kto"
    """Kahneman-Tversky optimization: a response is good if it passes all (arXiv 2402.01306)."""
    RLOO = "rloo"
    """REINFORCE with the other responses as its baseline (arXiv 2402.14740)."""
    GRPO = "grpo"
    """Group-relative policy optimization, clipped by token (arXiv 2402.03300)."""


POLICY_GRADIENT = (Mode.RLOO, Mode.GRPO)
"""Modes that learn from what the policy wrote itself, and from nothing else."""


class PairLoss(StrEnum):
    """What a pair in the wrong order costs."""

    HINGE = "hinge"
    BRADLEY_TERRY = "bradley_terry"


class PairMode(StrEnum):
    """Which responses of a group are compared."""

    RANKED = "ranked"
    """The pairs that the ranker made."""
    TEACHER_OVER_STUDENT = "teacher_over_student"
    """Every teacher's response over every student's of a lower score."""
    ALL = "all"
    """Every two responses of different scores."""


class Imitated(StrEnum):
    """Which response cross-entropy imitates."""

    BEST = "best"
    """The ranker's best, whoever wrote it."""
    TEACHER = "teacher"
    """The best that a teacher wrote; none in a group without one."""


class Scores(StrEnum):
    """What the scores of responses are, which gaps of pairs and advantages follow from."""

    RANKED = "ranked"
    """The ranker's."""
    LABELS = "labels"
    """0, 1, 2 and 3 for the four labels."""


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """Everything the papers leave open; a mode reads what concerns it."""

    mode: Mode = Mode.RRTF
    rank_weight: float = 1.0
    ce_weight: float = 1.0
    gap_weights: bool = True
    """Whether a pair weighs as much as its scores differ."""
    ce_mean_over_tokens: bool = True
    """Whether cross-entropy is divided by tokens, rather than by responses."""
    length_penalty: float = 1.0
    """Exponent of the length that a response's log-probability is divided by."""
    pair_loss: PairLoss = PairLoss.HINGE
    margin: float = 0.0
    """By how much the better response must lead, in nats per token; hinge only."""
    beta: float = 1.0
    """Steepness of the Bradley-Terry loss; of DPO and KTO, how close they stay to the reference."""
    pairs: PairMode = PairMode.RANKED
    tie_bonus: float = 0.0
    """Gap that pairs made here give a teacher over a student of the same result; the ranker's have
    its own."""
    imitated: Imitated = Imitated.BEST
    scores: Scores = Scores.RANKED
    kl_weight: float = 0.0
    """Weight of the divergence from the reference; RLOO and GRPO."""
    clip: float = 0.2
    """How far from 1 the ratio of probabilities still teaches; RLOO and GRPO."""
    only: Term | None = None
    """The one term that counts, where one alone is to be measured."""

    @classmethod
    def of(cls, mode: Mode) -> "LossConfig":
        """Return the configuration of a mode, as its paper or published code has it."""
        match mode:
            case Mode.PAPER:
                return cls(
                    mode=mode, ce_mean_over_tokens=False, scores=Scores.LABELS,
                    pairs=PairMode.TEACHER_OVER_STUDENT, tie_bonus=0.15, imitated=Imitated.TEACHER,
                )  # fmt: skip
            case Mode.RRHF:
                return cls(mode=mode, rank_weight=100.0, gap_weights=False, pairs=PairMode.ALL)
            case Mode.RFT:
                return cls(mode=mode, rank_weight=0.0)
            case Mode.DPO | Mode.KTO:
                return cls(mode=mode, beta=0.1)
            case Mode.RLOO:
                return cls(mode=mode, kl_weight=0.05)
            case Mode.GRPO:
                return cls(mode=mode, kl_weight=0.04)
            case Mode.RRTF:
                return cls()

    @property
    def terms(self) -> tuple[Term, ...]:
        """The terms whose sum is the loss."""
        if self.only is not None:
            return (self.only,)
        match self.mode:
            case Mode.RFT:
                return (Term.CE,)
            case Mode.DPO:
                return (Term.DPO,)
            case Mode.KTO:
                return (Term.KTO,)
            case Mode.RLOO:
                return (Term.POLICY,)
            case Mode.GRPO:
                return (Term.POLICY, Term.KL) if self.kl_weight else (Term.POLICY,)
            case _:
                return (Term.RANK, Term.CE)

    @property
    def needs_reference(self) -> bool:
        """Whether log-probabilities under the policy's first weights are needed."""
        return self.mode in (Mode.DPO, Mode.KTO) or (
            self.mode in POLICY_GRADIENT and self.kl_weight > 0
        )

    def weight(self, term: Term) -> float:
        """Return what a term is multiplied by."""
        match term:
            case Term.RANK:
                return self.rank_weight
            case Term.CE:
                return self.ce_weight
            case Term.KL:
                return self.kl_weight
            case _:
                return 1.0


SETTABLE = tuple(field.name for field in fields(LossConfig) if field.name not in ("mode", "only"))
"""Fields that a user may set apart from a mode."""
