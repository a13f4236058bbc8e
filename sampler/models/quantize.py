"""Converts a model for the backend `ctranslate2`: `python -m sampler.models.quantize MODEL FOLDER`.

The model is a Hugging Face causal model by name or path, such as a checkpoint of a trainer. This
alone takes torch and transformers; sampling does not.
"""

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from infra import errors
from infra.observability import logs
from infra.prompting.stored import FILE
from sampler.models.int8 import TOKENIZER

log = logs.get(__name__)


def convert(source: str, folder: Path) -> None:
    """Convert a Hugging Face causal model, by name or path.

    Raises:
        errors.ConfigurationError: it cannot be loaded or converted, or the folder is there already.
    """
    from ctranslate2.converters import TransformersConverter
    from transformers import AutoTokenizer

    try:
        TransformersConverter(source).convert(str(folder), quantization="int8")
        tokenizer: Any = AutoTokenizer.from_pretrained(source)
    except (OSError, ValueError, RuntimeError) as error:
        raise errors.ConfigurationError(f"cannot convert {source!r}: {error}") from error
    tokenizer.backend_tokenizer.save(str(folder / TOKENIZER))
    form = Path(source) / FILE
    if form.is_file():
        shutil.copy(form, folder)
    path = folder / "config.json"
    config = json.loads(path.read_text())
    # A byte-level tokenizer knows every text and has no token for an unknown one; the library
    # wants to be told one, and does not take null for what was not told.
    config["unk_token"] = config.get("unk_token") or config["eos_token"]
    known = {name: value for name, value in config.items() if value is not None}
    path.write_text(json.dumps(known, indent=2) + "\n")


def main(arguments: Sequence[str]) -> int:
    """Convert; return 1 when something is wrong."""
    logs.configure("sampler")
    if len(arguments) != 2:
        sys.stderr.write("usage: python -m sampler.models.quantize MODEL FOLDER\n")
        return 2
    try:
        convert(arguments[0], Path(arguments[1]))
    except errors.SuiteError as error:
        log.error("convert.stopped", code=error.code, reason=error.detail)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
