"""Work whose image of packages no executor has does not wait unseen."""

import json

import redis

from infra import heartbeats, stored_problems
from infra.contracts.views.dashboard import MOST_IMAGES, WorkerView
from services.api.routers import images


def beat(redis_url, *images):
    view = WorkerView(
        name="executor-1@here", room="executor", slots=1, running=0, begun=0, memory_bytes=1,
        uptime_seconds=1, images=images,
    )  # fmt: skip
    with redis.Redis.from_url(redis_url) as client:
        client.set(heartbeats.PREFIX + view.name, view.model_dump_json())


def test_what_no_executor_has_is_told_with_how_much_waits(
    client, http, rrtf, problem, make_group, database, redis_url
):
    beat(redis_url, "numpy")
    make_group(("student", "x"))
    for image in ("numpy", "mine"):
        other = problem.model_copy(update={"slug": image, "image": image})
        stored = client.add_problem(other)
        http.post(
            f"/v1/problems/{stored.id}/groups",
            json={"candidates": [{"author": "student", "program": "x"}]},
        ).raise_for_status()

    assert client.live().missing_images == {"mine": 2}  # The group and the check.
    metrics = http.get("/metrics").text
    assert 'rrtf_waiting_for_image{image="mine"} 2.0' in metrics
    # Who never reads an executor's own metrics knows from these whether one is at work.
    assert 'rrtf_slots_at_work{room="executor"} 1.0' in metrics
    assert 'rrtf_slots_at_work{room="ranker"} 0.0' in metrics
    told = rrtf("watch", "--timeout", "0.1")
    assert "no executor has: 2 groups or checks;" in told.stdout
    as_data = rrtf("watch", "--timeout", "0.1", "--json").stdout.splitlines()
    assert {"missing_images": {"mine": 2}} in [json.loads(line) for line in as_data]


def test_however_many_images_somebody_names_those_with_most_are_told(database, problem):
    with database.unit_of_work() as work:
        for number in range(MOST_IMAGES + 1):
            fields = {"slug": f"p{number}", "image": f"mine-{number}"}
            stored_problems.add_problem(work, problem.model_copy(update=fields))
        for slug in ("again", "once-more"):
            fields = {"slug": slug, "image": "much-wanted"}
            stored_problems.add_problem(work, problem.model_copy(update=fields))

    with database.reading() as session:
        told = images.missing(session, ())
    assert len(told) == MOST_IMAGES
    assert told["much-wanted"] == 2
