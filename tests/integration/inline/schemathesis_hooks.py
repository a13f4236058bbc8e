"""What schemathesis asks and expects beyond its configuration; it imports this by name."""

import schemathesis
from schemathesis.specs.openapi.checks import positive_data_acceptance

WAITS = "wait_seconds"
RULES = (
    "Value error, ",  # What a validator of ours says in words: rules across fields, for the most.
    "a text or a number holds what cannot be stored",  # NUL and single surrogates, in any text.
    "text must not hold NUL bytes",  # Of what a list is searched by.
    "the tests cannot be run",  # Code that no executor finds a test in.
    # FastAPI writes bounds as floats, which are read as other numbers.
    *(f"{bound}{2**bits}" for bound in ("less than ", "equal to -") for bits in (62, 63)),
    "runtime is unknown",  # Piston's languages and versions are what executors have.
    "cannot be read in their encodings",
    "has no Python packages",
)
"""What a well-formed request may be refused for: rules that the document does not state."""


@schemathesis.hook
def before_call(context, case, kwargs):
    """Wait for a second and no longer: whatever comes until then is an answer."""
    if isinstance(case.body, dict) and isinstance(case.body.get(WAITS), int | float):
        case.body[WAITS] = min(case.body[WAITS], 1.0)


@schemathesis.check
def well_formed_is_accepted(ctx, response, case):
    """A request of the document's form is refused for a rule across its fields, or not at all."""
    if response.status_code in (400, 422) and any(rule in response.text for rule in RULES):
        return None
    return positive_data_acceptance(ctx, response, case)
