"""Checkpoints of policies that are evaluated: found by their version, and known to be whole."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from infra import errors
from infra.contracts.views.api import CheckpointView
from infra.weights import weights_sha256
from services.client import Client
from services.evaluation.plan import Plan


def checkpoints_of(
    plan: Plan, client: Callable[[], AbstractContextManager[Client]]
) -> dict[str, CheckpointView]:
    """Return the checkpoint of each model of a plan that is a policy's.

    Args:
        plan: With any kind of models.
        client: Opens a client of the API, which is asked only if there is such a model.

    Raises:
        errors.NotFound: there is no such policy, or no such version of it.
        errors.Unavailable: the API cannot be asked.
    """
    wanted = {name: one for name, one in plan.models.items() if one.policy is not None}
    if not wanted:
        return {}
    with client() as api:
        known = {one.policy: api.checkpoints(one.policy) for one in wanted.values() if one.policy}
    return {
        name: _of_version(one.policy, known[one.policy], one.version)
        for name, one in wanted.items()
        if one.policy is not None
    }


def weights_of(checkpoint: CheckpointView) -> Path:
    """Return the folder of a checkpoint.

    Raises:
        errors.InvalidInput: it is not on this machine, or not what was recorded.
    """
    path = Path(checkpoint.path)
    if not path.is_dir():
        raise errors.InvalidInput(
            f"version {checkpoint.version} of {checkpoint.policy!r} is not at {path} any more"
        )
    if weights_sha256(path) != checkpoint.sha256:
        raise errors.InvalidInput(f"the weights in {path} are not those that were recorded")
    return path


def _of_version(
    policy: str, checkpoints: tuple[CheckpointView, ...], version: int | None
) -> CheckpointView:
    """Choose from checkpoints, newest first."""
    for one in checkpoints:
        if version in (None, one.version):
            return one
    which = "checkpoint" if version is None else f"checkpoint of version {version}"
    raise errors.NotFound(f"the policy {policy!r} has no {which}")
