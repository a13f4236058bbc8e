"""The forms that a study puts a model's weights into, and what each needs: no model library.

`python -m sampler.quantization.variants` prints as JSON which of them a Python cannot make.
"""

import json
import sys
from enum import StrEnum
from importlib.util import find_spec
from typing import Final, NamedTuple


class Kind(StrEnum):
    """Who stores and multiplies the weights."""

    DENSE = "dense"
    """torch, in a floating-point type."""
    CTRANSLATE2 = "ctranslate2"
    GPTQ = "gptqmodel"
    TORCHAO = "torchao"
    BITSANDBYTES = "bitsandbytes"


class Variant(NamedTuple):
    """One form of a model."""

    name: str
    kind: Kind
    bits: int

    @property
    def needs_calibration(self) -> bool:
        """Whether texts decide how its weights are rounded."""
        return self.kind is Kind.GPTQ


FULL: Final = "fp32"
"""The variant that all others are compared to."""
VARIANTS: Final = {
    one.name: one
    for one in (
        Variant(FULL, Kind.DENSE, 32),
        Variant("fp16", Kind.DENSE, 16),
        Variant("bf16", Kind.DENSE, 16),
        Variant("ct2-int8", Kind.CTRANSLATE2, 8),
        Variant("gptq-int8", Kind.GPTQ, 8),
        Variant("gptq-int4", Kind.GPTQ, 4),
        Variant("torchao-int8", Kind.TORCHAO, 8),
        Variant("bnb-nf4", Kind.BITSANDBYTES, 4),
    )
}
_INSTALLED_BY: Final = {
    Kind.CTRANSLATE2: "pip install 'rrtf-suite[ctranslate2]'",
    Kind.GPTQ: "make quantizers",
    Kind.TORCHAO: "make quantizers",
    Kind.BITSANDBYTES: "make quantizers",
}


def missing() -> dict[str, str]:
    """Return the variants that this Python lacks the library of, and what would install it."""
    return {
        name: f"needs {one.kind.value}: {_INSTALLED_BY[one.kind]}"
        for name, one in VARIANTS.items()
        if one.kind is not Kind.DENSE and find_spec(one.kind.value) is None
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(missing()) + "\n")
