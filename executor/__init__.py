"""Labels candidates in a sandbox; `executor.label` does so without any service.

`executor.check` says whether the tests of problems can judge anybody.
"""

from executor.suites.findings import Fault, Finding, Strength, Survivor
from executor.worker.checks import check
from executor.worker.labelling import LabelledCandidate, Overrides, label

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
