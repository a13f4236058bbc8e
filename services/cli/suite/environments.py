"""Which of the command's own environment variables each process of `rrtf up` is given."""

import os
from collections.abc import Mapping
from typing import Final

from infra import errors
from infra.settings import load
from sampler.servers.endpoint_settings import EndpointSettings

_POLICY: Final = "RRTF_TRAINER_POLICY"
_EVERYWHERE: Final = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "VIRTUAL_ENV"),
    *("RRTF_DATA", "RRTF_LOG_*", "RRTF_TRACES_*"),
)
_MODEL: Final = (
    # Devices, their libraries, and how processes on several of them meet.
    *("CUDA_*", "CUBLAS_*", "CUDNN_*", "NVIDIA_*", "NCCL_*", "GLOO_*", "UCX_*", "LD_LIBRARY_PATH"),
    *("HIP_*", "ROCR_*", "HSA_*", "MIOPEN_*"),
    # What computes on them, and where it keeps what it has compiled.
    *("TORCH*", "PYTORCH_*", "TRITON_*", "ACCELERATE_*", "OMP_*", "MKL_*", "KMP_*", "OPENBLAS_*"),
    *("CC", "CXX", "TMPDIR", "XDG_CACHE_HOME"),
    # Where models come from.
    *("HF_*", "HUGGING_FACE_*", "HUGGINGFACE_*", "TRANSFORMERS_*", "TOKENIZERS_*"),
    # The way out of this network.
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
)
PASSED_ON: Final[Mapping[str, tuple[str, ...]]] = {
    "api": (*_EVERYWHERE, "RRTF_API_*", "RRTF_QUEUE_*"),
    "ranker": (*_EVERYWHERE, "RRTF_RANKER_*", "RRTF_QUEUE_*"),
    "sampler": (*_EVERYWHERE, *_MODEL, "RRTF_SAMPLER_*", "RRTF_QUEUE_*"),
    # Beside hostile code: no token, no proxy, no library path.
    "executor": (*_EVERYWHERE, "RRTF_EXECUTOR_*", "RRTF_QUEUE_*"),
    "dispatcher": (*_EVERYWHERE, "RRTF_QUEUE_*"),
    "sweep": (*_EVERYWHERE, "RRTF_SWEEP_*", "RRTF_RANKER_*", "RRTF_QUEUE_*"),
    "trainer": (*_EVERYWHERE, *_MODEL, "RRTF_TRAINER_*", "WANDB_*", "MLFLOW_*"),
}
"""Names of variables by process; one that ends in `*` stands for all that begin so."""


def passed_on(service: str) -> dict[str, str]:
    """Return what a process gets of our environment; nothing but what its row names."""
    names = {name for name in PASSED_ON[service] if not name.endswith("*")}
    prefixes = tuple(name[:-1] for name in PASSED_ON[service] if name.endswith("*"))
    return {
        name: value
        for name, value in os.environ.items()
        if name in names or name.startswith(prefixes)
    }


def teachers_keys() -> dict[str, str]:
    """Return the variables that model servers' keys are in, for the sampler alone.

    Raises:
        errors.ConfigurationError: the list of model servers is wrong, or a key is not set.
    """
    names = [endpoint.key for endpoint in load(EndpointSettings).read() if endpoint.key]
    return {name: os.environ[name] for name in names}


def served_policy(endpoint: str) -> dict[str, dict[str, str]]:
    """Return what a trainer is told so that it trains the policy that a model server serves.

    Raises:
        errors.ConfigurationError: no such server is listed, it serves no policy, or the trainer's
            own settings name another one.
    """
    listed = {one.name: one.policy for one in load(EndpointSettings).read()}
    policy = listed.get(endpoint)
    if policy is None:
        raise errors.ConfigurationError(
            f"RRTF_SAMPLER_ENDPOINTS lists no server {endpoint!r} that has a `policy`"
        )
    named = os.environ.get(_POLICY, policy)
    if named != policy:
        raise errors.ConfigurationError(f"{endpoint!r} serves {policy!r}, {_POLICY} is {named!r}")
    return {"trainer": {_POLICY: policy}}
