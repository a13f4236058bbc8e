"""The hash of a checkpoint's weights, by which whoever loads them knows them again."""

import hashlib
from pathlib import Path


def weights_sha256(directory: Path) -> str:
    """Return the hash over the weights files of a checkpoint, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(directory.rglob("*.safetensors")):
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
