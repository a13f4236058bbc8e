"""What GPUs can do, to compare with what was done."""

import torch

PEAK_TFLOPS = {"NVIDIA H200": 989.0, "NVIDIA H100": 989.0, "NVIDIA A100": 312.0}
"""Dense bf16, from the makers' data sheets."""


def of_peak(flops: float) -> float | None:
    """Return the share of the GPU's dense bf16 rate that operations a second are, where known."""
    name = torch.cuda.get_device_name()
    known = (peak for gpu, peak in PEAK_TFLOPS.items() if name.startswith(gpu))
    return next((flops / 1e12 / peak for peak in known), None)
