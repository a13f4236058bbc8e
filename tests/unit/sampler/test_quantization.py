"""A two-layer model in fp32 and in 8 bits: made, measured, and moved by noise of the same size."""

import json
import os

import pytest
import torch

from sampler.quantization.__main__ import main
from sampler.quantization.making import matrices
from sampler.quantization.measuring import Chosen
from sampler.quantization.noise import noisy
from sampler.quantization.variants import VARIANTS, missing
from trainer.models.model import load_model, small_student
from trainer.models.tokenizer import byte_tokenizer

pytestmark = pytest.mark.slow

PROGRAM = "def f(x):\n    return x\n"
PROBLEMS = [
    {
        "slug": f"p/{number}",
        "prompt": f"Return {number} times x.",
        "entry_point": "f",
        "tests": [{"kind": "call", "args": [0], "expected": 0}],
        "reference_program": PROGRAM,
    }
    for number in range(2)
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model in fp32 and as CTranslate2's int8, measured, and noise of the latter's size."""
    made, threads = tmp_path_factory.mktemp("study"), torch.get_num_threads()
    small_student(257, seed=3, positions=256).save_pretrained(made / "source")
    byte_tokenizer().save_pretrained(made / "source")
    (made / "problems.jsonl").write_text("".join(json.dumps(one) + "\n" for one in PROBLEMS))

    def step(name, variant, *more):
        words = ["--variant", variant, "--model", made / "source", "--folder", made / variant]
        words += [
            "--problems",
            made / "problems.jsonl",
            "--max-tokens",
            "12",
            "--threads",
            "1",
            *more,
        ]
        assert main([name, *map(str, words)]) == 0

    for variant in ("fp32", "ct2-int8"):
        step("make", variant)
        out = ["--out", made / f"{variant}.jsonl"]
        step("measure", variant, "--decisions", made / "fp32" / "decisions.jsonl", *out)
    words = ["clock", "--variants", "ct2-int8,fp32", "--turns", "2", "--threads", "1"]
    words += ["--model", made / "source", "--folder", made, "--out", made / "times.json"]
    assert main([*map(str, words), "--problems", str(made / "problems.jsonl")]) == 0
    (made / "noise").mkdir()
    step("noise", "ct2-int8", "--out", made / "noise", "--seeds", "2")
    yield made
    torch.set_num_threads(threads)


def read(path):
    return json.loads(path.read_text())


def test_eight_bits_take_a_quarter_and_move_margins_where_fp32_moves_none(folder):
    full, small = (read(folder / name / "measured.json") for name in ("fp32", "ct2-int8"))

    assert small["disk_bytes"] < 0.4 * full["disk_bytes"]
    assert full["shifts"]["moved"] < 1e-4 < small["shifts"]["moved"]
    assert full["shifts"]["turned"] == 0
    assert full["shifts"]["decisions"] == small["shifts"]["decisions"] > 0


def test_times_are_taken_in_turns_that_begin_with_another_variant(folder):
    turns = read(folder / "times.json")["turns"]

    order = [(one["turn"], one["variant"]) for one in turns]
    assert order == [(0, "ct2-int8"), (0, "fp32"), (1, "fp32"), (1, "ct2-int8")]
    assert all(min(one["alone_seconds"], one["together_seconds"]) > 0 for one in turns)
    assert {(one["batch"], one["new_tokens"]) for one in turns} == {(2, 64)}


def test_weights_are_off_by_nothing_in_fp32_and_by_less_than_half_a_step_in_eight_bits(folder):
    full, small = (read(folder / name / "off.json") for name in ("fp32", "ct2-int8"))
    exact = matrices(load_model(str(folder / "source")))

    assert {one["error"] for one in full.values()} == {0.0}
    for name, one in small.items():
        half_a_step = float(exact[name].abs().max()) / 127 / 2
        assert 0 < one["error"] <= half_a_step


@pytest.mark.parametrize("name", [name for name in VARIANTS if name not in ("fp32", "ct2-int8")])
def test_a_form_read_back_is_off_by_what_its_bits_allow_and_not_by_nothing(
    name, folder, tmp_path, monkeypatch
):
    if name in missing():
        pytest.skip("make quantizers; build/quantizers/bin/python -m pytest " + __file__)
    variant, made = VARIANTS[name], folder / f"again-{name}"
    monkeypatch.chdir(tmp_path)
    source = os.path.relpath(folder / "source")
    words = ["make", "--variant", name, "--model", source, "--folder", made]

    assert main([*map(str, words), "--calibration", str(folder / "problems.jsonl")]) == 0

    assert not list(tmp_path.iterdir())
    off = read(made / "off.json")
    errors = {key: one["error"] / one["weight"] for key, one in off.items()}
    blocks = {key: error for key, error in errors.items() if ".h." in key}
    assert len(blocks) == 2 * 4
    # Weights near normal, of which a scale for each group or row reaches to the largest one.
    most = {16: 0.004, 8: 0.02, 4: 0.2}[variant.bits]
    assert all(0 < error < most for error in blocks.values()), errors


def test_perplexity_is_that_of_the_model_itself(folder):
    model, tokenizer = load_model(str(folder / "source")).eval(), byte_tokenizer()
    loss = tokens = 0
    for problem in PROBLEMS:
        before = tokenizer.encode(f'"""\n{problem["prompt"]}\n"""\n')
        ids = torch.tensor([[*before, *tokenizer.encode(PROGRAM), tokenizer.eos_token_id]])
        labels = ids.clone()
        labels[:, : len(before)] = -100
        count = ids.shape[1] - len(before)
        loss += model(ids, labels=labels).loss.item() * count
        tokens += count

    for name, off in (("fp32", 1e-4), ("ct2-int8", 0.05)):
        found = read(folder / name / "measured.json")["perplexity"]
        assert (found["tokens"], found["problems"]) == (tokens, 2)
        expected = torch.tensor(loss / tokens).exp().item()
        assert found["perplexity"] == pytest.approx(expected, rel=off)


def test_margins_are_those_of_the_tokens_that_were_written(folder):
    for line in (folder / "fp32" / "decisions.jsonl").read_text().splitlines():
        one = Chosen.model_validate_json(line)
        assert [decision.chosen for decision in one.decisions] == list(one.token_ids)
        assert all(decision.margin >= 0 for decision in one.decisions)


def test_noise_is_as_large_as_the_rounding_another_for_each_seed_and_taken_away_again(folder):
    off = read(folder / "ct2-int8" / "off.json")
    model = load_model(str(folder / "source"))
    before = {name: weight.clone() for name, weight in matrices(model).items()}
    added = []
    for seed in (0, 0, 1):
        with noisy(model, off, seed):
            now = matrices(model)
            added.append({name: now[name] - before[name] for name in off})
    for name, one in off.items():
        size = float(added[0][name].square().mean().sqrt())
        assert size == pytest.approx(one["error"], rel=0.1)
        assert torch.equal(added[0][name], added[1][name])
        assert not torch.equal(added[0][name], added[2][name])
        assert torch.equal(matrices(model)[name], before[name])
    first, second = ((folder / "noise" / f"{seed}.jsonl").read_text() for seed in (0, 1))
    assert len(first.splitlines()) == len(second.splitlines()) == 2


def test_what_is_not_installed_is_named_with_what_installs_it():
    for name, why in missing().items():
        library = VARIANTS[name].kind.value
        assert why.startswith(f"needs {library}: ")
        assert "install" in why or why.endswith("make quantizers")
