"""Finds texts that mean what a problem of a benchmark does, by a model of embeddings.

The model runs in a process of its own (`python -m sampler.models.embedding`), for services hold no
torch.
"""

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from sampler.evolution.decontamination import Hit, Known, Method
from services.evaluation.programs.sampling import run

LEAST = 0.9
"""Cosine from which on a text counts as found, where nothing else is said."""


def find(
    model: Path, known: Sequence[tuple[str, Known]], texts: Sequence[str], least: float = LEAST
) -> Iterator[Hit | None]:
    """Yield for each text the problem nearest to it, if it is near enough.

    Args:
        model: Folder of the model.
        known: Problems, each with the name of its benchmark.
        texts: What to look at.
        least: Cosine that counts.

    Raises:
        errors.Unavailable: the model cannot be read; it has said why on standard error.
    """
    with tempfile.TemporaryDirectory(prefix="rrtf-embedding-") as name:
        folder = Path(name)
        _write(folder / "known.jsonl", [one.prompt for _, one in known])
        _write(folder / "texts.jsonl", texts)
        command = [sys.executable, "-m", "sampler.models.embedding", "--model", str(model)]
        for what in ("known", "texts", "out"):
            command += [f"--{what}", str(folder / f"{what}.jsonl")]
        run(command)
        found = [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]
    for number, similarity in found:
        dataset, problem = known[number]
        if similarity < least:
            yield None
        else:
            yield Hit(
                dataset=dataset,
                problem=problem.name,
                method=Method.EMBEDDING,
                share=round(similarity, 3),
                evidence=f"means the same to the model: {' '.join(problem.prompt.split()[:16])}",
            )


def _write(path: Path, texts: Sequence[str]) -> None:
    path.write_text("".join(json.dumps(text) + "\n" for text in texts), encoding="utf-8")
