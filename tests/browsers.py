"""The browser that tests and pictures are made with."""

import shutil

NAMES = ("chromium-headless-shell", "chromium", "google-chrome", "chromium-browser")


def chromium() -> str:
    """Return the path of a Chromium; a missing one is a failure, never a skip."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    assert found, "there is no Chromium here; as root: make test-tools"
    return found
