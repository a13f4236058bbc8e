"""What the REST API takes and gives, for programs that build requests by hand."""

from infra.contracts.base import Author, Integrity, Label, Language, Outcome
from infra.contracts.candidates import NewCandidate, NewGroup, SamplePlan
from infra.contracts.inline import ExecuteRequest, ExecuteResponse, ExecuteResult
from infra.contracts.problems import (
    AssertTest,
    CallTest,
    Limits,
    Problem,
)
from infra.contracts.views.api import (
    BulkGroup,
    CandidateDetail,
    CandidateView,
    CheckpointView,
    GroupView,
    ProblemSummary,
    ProblemView,
    RankedGroupView,
    RankingView,
)

__all__ = [
    "AssertTest",
    "Author",
    "BulkGroup",
    "CallTest",
    "CandidateDetail",
    "CandidateView",
    "CheckpointView",
    "ExecuteRequest",
    "ExecuteResponse",
    "ExecuteResult",
    "GroupView",
    "Integrity",
    "Label",
    "Language",
    "Limits",
    "NewCandidate",
    "NewGroup",
    "Outcome",
    "Problem",
    "ProblemSummary",
    "ProblemView",
    "RankedGroupView",
    "RankingView",
    "SamplePlan",
]
