"""A run that is cut off anywhere goes on, and ends as one that was not."""

import json
from pathlib import Path

import pytest
import torch

from infra.records.kept import Kept
from sampler import generate
from services.exercises import files
from services.exercises.exercise import Split
from trainer.models.model import small_student
from trainer.models.tokenizer import byte_tokenizer


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """What the sampler is asked: batches of three or four completions."""
    folder = tmp_path_factory.mktemp("asked")
    before = torch.get_num_threads()
    student = folder / "student"
    small_student(257, seed=0, width=32, layers=1, positions=512).save_pretrained(student)
    byte_tokenizer().save_pretrained(student)
    problems = files.write_problems(folder, Split.HELD_OUT, 0, 4)
    words = ["--model", str(student), "--problems", str(problems), "--samples", "3"]
    yield [*words, "--max-tokens", "6", "--batch-tokens", "1200", "--threads", "1"]
    torch.set_num_threads(before)


def test_completions_are_the_same_wherever_a_run_was_cut_off(asked, tmp_path):
    whole = tmp_path / "whole.jsonl"
    assert generate.main([*asked, "--out", str(whole)]) == 0
    blocked = tmp_path / "cut.jsonl"
    partial, obstacle = tmp_path / "cut.jsonl.partial", tmp_path / "cut.jsonl.whole"
    obstacle.mkdir()
    assert generate.main([*asked, "--out", str(blocked)]) == 1
    kept = partial.read_bytes()
    obstacle.rmdir()
    lines = kept.splitlines(keepends=True)
    assert len(lines) == 13

    ends = [len(b"".join(lines[:number])) for number in (0, 1, 2, 6, 13)]
    for end in [*ends, ends[3] + 20, 5]:
        partial.write_bytes(kept[:end])
        blocked.unlink(missing_ok=True)

        assert generate.main([*asked, "--out", str(blocked)]) == 0

        assert blocked.read_bytes() == whole.read_bytes(), end
        assert not partial.exists()


def test_what_another_request_has_left_is_not_taken(asked, tmp_path):
    out = tmp_path / "out.jsonl"
    with Kept(out, "another request") as kept:
        for index in range(12):
            kept.add(index, {"program": "wrong"})

    assert generate.main([*asked, "--out", str(out)]) == 0

    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(rows) == 12
    assert "wrong" not in {row["program"] for row in rows}


def test_every_problem_whose_prompt_is_too_long_is_named_before_any_is_asked(
    asked, tmp_path, capfd
):
    row = json.loads(Path(asked[3]).read_text().splitlines()[0])
    rows = [row | {"slug": name, "prompt": "x" * many} for name, many in
            (("short", 9), ("long", 600), ("longer", 900))]  # fmt: skip
    (tmp_path / "problems.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    words = [*asked[:3], str(tmp_path / "problems.jsonl"), *asked[4:]]

    assert generate.main([*words, "--out", str(tmp_path / "out.jsonl")]) == 1

    said = capfd.readouterr()
    told = json.loads((said.out + said.err).strip().splitlines()[-1])
    assert told["code"] == "invalid_input"
    assert "prompts of 1 to 511 tokens" in told["reason"]
    assert "2 problems have others: long (" in told["reason"]
    assert "longer (" in told["reason"]
    assert "`without`" in told["reason"]
    assert not list(tmp_path.glob("out*"))
