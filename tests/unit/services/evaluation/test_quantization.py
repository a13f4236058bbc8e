"""What a study of quantization says of labels, texts, margins and noise that are given."""

import json
import math
from pathlib import Path

import pytest

from services.evaluation import markdown
from services.evaluation.quantization.numbers import Labels, relative_error, row_of, speeds
from services.evaluation.quantization.tables import sections
from services.statistics import mcnemar

MARGINS = {"a": [5.0, 0.1, 4.0], "b": [3.0, 2.0], "c": [7.0, 0.2], "d": [1.0]}


def labels(right, **tokens):
    written = {"a": [1, 2, 3], "b": [4, 5], "c": [6, 7], "d": [8]} | tokens
    return Labels({slug: slug in right for slug in MARGINS}, written)


FULL = labels("bd")
VARIANT = labels("abd", a=[1, 9, 9], b=[4, 5, 6])
NOISE = [labels("abd", a=[1, 9]), labels("d", b=[9]), labels("bd")]

# The second turn found the machine three times as busy; seconds alone and together.
TURNS = [
    {"variant": name, "turn": turn, "batch": 2, "new_tokens": 10}
    | {"alone_seconds": alone, "together_seconds": together}
    for name, turn, alone, together in (
        ("fp32", 0, 0.4, 0.8),
        ("small", 0, 0.1, 0.4),
        ("small", 1, 0.3, 1.2),
        ("fp32", 1, 1.2, 2.4),
        ("fp32", 2, 0.4, 0.8),
        ("small", 2, 0.2, 0.8),
    )
]
SPEEDS = speeds(TURNS, "fp32")


@pytest.fixture
def row(tmp_path):
    measured = {
        "disk_bytes": 2_000_000,
        "memory_bytes": 250_000_000,
        "threads": 1,
        "versions": {"torch": "2", "gptqmodel": "not installed"},
        "perplexity": {"perplexity": None, "tokens": 0, "problems": 0},
        "shifts": {"moved": 0.25, "turned": 0, "decisions": 8},
    }
    off = {"w": {"error": 0.1, "weight": 1.0, "count": 4}}
    (tmp_path / "measured.json").write_text(json.dumps(measured))
    (tmp_path / "off.json").write_text(json.dumps(off))

    def made(name, other, noise):
        return row_of(name, tmp_path, FULL, other, noise, MARGINS, SPEEDS[name])

    return made


def test_flips_say_where_the_text_differs_first_by_how_little_and_whether_noise_does_it(row):
    found = row("small", VARIANT, NOISE)

    assert found["flips"] == [
        {"task_id": "a", "right": True, "token": 1, "margin": 0.1, "noise": 1}
    ]
    assert (found["newly_right"], found["newly_wrong"], found["other_texts"]) == (1, 0, 2)
    # The text of `b` goes on behind the end of that in fp32, where no token was.
    assert found["first_differences"]["count"] == 1
    assert found["first_differences"]["median_margin_of_all"] == pytest.approx(2.5)
    assert found["difference"]["mean"] == pytest.approx(0.25)
    assert found["mcnemar_p"] == mcnemar([False, True, False, True], [True, True, False, True])
    assert [(one["newly_right"], one["newly_wrong"]) for one in found["noise"]] == [
        (1, 0), (0, 1), (0, 0),
    ]  # fmt: skip


def test_a_variant_is_as_fast_as_it_is_beside_fp32_in_the_same_turns_however_busy_it_was():
    assert SPEEDS["fp32"]["as_fast"] == [1.0, 1.0]
    assert SPEEDS["small"]["as_fast"] == pytest.approx([4.0, 2.0])
    assert SPEEDS["small"]["ms_per_token"] == pytest.approx([20.0, 10.0, 30.0])
    assert SPEEDS["small"]["tokens_per_second"] == pytest.approx([25.0, 20 / 1.2, 50.0])


def test_the_error_of_all_matrices_weighs_each_by_its_size():
    off = {
        "large": {"error": 0.1, "weight": 2.0, "count": 300},
        "small": {"error": 1.0, "weight": 1.0, "count": 100},
    }

    assert relative_error(off) == pytest.approx(math.sqrt((300 * 0.01 + 100) / (300 * 4 + 100)))


def test_the_tables_show_sizes_differences_and_how_often_noise_does_the_same(row):
    study = {
        "name": "m",
        "model": "model",
        "benchmark": "b",
        "processor": "P, 2 threads",
        "problems": list(MARGINS),
        "processors": 2,
        "turns": 3,
        "batch": 2,
        "new_tokens": 10,
        "load": [1.04, 7.96],
        "rows": [row("fp32", FULL, []), row("small", VARIANT, NOISE)],
        "not_measured": {"gptq-int4": "needs gptqmodel: make quantizers"},
    }

    (section,) = sections([study])
    sizes, changes, flips = section.tables

    assert sizes.rows[1][:6] == (
        "small", "2.00 MB", "0.25 GB", "20 [10, 30]", "25 [17, 50]", "4.00 and 2.00",
    )  # fmt: skip
    assert any("1.0 to 8.0 processes wanted 2 processors" in words for words in section.words)
    assert "| small | 10.00% | 1 | 0 |" in markdown.section(section)
    assert changes.rows[0][4:7] == ("0.3 [0, 1] and 0.3 [0, 1]", "2 of 3 seeds", "1 of 3 seeds")
    assert flips.rows == (("small", "a", "right", "1", "0.1", "1 of 3 seeds"),)
    assert "Not measured: gptq-int4 needs gptqmodel: make quantizers." in section.words
    assert all(len(row) == len(table.head) for table in section.tables for row in table.rows)


def test_the_page_has_the_tables_of_the_study_that_is_kept_beside_it():
    docs = Path(markdown.__file__).parents[2] / "infra/docs"
    study = json.loads((docs / "quantization.json").read_text())

    page = (docs / "quantization.md").read_text()

    (section,) = sections([study])
    assert markdown.section(section) in page
