"""The API before an executor that the tests of inline work have, with two problems stored."""

import pytest

from executor.images.packages import Images
from infra.contracts.problems import CallTest, Problem
from services.client import Client
from tests.integration.inline.conftest import (  # noqa: F401 - fixtures
    KEY,
    inline_executor,
    inline_redis,
    inline_url,
)
from tests.peers.checks.answers import PROBLEMS


@pytest.fixture(scope="session")
def suite_environment(inline_url, open_directory):  # noqa: F811
    """What a process needs to find the suite, whose executor has a kernel for notebooks."""
    Images(open_directory / "executor").build("notebook")
    with Client(inline_url, KEY) as client:
        for slug, name, value in PROBLEMS:
            test = CallTest(args=(2, 3), expected=value)
            prompt = f"Write the Python function `{name}(a, b)`.\n"
            client.add_problem(
                Problem(slug=slug, prompt=prompt, entry_point=name, tests=(test, test))
            )
    return {"RRTF_CLIENT_URL": inline_url, "RRTF_CLIENT_KEY": KEY}


@pytest.fixture(scope="session")
def table():
    """Rows of what was tried, printed at the end."""
    rows = []
    yield rows
    print()
    for peer, version, what in rows:
        print(f"{peer:24} {version:12} {what}")
