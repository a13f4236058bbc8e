"""Where the metrics of steps go: TensorBoard files, Weights & Biases, MLflow, or nowhere."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

from infra import errors
from infra.contracts.base import JsonValue
from infra.contracts.views.evaluations import EvaluationView
from trainer.settings import TrackerKind, TrainerSettings

_TRACKED: Final = "tracked_evaluations"
"""File in a policy's folder that says until when evaluations were kept."""
_NEVER: Final = datetime(1, 1, 1, tzinfo=UTC)
_VERSION: Final = "evaluation/version"


class Tracker(Protocol):
    """Keeps the metrics of steps."""

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Keep the metrics of one step."""

    def log_evaluation(self, version: int, metrics: Mapping[str, float]) -> None:
        """Keep what was found of a version, which may be older than the newest step."""

    def close(self) -> None:
        """Write what is still in memory."""


def open_tracker(settings: TrainerSettings, root: Path, step: int) -> Tracker:
    """Open the tracker that the settings name, for a run that has come as far as `step`.

    Raises:
        errors.ConfigurationError: its package is not installed.
    """
    try:
        match settings.tracker:
            case TrackerKind.NONE:
                return _Nowhere()
            case TrackerKind.TENSORBOARD:
                return _TensorBoard(root / "tensorboard", step)
            case TrackerKind.WANDB:
                return _WandB(settings, root)
            case TrackerKind.MLFLOW:
                return _MLflow(settings, root)
    except ImportError as error:
        raise errors.ConfigurationError(
            f"tracker {settings.tracker}: {error}; pip install {settings.tracker}"
        ) from None


def numbers(metrics: Mapping[str, JsonValue]) -> dict[str, float]:
    """Return the metrics that can be drawn."""
    return {
        name: float(value)
        for name, value in metrics.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def track_evaluations(tracker: Tracker, root: Path, evaluations: Sequence[EvaluationView]) -> None:
    """Keep what was not kept before; what was is remembered in the folder of checkpoints."""
    path = root / _TRACKED
    known = datetime.fromisoformat(path.read_text()) if path.exists() else _NEVER
    new = [one for one in evaluations if one.score is not None and one.evaluated_at > known]
    for one in sorted(new, key=lambda view: view.evaluated_at):
        rates = {f"evaluation/{name}": rate.mean for name, rate in one.rates.items()}
        tracker.log_evaluation(one.version, {"evaluation/score": one.score or 0.0, **rates})
    if new:
        root.mkdir(parents=True, exist_ok=True)
        temporary = root / f".{_TRACKED}"
        temporary.write_text(max(one.evaluated_at for one in new).isoformat())
        temporary.replace(path)


class _Nowhere:
    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        pass

    def log_evaluation(self, version: int, metrics: Mapping[str, float]) -> None:
        pass

    def close(self) -> None:
        pass


class _TensorBoard:
    def __init__(self, directory: Path, step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        # Steps after the one resumed from were never recorded; they are drawn anew.
        self._writer: Any = SummaryWriter(directory, purge_step=step + 1)

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        for name, value in metrics.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def log_evaluation(self, version: int, metrics: Mapping[str, float]) -> None:
        self.log(version, metrics)

    def close(self) -> None:
        self._writer.close()


class _WandB:
    """Where it writes and whether it goes online is said by its own variables (WANDB_*)."""

    def __init__(self, settings: TrainerSettings, root: Path) -> None:
        import wandb

        root.mkdir(parents=True, exist_ok=True)
        self._run: Any = wandb.init(
            project="rrtf",
            name=settings.policy,
            # The same run goes on after a restart.
            id=f"{settings.policy}-{settings.seed}",
            resume="allow",
            dir=root,
            config=settings.model_dump(mode="json"),
        )
        # Its steps only rise, and an evaluation is of an earlier one.
        self._run.define_metric("evaluation/*", step_metric=_VERSION)

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        self._run.log(dict(metrics), step=step)

    def log_evaluation(self, version: int, metrics: Mapping[str, float]) -> None:
        self._run.log({**metrics, _VERSION: version})

    def close(self) -> None:
        self._run.finish()


class _MLflow:
    """Where it writes is said by its own variables (MLFLOW_TRACKING_URI)."""

    def __init__(self, settings: TrainerSettings, root: Path) -> None:
        import mlflow

        self._mlflow: Any = mlflow
        # The same run goes on after a restart.
        known = root / "mlflow_run"
        if known.exists():
            mlflow.start_run(run_id=known.read_text())
            return
        mlflow.set_experiment("rrtf")
        run = mlflow.start_run(run_name=settings.policy)
        mlflow.log_params(settings.model_dump(mode="json"))
        root.mkdir(parents=True, exist_ok=True)
        known.write_text(run.info.run_id)

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        self._mlflow.log_metrics(dict(metrics), step=step)

    def log_evaluation(self, version: int, metrics: Mapping[str, float]) -> None:
        self.log(version, metrics)

    def close(self) -> None:
        self._mlflow.end_run()
