"""Whether pytest takes the options that files of a suite have for it."""

import os
import sys
from typing import Any

from executor.guest import placing
from executor.guest.shared import session, suite


def refused(test: dict[str, Any], program: str) -> str | None:
    """Say why pytest does not take what files of a test tell it; None if it does, or none do.

    Plugins of the suite are loaded, beside the program; what they raise may be for another one.
    """
    if test["texts"] is None:
        return None
    module = test["module"] or suite.CANDIDATE
    suite.write_files(test["texts"])
    suite.write(placing.candidate_file({**test, "files": test["texts"]}, module)[0], program)
    suite.write(file := placing.tests_file(test), "")
    os.chdir(placing.FOLDER)
    sys.path.insert(0, placing.FOLDER)
    try:
        session.configured(session.Asked(None, file, is_configured=True))._ensure_unconfigure()
    except session.REFUSALS as error:
        return f"{session.REFUSED}: {error}"
    except Exception:
        return None
    return None
