"""Whether tests can be run at all beside a program, as far as their files tell."""

import os
import sys
from typing import Any

from executor.guest import placing
from executor.guest.shared import loaded, session, suite, writing


def refused(test: dict[str, Any], program: str) -> str | None:
    """Say why a test cannot be run beside any program; None if nothing is known against it.

    It may bring what there cannot be twice, or pytest may not take what files of it tell it.

    Plugins of the suite are loaded, beside the program; what they raise may be for another one.
    """
    taken = loaded.refusal(test["module"], test["candidate_path"], test["files"])
    if taken is not None or test["texts"] is None:
        return taken
    module = test["module"] or suite.CANDIDATE
    writing.write_files(test["texts"], {})
    writing.write(placing.candidate_file({**test, "files": test["texts"]}, module)[0], program)
    writing.write(file := placing.tests_file(test), "")
    os.chdir(placing.FOLDER)
    sys.path.insert(0, placing.FOLDER)
    loaded.forget(test["module"], test["candidate_path"], test["files"])
    try:
        asked = session.Asked(None, file, is_configured=True, is_fresh=True)
        session.configured(asked)._ensure_unconfigure()
    except session.REFUSALS as error:
        return f"{session.REFUSED}: {error}"
    except Exception:
        return None
    return None
