"""Finds for each text the known one that means most alike: `python -m sampler.models.embedding`.

The model is a folder with an encoder that transformers loads, such as one of sentence-transformers;
nothing is downloaded. Reads and writes JSON lines: texts in, `[number, similarity]` out.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModel, AutoTokenizer

from infra import errors
from infra.observability import logs

log = logs.get(__name__)

_BATCH = 32


class Encoder:
    """A model of embeddings."""

    def __init__(self, folder: Path) -> None:
        """Load it.

        Raises:
            errors.InvalidInput: the folder holds no such model.
        """
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            self._model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
            self._takes_first = _takes_first(folder)
        except (OSError, ValueError, KeyError) as error:
            raise errors.InvalidInput(f"no model of embeddings in {folder}: {error}") from error
        positions = getattr(self._model.config, "max_position_embeddings", 512)
        self._longest = min(self._tokenizer.model_max_length, positions, 512)

    def encode(self, texts: Sequence[str]) -> torch.Tensor:
        """Return a vector of length 1 for each text; what is too long loses its end."""
        batches = [self._batch(texts[at : at + _BATCH]) for at in range(0, len(texts), _BATCH)]
        return torch.cat(batches)

    @torch.inference_mode()
    def _batch(self, texts: Sequence[str]) -> torch.Tensor:
        inputs = self._tokenizer(
            list(texts),
            padding=True,
            truncation=True,
            max_length=self._longest,
            return_tensors="pt",
        )
        states_BTD = self._model(**inputs).last_hidden_state
        if self._takes_first:
            found_BD = states_BTD[:, 0]
        else:
            mask_BT1 = inputs["attention_mask"].unsqueeze(-1).to(states_BTD.dtype)
            found_BD = (states_BTD * mask_BT1).sum(1) / mask_BT1.sum(1).clamp(min=1)
        return torch.nn.functional.normalize(found_BD.float(), dim=-1)


def _takes_first(folder: Path) -> bool:
    """Tell whether a model of sentence-transformers takes its first token's state, not the mean."""
    path = folder / "1_Pooling" / "config.json"
    return path.is_file() and bool(json.loads(path.read_text()).get("pooling_mode_cls_token"))


def nearest(
    encoder: Encoder, known: Sequence[str], texts: Sequence[str]
) -> Iterator[tuple[int, float]]:
    """Yield for each text the number of the known one nearest to it, and their cosine."""
    known_ND = encoder.encode(known)
    for start in range(0, len(texts), _BATCH):
        cosines_BN = encoder.encode(texts[start : start + _BATCH]) @ known_ND.T
        best = cosines_BN.max(dim=1)
        yield from zip(best.indices.tolist(), best.values.tolist(), strict=True)


def _read(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, compare, write; return 1 when something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m sampler.models.embedding", description=__doc__)
    for name in ("model", "known", "texts", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    given = parser.parse_args(arguments)
    logs.configure("sampler")
    try:
        found = nearest(Encoder(given.model), _read(given.known), _read(given.texts))
        given.out.write_text("".join(json.dumps(one) + "\n" for one in found), encoding="utf-8")
    except errors.SuiteError as error:
        log.error("embedding.stopped", code=error.code, reason=error.detail)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
