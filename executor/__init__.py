"""Labels candidates in a sandbox; `executor.label` does so without any service."""

from executor.labelling import LabelledCandidate, Overrides, label

__all__ = ["LabelledCandidate", "Overrides", "label"]
