"""Files of checkpoints: whole or not there, kept while they are needed, written by one."""

import multiprocessing

import pytest

from infra import errors
from infra.weights import weights_sha256
from trainer.checkpoints import checkpoint
from trainer.processes import Processes
from trainer.settings import TrainerSettings
from trainer.step import Trainer


def versions(root):
    return sorted(int(path.name) for path in root.iterdir() if path.name.isdigit())


def make(root, *numbers):
    for number in numbers:
        checkpoint.directory_of(root, number).mkdir()


def test_half_written_and_unrecorded_checkpoints_are_discarded(tmp_path):
    make(tmp_path, 1, 2)
    (tmp_path / ".00000003.new").mkdir()
    (tmp_path / "tensorboard").mkdir()

    checkpoint.discard_after(tmp_path, 1)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000001", "tensorboard"]


def test_old_checkpoints_go_and_pinned_ones_stay(tmp_path):
    make(tmp_path, *range(1, 7))

    checkpoint.retain(tmp_path, keep=2, pinned={3, 1, None})

    assert versions(tmp_path) == [1, 3, 5, 6]


def test_the_newest_good_version_is_remembered(tmp_path):
    assert checkpoint.last_good(tmp_path) is None

    checkpoint.mark_good(tmp_path, 4)
    checkpoint.mark_good(tmp_path, 6)

    assert checkpoint.last_good(tmp_path) == 6


def test_a_checkpoint_that_was_never_recorded_is_replaced(tmp_path):
    trainer = Trainer(TrainerSettings(output_dir=tmp_path, threads=1))
    trainer.state.version = 3
    left = checkpoint.directory_of(tmp_path, 3)
    (left / "sub").mkdir(parents=True)

    path, digest = trainer.save(tmp_path)

    assert path == left
    assert not (left / "sub").exists()
    assert digest == weights_sha256(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["00000003"]


def test_the_hash_changes_with_any_weight(tmp_path):
    trainer = Trainer(TrainerSettings(output_dir=tmp_path, threads=1))
    _, before = trainer.save(tmp_path)
    next(trainer.model.parameters()).data.view(-1)[0] += 1e-6

    _, after = trainer.save(tmp_path)

    assert before != after


def _hold(root, began, end):
    with checkpoint.locked(root, Processes()):
        began.set()
        end.wait()


def test_two_trainers_do_not_write_into_one_directory_and_a_dead_one_does_not_count(tmp_path):
    context = multiprocessing.get_context("fork")
    began = context.Event()
    other = context.Process(target=_hold, args=(tmp_path, began, context.Event()))
    other.start()
    assert began.wait(20)

    with (
        pytest.raises(errors.ConfigurationError, match=f"process {other.pid} trains"),
        checkpoint.locked(tmp_path, Processes()),
    ):
        pass
    other.kill()
    other.join()

    with checkpoint.locked(tmp_path, Processes()):
        pass
