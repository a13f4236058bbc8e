"""Settings of an executor worker."""

import os
from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from infra.settings import Settings, load


def default_home() -> Path:
    """Directory for the jail's file system image: readable by every user when we are root."""
    named = os.environ.get("RRTF_HOME")
    if named:
        return Path(named)
    if os.geteuid() == 0:
        return Path("/var/lib/rrtf")
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local/share") / "rrtf"


class ExecutorSettings(Settings):
    """How many candidates run at once, and where the sandbox keeps its image."""

    model_config = SettingsConfigDict(env_prefix="RRTF_EXECUTOR_", frozen=True)

    slots: int = Field(default_factory=lambda: max(1, os.cpu_count() or 1), ge=1, le=1024)
    """Candidates that run at the same time."""
    strict: bool = False
    """Start a fresh nsjail and interpreter for every candidate instead of forking a warm one."""
    home: Path = Field(default_factory=default_home)
    images: Path | None = None
    """Further folder of built images, looked in after `images` in the home."""
    cgroup: Path | None = None
    """Cgroup (version 2) directory to make children in, instead of finding one."""
    require_cgroup: bool = False
    """Refuse to start without cgroups, rather than account by polling the processes."""
    outside_uid: int = Field(200_000, ge=1000)
    """First of the host user ids that jails run as, 1,024 for each slot; root only."""
    batch_seconds: float = Field(100.0, gt=0, le=200)
    """When a worker hands the rest of a batch back to the queue."""

    @classmethod
    def chosen(cls, slots: int | None, strict: bool | None) -> "ExecutorSettings":
        """Load the settings, with these in the place of theirs where they are given."""
        changed = {"slots": slots, "strict": strict}
        given = {key: value for key, value in changed.items() if value is not None}
        return load(cls).model_copy(update=given)
