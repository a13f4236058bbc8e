"""Tells a plan to people, with what to change where it does not fit."""

from pathlib import Path
from typing import Final

from infra import errors
from infra.observability import logs
from trainer.choices import choose, count, variable
from trainer.models.student import num_parameters
from trainer.planning.cards import Cards
from trainer.planning.plan import Plan, make_plan
from trainer.settings import Optimizer, TrainerSettings, WeightType

log = logs.get(__name__)

_ADAPTERS: Final = {"gradient_checkpointing": True, "weights": WeightType.FP32, "lora_rank": 16}
_CHANGES: Final[tuple[dict[str, object], ...]] = (
    {"gradient_checkpointing": True},
    {"gradient_checkpointing": True, "max_row_tokens": 4_096},
    {"gradient_checkpointing": True, "optimizer": Optimizer.ADAMW_8BIT},
    {
        "gradient_checkpointing": True,
        "optimizer": Optimizer.ADAMW_8BIT,
        "weights": WeightType.BF16,
    },
    _ADAPTERS,
    {**_ADAPTERS, "lora_4bit": True},
)
"""What may be changed, from the least to the most."""
_MOST_CARDS: Final = 256


def announce(settings: TrainerSettings, resume_from: Path | None, processes: int) -> None:
    """Log what was chosen and why, and what it takes, before a model is loaded."""
    source = str(resume_from) if resume_from else settings.model
    cards = Cards.here(processes)
    chosen = choose(settings, num_parameters(source), cards.on_gpu)
    log.info("trainer.chosen", **chosen.said())
    try:
        plan = make_plan(settings, source, cards)
    except errors.ConfigurationError as error:
        # Where that is the settings' fault, loading says so too.
        log.warning("trainer.memory_unknown", reason=error.detail)
        return
    told = log.info if plan.fits else log.warning
    told("trainer.memory", **plan.said())


def explain(settings: TrainerSettings, cards: Cards) -> str:
    """Return the plan of a run as a page, with a change that makes it fit if it does not.

    Raises:
        errors.ConfigurationError: the settings cannot be had together.
    """
    plan = make_plan(settings, settings.model, cards)
    told = page(settings, plan)
    return told if plan.fits else told + _advice(settings, cards)


def page(settings: TrainerSettings, plan: Plan) -> str:
    """Return a plan in lines for a terminal."""
    kind = "GPU" if plan.cards.on_gpu else "machine"
    several = "s" if plan.cards.count > 1 else ""
    trained = "all" if plan.trained == plan.parameters else count(plan.trained)
    lines = [
        f"{settings.model or 'a small model'}: {count(plan.parameters)} parameters,"
        f" {trained} of them trained,"
        f" on {plan.cards.count} {kind}{several} of {plan.cards.memory / 2**30:.0f} GiB",
        "",
        *(
            f"  {name:<24}{getattr(plan.choices, name)!s:<12}{why}"
            for name, why in plan.choices.reasons.items()
        ),
        "",
        f"memory of each {kind}, GiB",
        *(f"  {name:<24}{size / 2**30:>8.2f}" for name, size in plan.parts().items() if size),
        f"  {'total':<24}{plan.total / 2**30:>8.2f}"
        f"    {'fits' if plan.fits else 'does not fit'}: {plan.cards.usable / 2**30:.1f} usable",
        "",
        f"checkpoints: {plan.checkpoint / 2**30:.2f} GiB each on the disk, {plan.kept} are kept",
        "",
    ]
    return "\n".join(lines)


def _advice(settings: TrainerSettings, cards: Cards) -> str:
    fitting = (change for change in _CHANGES if _fits(settings, cards, change))
    change = next(fitting, None)
    more = cards.count * 2
    while more <= _MOST_CARDS and not _fits(settings, _of(cards, more), {}):
        more *= 2
    found = []
    if change:
        found.append("set " + " ".join(f"{variable(k)}={_written(v)}" for k, v in change.items()))
    if more <= _MOST_CARDS and cards.on_gpu:
        found.append(f"train on {more} such cards")
    return "to make it fit: " + ("; or ".join(found) or "take a smaller model") + "\n"


def _fits(settings: TrainerSettings, cards: Cards, change: dict[str, object]) -> bool:
    changed = settings.model_copy(update=change)
    if changed.lora_4bit and cards.count > 1:
        return False
    return make_plan(changed, changed.model, cards).fits


def _of(cards: Cards, more: int) -> Cards:
    return Cards(count=more, memory=cards.memory, on_gpu=cards.on_gpu)


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
