"""A real sandbox, shared by all attacks."""

import contextlib
import tempfile
from pathlib import Path

import pytest

from executor.judging.judge import Judge
from executor.sandbox.slot import Slot
from executor.settings import ExecutorSettings, default_home
from infra.contracts.base import Label
from tests.hostile.attacks import HONEST, SUITES


@pytest.fixture(scope="session")
def slot(request):
    """One slot of the executor in each mode, with the policy that production has."""
    home = default_home()
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError:
        home = Path(tempfile.mkdtemp(dir="/var/tmp"))
        home.chmod(0o711)
    with contextlib.closing(
        Slot(ExecutorSettings(home=home, strict=request.param == "strict"), number=7)
    ) as slot:
        yield slot


@pytest.fixture(scope="session")
def judges(slot):
    """A judge for each suite that is attacked."""
    judges = {name: Judge(slot.sandbox, suite, slot.version) for name, suite in SUITES.items()}
    # From here on the cell is there, if there is one.
    assert judges["call"].judge(HONEST).label is Label.ALL_PASS
    return judges
