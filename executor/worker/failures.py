"""What is said of a failure that is not the candidate's."""

from infra import errors
from infra.contracts.execution import MAX_DETAIL_CHARACTERS


def told(error: Exception) -> str:
    """Return what to tell: an error of ours says what it is, of any other its class tells more."""
    if isinstance(error, errors.SuiteError):
        return f"{error.detail} [{error.code}]"[:MAX_DETAIL_CHARACTERS]
    return f"the executor failed: {type(error).__name__}: {error}"[:MAX_DETAIL_CHARACTERS]
