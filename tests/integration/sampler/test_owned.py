"""Checkpoints of one project, which lie beside those of others and are not theirs to sample."""

import pytest

from infra.contracts.base import Author, SampleState
from infra.contracts.candidates import SamplePlan
from infra.db import projects
from infra.db.tables import ApiKeyRow, CheckpointRow, PolicyRow, ProjectRow, SampleRequestRow
from sampler.backends import Completion
from sampler.models.owned import Owned


class Everything:
    """Stands where a model is: it has every checkpoint."""

    def sample(self, question, plan, draws):
        return [Completion(text="x = 1", model=plan.model) for _ in draws]


@pytest.fixture
def trained(lab):
    """Record a checkpoint of a policy in a project; return the number of the project."""

    def record(project, policy, version):
        with lab.database.unit_of_work() as work:
            number = projects.DEFAULT
            if project != "default":
                row = ProjectRow(name=project)
                work.session.add(row)
                work.session.flush()
                number = row.id
            owner = PolicyRow(name=policy, project_id=number)
            work.session.add(owner)
            work.session.flush()
            work.session.add(
                CheckpointRow(
                    policy_id=owner.id, version=version, path="/c", sha256="0" * 64, metrics={}
                )
            )
            return number

    return record


@pytest.fixture
def ask(lab):
    """Have a model asked, by a key of a project; return what became of the request."""
    lab.backends["transformers"] = Owned(Everything(), lab.database)

    def asked(project, model):
        plan = SamplePlan(author=Author.STUDENT, backend="transformers", model=model, num_samples=1)
        (request,) = lab.ask(plan)
        with lab.database.unit_of_work() as work:
            key = ApiKeyRow(name=f"key of {request}", scopes=[], project_id=project)
            work.session.add(key)
            work.session.flush()
            work.session.get(SampleRequestRow, request).api_key_id = key.id
        lab.answer(request)
        with lab.database.reading() as session:
            row = session.get(SampleRequestRow, request)
            return row.state, row.reason

    return asked


def test_only_the_project_of_a_checkpoint_has_it_sampled(trained, ask):
    other = trained("other", "mine", 7)

    assert ask(other, "mine/00000007")[0] is SampleState.COMPLETED
    for name in ("mine/00000007", "mine/7", "any/mine/00000007", "mine/00000007/adapter"):
        state, reason = ask(projects.DEFAULT, name)
        assert state is SampleState.QUARANTINED
        assert f"this sampler has no model {name!r}" in reason


def test_two_projects_that_record_the_same_name_both_have_it(trained, ask):
    other = trained("other", "both", 1)
    trained("default", "both", 1)

    for project in (other, projects.DEFAULT):
        assert ask(project, "both/00000001")[0] is SampleState.COMPLETED


@pytest.mark.parametrize("model", ["", "Org/model", "mine/00000008", "first"])
def test_what_no_project_has_recorded_is_everybodys(trained, ask, model):
    trained("other", "mine", 7)

    assert ask(projects.DEFAULT, model)[0] is SampleState.COMPLETED
