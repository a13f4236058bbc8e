"""A real sandbox, shared by all attacks."""

import contextlib
import tempfile
from pathlib import Path

import pytest

from executor.sandbox import Slot
from executor.settings import ExecutorSettings, default_home


@pytest.fixture(scope="session")
def slot():
    """One slot of the executor, with the policy that production has."""
    home = default_home()
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError:
        home = Path(tempfile.mkdtemp(dir="/var/tmp"))
        home.chmod(0o711)
    with contextlib.closing(Slot(ExecutorSettings(home=home), number=7)) as slot:
        yield slot
