"""Labels candidates in a sandbox; `executor.label` does so without any service.

`executor.check` says whether the tests of problems can judge anybody.
"""

from executor.worker.checks import check
from executor.worker.labelling import LabelledCandidate, Overrides, label
from infra.contracts.checks import Fault, Finding, Strength, Survivor

__all__ = [
    "Fault",
    "Finding",
    "LabelledCandidate",
    "Overrides",
    "Strength",
    "Survivor",
    "check",
    "label",
]
