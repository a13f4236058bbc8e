"""What is made of plug-ins of a suite, and of pytest's own warnings about them."""

import pytest
from _pytest.assertion.rewrite import AssertionRewritingHook

from executor.guest import placing
from executor.guest.shared import session


@pytest.mark.parametrize(
    ("text", "sees"),
    [
        ("import pytest\n@pytest.fixture\ndef shop(): pass\n", False),
        ("def pytest_configure(config): pass\ndef pytest_addoption(parser): pass\n", False),
        ("def pytest_collection_modifyitems(items): items.reverse()\n", False),
        ("def pytest_runtest_makereport(item, call): pass\n", True),
        ("class Plugin:\n    def pytest_runtest_logreport(self, report): print(report)\n", True),
        ("def pytest_sessionfinish(session): pass\n", True),
        ("def told(report): return report.longreprtext\n", True),
    ],
)
def test_who_takes_reports_may_see_how_a_failure_is_told(text, sees):
    assert placing.see_failures({"tests/conftest.py": text, "a.txt": "def pytest_x()"}) is sees
    assert not placing.see_failures({"tests/kit.py": text})


def test_nobody_is_warned_of_modules_that_were_there_before(pytestconfig):
    hook = AssertionRewritingHook(pytestconfig)

    # Warnings are errors in these tests.
    with session._not_warned_of({"json"}):
        hook._warn_already_imported("json")
        with pytest.raises(pytest.PytestAssertRewriteWarning):
            hook._warn_already_imported("shop")
    with pytest.raises(pytest.PytestAssertRewriteWarning):
        hook._warn_already_imported("json")
