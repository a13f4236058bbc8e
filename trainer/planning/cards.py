"""The cards that a run has, or is planned for: GPUs, or the memory of a machine without one."""

import os
import re
from dataclasses import dataclass
from typing import Final, Self

import torch

from infra import errors

HERE: Final = "here"
_USABLE: Final = 0.92
"""Share of a card that tensors may have; the rest is for kernels, and for what lies in pieces."""


@dataclass(frozen=True, kw_only=True)
class Cards:
    """Some cards of one kind."""

    count: int
    memory: int
    """Bytes of each."""
    on_gpu: bool

    @property
    def usable(self) -> int:
        """Bytes of each that tensors may have."""
        return int(_USABLE * self.memory)

    @classmethod
    def here(cls, count: int | None = None) -> Self:
        """Return the cards of this machine, or so many; without a GPU, its memory for each."""
        if torch.cuda.is_available():
            _, memory = torch.cuda.mem_get_info()
            return cls(count=count or torch.cuda.device_count(), memory=memory, on_gpu=True)
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return cls(count=count or 1, memory=memory // (count or 1), on_gpu=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `here`, or `8x80`: eight GPUs of 80 GiB.

        Raises:
            errors.ConfigurationError: it is neither.
        """
        if text == HERE:
            return cls.here()
        found = re.fullmatch(r"([1-9][0-9]{0,3})x([1-9][0-9]{0,3})", text)
        if not found:
            raise errors.ConfigurationError(
                f"cards are given as `{HERE}`, or as in `8x80`: eight GPUs of 80 GiB; not {text!r}"
            )
        return cls(count=int(found[1]), memory=int(found[2]) << 30, on_gpu=True)
