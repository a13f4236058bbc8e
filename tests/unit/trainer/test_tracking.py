"""Metrics of steps end where the settings say, and go on after a restart."""

import importlib.util

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from infra import errors
from trainer.settings import TrackerKind, TrainerSettings
from trainer.watch.tracking import numbers, open_tracker


def settings(tracker):
    return TrainerSettings(tracker=tracker)


def drawn(root):
    events = EventAccumulator(str(root / "tensorboard"))
    events.Reload()
    return {
        name: [(point.step, point.value) for point in events.Scalars(name)]
        for name in events.Tags()["scalars"]
    }


def test_tensorboard_is_the_default_and_needs_no_network(tmp_path):
    tracker = open_tracker(TrainerSettings(), tmp_path, 0)
    tracker.log(1, {"loss": 2.0, "margin": -0.5})
    tracker.log(2, {"loss": 1.5, "margin": 0.25})
    tracker.close()

    assert drawn(tmp_path) == {"loss": [(1, 2.0), (2, 1.5)], "margin": [(1, -0.5), (2, 0.25)]}


def test_steps_that_were_never_recorded_are_drawn_anew(tmp_path):
    first = open_tracker(TrainerSettings(), tmp_path, 0)
    for step in (1, 2, 3):
        first.log(step, {"loss": 10.0 + step})
    first.close()

    second = open_tracker(TrainerSettings(), tmp_path, 1)
    second.log(2, {"loss": 22.0})
    second.close()

    assert drawn(tmp_path) == {"loss": [(1, 11.0), (2, 22.0)]}


def test_nothing_is_written_where_nothing_is_wanted(tmp_path):
    tracker = open_tracker(settings(TrackerKind.NONE), tmp_path, 0)
    tracker.log(1, {"loss": 2.0})
    tracker.close()

    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", [TrackerKind.WANDB, TrackerKind.MLFLOW])
def test_a_tracker_that_is_not_installed_says_how_to_install_it(tmp_path, kind):
    if importlib.util.find_spec(kind):
        pytest.skip(f"{kind} is installed")

    with pytest.raises(errors.ConfigurationError, match=f"pip install {kind}"):
        open_tracker(settings(kind), tmp_path, 0)


def test_only_numbers_are_drawn():
    assert numbers({"a": 1, "b": 0.5, "c": "text", "d": True, "e": None}) == {"a": 1.0, "b": 0.5}
