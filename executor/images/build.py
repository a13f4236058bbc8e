"""Builds images of packages where there is no `rrtf`: `python -m executor.images.build NAME...`."""

import sys
from pathlib import Path

from executor.images.packages import Images
from executor.settings import ExecutorSettings
from infra import errors
from infra.observability import logs
from infra.settings import load


def main() -> int:
    """Build the images that our arguments name, each `NAME` or `NAME=REQUIREMENTS.txt`."""
    logs.configure("executor")
    log = logs.get(__name__)
    try:
        settings = load(ExecutorSettings)
        images = Images(settings.home, settings.images)
        for word in sys.argv[1:]:
            name, _, requirements = word.partition("=")
            built = images.build(name, Path(requirements) if requirements else None)
            log.info("image.built", image=name, bytes=built.num_bytes, folder=str(built.folder))
    except errors.SuiteError as error:
        log.error("image.not_built", code=error.code, reason=error.detail)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
