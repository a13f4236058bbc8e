"""The student that is kept in the repository, as the demonstration takes it."""

import json
import shutil

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from infra import errors
from services.exercises import student


def test_it_is_what_its_recipe_records_and_it_loads(tmp_path):
    made = student.kept_student(tmp_path)

    assert made == tmp_path / "student"
    recorded = json.loads((student.KEPT / student.RECIPE).read_text())["files"]
    assert sorted(path.name for path in made.iterdir()) == sorted(recorded)
    model = AutoModelForCausalLM.from_pretrained(made)
    assert len(AutoTokenizer.from_pretrained(made)) == model.config.vocab_size


@pytest.mark.parametrize("change", ["altered", "missing", "added"])
def test_one_that_was_changed_is_not_used(tmp_path, monkeypatch, change):
    kept = shutil.copytree(student.KEPT, tmp_path / "kept")
    weights = kept / "model.safetensors"
    match change:
        case "altered":
            weights.write_bytes(weights.read_bytes()[:-1] + b"x")
        case "missing":
            weights.unlink()
        case _:
            (kept / "modeling.py").write_text("print(1)\n")
    monkeypatch.setattr(student, "KEPT", kept)

    with pytest.raises(errors.ConfigurationError, match="is not what its"):
        student.kept_student(tmp_path / "out")
    assert not (tmp_path / "out").exists()
