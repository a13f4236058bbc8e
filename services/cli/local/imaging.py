"""`rrtf images`: what packages there are on this machine."""

from typing import Any

from rich.table import Table
from rich.text import Text

from executor.images.packages import Images
from executor.settings import ExecutorSettings
from infra.contracts.base import STANDARD_IMAGE
from infra.settings import load


def images_here() -> Images:
    """Return the images of this machine's executor."""
    settings = load(ExecutorSettings)
    return Images(settings.home, settings.images)


def listed(images: Images) -> dict[str, Any]:
    """Return each image's packages, and what it takes where it is built, as data."""
    built = images.built()
    return {
        name: {
            "packages": list(pinned.packages),
            "built": name == STANDARD_IMAGE or name in built,
            "bytes": built[name].num_bytes if name in built else 0,
            "digest": built[name].digest if name in built else None,
        }
        for name, pinned in sorted(images.pinned().items())
    }


def table_of(images: dict[str, Any]) -> Table:
    """Return what to print."""
    table = Table("image", "built", "size on disk", "packages", title="Images")
    for name, image in images.items():
        mark = Text("yes", style="green") if image["built"] else Text("no", style="yellow")
        size = mebibytes(image["bytes"]) if image["bytes"] else "-"
        table.add_row(name, mark, size, " ".join(image["packages"]) or "-")
    return table


def mebibytes(num_bytes: int) -> str:
    """Write a number of bytes for a reader."""
    return f"{num_bytes / 2**20:.0f} MiB"
