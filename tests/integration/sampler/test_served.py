"""A server of a policy is brought to its checkpoints; every candidate says which one wrote it."""

import re
import sys

import pytest

from infra.contracts.base import Author, SampleState
from infra.contracts.candidates import SamplePlan
from infra.db.tables import CheckpointRow, PolicyRow
from sampler.servers.endpoints import Endpoint, Form
from sampler.servers.weights import By, Weights
from sampler.serving.served import Served
from tests.model_server.app import serving
from tests.model_server.policy import BASE, PolicyServer, nothing

RESTART = """
import json, sys, urllib.request
url, path, name = sys.argv[1:]
body = json.dumps({"path": path, "name": name}).encode()
headers = {"Content-Type": "application/json"}
urllib.request.urlopen(urllib.request.Request(url, body, headers)).read()
"""
ONE_AT_A_TIME = {By.SGLANG_DISK, By.VLLM_TRANSFER, By.RESTART}


def checkpoint(lab, version, policy="default"):
    with lab.database.unit_of_work() as work:
        row = work.session.query(PolicyRow).filter_by(name=policy).one_or_none()
        if row is None:
            work.session.add(row := PolicyRow(name=policy))
            work.session.flush()
        work.session.add(
            CheckpointRow(
                policy_id=row.id, version=version, path=f"/trained/{policy}/{version:08d}",
                sha256=f"{version:064x}", metrics={},
            )
        )  # fmt: skip


def serve(lab, by, **weights):
    server = lab.stack.enter_context(serving(PolicyServer(by)))
    if by is By.RESTART:
        url = server.url.removesuffix("/v1") + "/test/restart"
        weights["command"] = (sys.executable, "-c", RESTART, url, "{path}", "{name}")
    endpoint = Endpoint(
        name="policy", url=server.url, model=BASE, form=Form.COMPLETION, tries=1,
        policy="default", weights=Weights(by=by, **{"wait_seconds": 30} | weights),
    )  # fmt: skip
    lab.backends["policy"] = Served(endpoint, lab.ledger, lab.loop_thread, lab.database)
    lab.stack.callback(lab.backends["policy"].close)
    return server


def plan(model="", num_samples=1):
    return SamplePlan(author=Author.STUDENT, backend="policy", model=model, num_samples=num_samples)


def written(lab):
    """Versions of all candidates so far; each must be that of the weights that wrote the text."""
    versions = []
    for candidate in lab.candidates():
        path = re.search(r"# (\S+)", candidate.completion)[1].removesuffix("/adapter")
        told = 0 if path == BASE else int(path.rpartition("/")[2])
        assert candidate.policy_version == told
        versions.append(told)
    return versions


def begin_anew_once(server):
    """What happens between the look at a server and its answer."""

    def begin_anew():
        server.before_it_writes = nothing
        server.begin_anew()

    return begin_anew


@pytest.mark.parametrize("by", By)
def test_each_way_brings_every_checkpoint_and_brings_it_again_to_a_server_that_lost_it(lab, by):
    server = serve(lab, by, initial=BASE, adapters=1)
    rows = lab.sample(plan())
    checkpoint(lab, 3)
    rows += lab.sample(plan(num_samples=2))
    server.begin_anew()
    rows += lab.sample(plan("default/00000003"))
    checkpoint(lab, 4)
    rows += lab.sample(plan())

    server.before_it_writes = begin_anew_once(server)
    rows += lab.sample(plan(num_samples=2))
    rows += lab.sample(plan("default/00000003"), plan("default/00000000"))

    assert {row.state for row in rows} == {SampleState.COMPLETED}, [row.reason for row in rows]
    older = [4, 4] if by in ONE_AT_A_TIME else [3, 0]
    assert written(lab) == [0, 3, 3, 3, 4, 4, 4, *older]
    assert len(server.adapters) <= 1


def test_weights_that_were_lost_and_brought_again_by_another_do_not_vouch_for_what_was_between(lab):
    checkpoint(lab, 3)
    for by in ONE_AT_A_TIME:
        server = serve(lab, by)
        lab.sample(plan())
        path = server.path

        def another_brings_them(server=server, path=path):
            server.once_it_wrote = nothing
            label = f"rrtf/default/{3:064x}"[: len("rrtf/default/") + 12] + ".another@3"
            server.path, server.label, server.served_name = path, label, label
            if server.by is not By.RESTART:
                server.served_name = BASE

        server.before_it_writes = begin_anew_once(server)
        server.once_it_wrote = another_brings_them
        (row,) = lab.sample(plan())

        assert row.state is SampleState.COMPLETED, row.reason
    assert written(lab) == [3] * 6


def test_a_version_by_its_own_name_that_was_never_trained_is_refused(lab):
    serve(lab, By.NAME)
    checkpoint(lab, 3)

    rows = lab.sample(plan("default/00000007"), plan("other/00000003"))

    assert [row.state for row in rows] == [SampleState.QUARANTINED] * 2
    assert "no checkpoint of version 7" in rows[0].reason
    assert "not 'other/00000003'" in rows[1].reason


def test_a_server_that_does_not_load_gets_no_request_and_the_reason_is_told(lab):
    checkpoint(lab, 3)
    for by in set(By) - {By.NAME}:
        server = serve(lab, by)
        server.refuses = True

        (row,) = lab.sample(plan())

        assert (row.state, row.code) == (SampleState.QUARANTINED, "weights_not_loaded"), by
        assert row.reason
        assert not server.answers


def test_a_server_that_answers_with_another_model_than_is_named_is_found_out(lab):
    server = serve(lab, By.NAME)
    checkpoint(lab, 3)
    server.answers_as = BASE

    (row,) = lab.sample(plan())

    assert row.state is SampleState.QUARANTINED
    assert "says that 'base' has answered" in row.reason
    assert not lab.candidates()


def test_a_transfer_that_a_killed_sampler_began_is_ended_first(lab):
    server = serve(lab, By.VLLM_TRANSFER)
    checkpoint(lab, 3)
    server.session, server.is_paused = "open", True

    (row,) = lab.sample(plan())

    assert row.state is SampleState.COMPLETED, row.reason
    assert written(lab) == [3]
    told = [name for name, _ in server.told]
    assert told == ["pause", "init", "start", "update", "resume"]
    assert ("pause", {"mode": "wait"}) in server.told


def test_the_first_weights_come_back_only_if_it_is_said_where_they_are(lab):
    server = serve(lab, By.SGLANG_DISK)
    server.label = "rrtf/default/of-another-database@12"

    (row,) = lab.sample(plan())

    assert (row.state, row.code) == (SampleState.QUARANTINED, "cannot_bring_weights")
    assert "`initial`" in row.reason


def test_weights_of_another_database_with_the_same_number_are_replaced(lab):
    server = serve(lab, By.SGLANG_DISK)
    checkpoint(lab, 3)
    server.path, server.label = "/old/default/00000003", "rrtf/default/0123456789ab@3"

    lab.sample(plan())

    assert written(lab) == [3]
    assert server.path == "/trained/default/00000003"


def test_the_path_is_that_of_the_servers_machine(lab):
    server = serve(lab, By.SGLANG_DISK, folder="/mnt/there")
    checkpoint(lab, 3)

    lab.sample(plan())

    assert server.path == "/mnt/there/default/00000003"
