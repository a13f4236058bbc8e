"""The way that a list of model servers asks for."""

from sampler.servers.endpoints import Endpoint
from sampler.servers.weights import By, Weights
from sampler.serving.adapters import SglangAdapters, VllmAdapters
from sampler.serving.control import Control
from sampler.serving.in_place import SglangDisk, VllmTransfer
from sampler.serving.named import Named
from sampler.serving.restarting import Restarted
from sampler.serving.way import Way


def way_of(endpoint: Endpoint, weights: Weights, policy: str) -> Way:
    """Make the way that a list of servers asks for.

    Raises:
        errors.ConfigurationError: the server's key is not in the environment.
    """
    control = Control(endpoint)
    match weights.by:
        case By.NAME:
            return Named(endpoint, weights, control)
        case By.VLLM_ADAPTER:
            return VllmAdapters(endpoint, weights, control)
        case By.SGLANG_ADAPTER:
            return SglangAdapters(endpoint, weights, control)
        case By.VLLM_TRANSFER:
            return VllmTransfer(endpoint, weights, policy, control)
        case By.SGLANG_DISK:
            return SglangDisk(endpoint, weights, policy, control)
        case By.RESTART:
            return Restarted(endpoint, weights, control)
