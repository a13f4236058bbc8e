"""What servers say of tokens, and all else they say, lies with the candidate and is learnt."""

import pytest

from infra.contracts.base import Author, Label, SampleState
from infra.contracts.candidates import SamplePlan
from infra.contracts.prompting import Sampled
from infra.contracts.ranking import RankedGroup, Response
from tests.model_server.app import serving
from tests.model_server.sources import Starter
from tests.model_server.tokens import TokenServer
from tests.tokenizer_kinds import KINDS
from trainer.batches.encoding import encode_group

SERVED = [kind for kind in KINDS if kind != "ends texts"]
"""A server of that one goes on behind the end of a text, which no trainer learns."""


def plan(author, backend, **fields):
    return SamplePlan(
        author=author, backend=backend, **{"num_samples": 2, "max_tokens": 200} | fields
    )


def learnt(lab, rows, tokenizer, form):
    """A group of the stored candidates as a trainer encodes it."""
    responses = tuple(
        Response(
            candidate_id=row.id, author=row.author, label=Label.ALL_PASS, score=1.0,
            program=row.program, finished=row.finish_reason == "stop", written=row.completion,
            sampled=Sampled.model_validate(row.sampled),
        )
        for row in rows
    )  # fmt: skip
    group = RankedGroup(
        group_id=rows[0].group_id, problem_slug=lab.problem.slug, prompt=lab.problem.prompt,
        entry_point=lab.problem.entry_point, responses=responses, pairs=((0, 1, 0.05),), best=0,
    )  # fmt: skip
    return encode_group(group, tokenizer, 4096, 4096, form=form)


@pytest.mark.parametrize("kind", SERVED)
def test_the_ids_that_a_server_sampled_are_those_that_are_learnt(lab, kind):
    make, form = KINDS[kind]
    tokenizer = make()
    server = lab.stack.enter_context(serving(TokenServer(tokenizer=tokenizer)))
    wire = "chat" if form.is_chat else "completion"
    lab.endpoint("student", server, form=wire, prompt=form, token_ids=True, samples_per_request=2)

    (request,) = lab.sample(plan(Author.STUDENT, "student"))

    rows = lab.candidates()
    assert request.state is SampleState.COMPLETED
    assert [one.body["n"] for one in server.seen] == [2]
    assert all("temperature" not in one.body for one in server.seen)
    group = learnt(lab, rows, tokenizer, form)
    for row, ids in zip(rows, group.responses, strict=True):
        sampled = Sampled.model_validate(row.sampled)
        assert group.prompt == list(sampled.prompt_token_ids)
        assert ids == list(sampled.token_ids)
        assert sampled.logps[:2] == (-0.0, -0.1)
        assert lab.problem.entry_point in row.program


def test_anthropics_form_is_spoken_and_what_it_thought_is_kept(lab, monkeypatch):
    monkeypatch.setenv("LARGE_KEY", "k-large")
    server = lab.stack.enter_context(serving(TokenServer(source=Starter("teacher"))))
    lab.endpoint("large", server, form="messages", key="LARGE_KEY", input_price=1)

    lab.sample(plan(Author.TEACHER, "large", num_samples=1, temperature=0.5))

    (seen,) = server.seen
    (row,) = lab.candidates()
    assert seen.path == "/v1/messages"
    assert seen.headers["x-api-key"] == "k-large"
    assert seen.body["system"].startswith("You write correct programs")
    assert seen.body["temperature"] == 0.5
    assert (row.finish_reason, row.policy_version) == ("stop", None)
    assert lab.problem.entry_point in row.program
    (thought,) = Sampled.model_validate(row.sampled).answer["content"]
    assert thought["thinking"] == "Let me see."
    (call,) = lab.calls()
    assert call.cost > 0
