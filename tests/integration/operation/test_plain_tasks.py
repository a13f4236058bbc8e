"""The ranker sends nothing for others: what an executor may write to it has no way on.

Each message is one that its user may write. A plain one follows; when that is recorded, the one
before has been taken, and nothing may have come of it.
"""

import base64
import json
import signal
from datetime import UTC, datetime, timedelta

import pytest
import redis
import sqlalchemy as sa
from celery import Celery, chain, signature

from infra.contracts.base import new_id
from infra.contracts.candidates import SampleGroup
from infra.contracts.execution import ExecutionStarted
from infra.db.tables import SandboxProfileRow
from infra.queues.messaging import Queue, Sender, Task, celery_app, queue_keys

STARTED = ExecutionStarted(sandbox="first").model_dump(mode="json")
SAMPLE = SampleGroup(sample_request_id=new_id()).model_dump(mode="json")


def onward():
    """What the ranker is to send: a task of the sampler."""
    return signature(Task.SAMPLE_GROUP.value, args=[SAMPLE], immutable=True, queue="sampler")


def calls_back(app):
    app.send_task(Task.RECORD_STARTED, args=[STARTED], link=onward())


def calls_when_it_fails(app):
    app.send_task(Task.RECORD_STARTED, args=[{"unknown": 1}], link_error=onward())


def calls_when_its_time_is_over(app):
    app.send_task(Task.RECORD_STARTED, args=[STARTED], link_error=onward(), time_limit=1e-6)


def calls_when_it_cannot_be_planned(app):
    app.send_task(
        Task.RECORD_STARTED, args=[STARTED], link_error=onward(), eta="9999-12-31T23:59:59+99:99"
    )


def begins_a_chain(app):
    begin = signature(Task.RECORD_STARTED.value, args=[STARTED], queue="ranker", app=app)
    chain(begin, onward(), app=app).apply_async()


def is_half_a_chord(app):
    app.send_task(Task.RECORD_STARTED, args=[STARTED], chord=onward(), group_id="g")


def is_a_task_of_celery(app):
    for name, args in (
        ("celery.group", [[dict(onward())], None, None]),
        ("celery.chain", [dict(onward())]),
        ("celery.chord", [[dict(onward())], dict(onward())]),
        ("celery.map", [dict(onward()), [[SAMPLE]]]),
    ):
        app.send_task(name, args=args, queue="ranker")
    app.send_task(
        "celery.map", args=[{"task": Task.RECORD_STARTED.value, "it": []}], queue="ranker"
    )


def is_of_the_old_protocol(app):
    app.conf.task_protocol = 1
    app.amqp.__dict__.pop("create_task_message", None)
    app.send_task(Task.RECORD_STARTED, args=[STARTED], link=onward())


def hides_it_in_its_body(app):
    body = [[STARTED], {}, {"chain": [dict(onward())], "retries": 1}]
    put(app, made(app, {"exchange": "", "routing_key": "ranker"}) | {"body": encoded(body)})


def names_another_way_back(app):
    put(app, in_an_hour(made(app, {"exchange": "", "routing_key": "sampler"})))


def names_another_exchange(app):
    put(app, in_an_hour(made(app, {"exchange": "sampler", "routing_key": "sampler"})))


def made(app, delivery_info):
    """A plain message as it lies in a queue."""
    app.send_task(Task.RECORD_STARTED, args=[STARTED], queue="shelf")
    with redis.Redis.from_url(app.conf.broker_url) as client:
        raw = json.loads(client.lpop("shelf"))
    raw["properties"]["delivery_info"] = delivery_info
    return raw


def encoded(body):
    return base64.b64encode(json.dumps(body).encode()).decode()


def in_an_hour(raw):
    """The ranker would hold it until then, and give it back when it is told to stop."""
    raw["headers"]["eta"] = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    return raw


def put(app, raw):
    with redis.Redis.from_url(app.conf.broker_url) as client:
        client.lpush(Queue.RANKER, json.dumps(raw))


ATTACKS = (
    calls_back,
    calls_when_it_fails,
    calls_when_its_time_is_over,
    calls_when_it_cannot_be_planned,
    begins_a_chain,
    is_half_a_chord,
    is_a_task_of_celery,
    is_of_the_old_protocol,
    hides_it_in_its_body,
    names_another_way_back,
    names_another_exchange,
)


@pytest.mark.slow
def test_nothing_goes_on_from_the_ranker(database, redis_url, launch, until):
    with redis.Redis.from_url(redis_url) as client:
        # As Celery's usual way to send leaves it.
        client.sadd("_kombu.binding.sampler", "sampler\x06\x16\x06\x16sampler")
        ranker = launch("ranker")
        for number, attack in enumerate(ATTACKS):
            with Celery("rrtf", broker=redis_url, set_as_current=False) as app:
                app.conf.update(
                    task_routes={task.value: {"queue": task.queue.value} for task in Task}
                )
                attack(app)
            plain = ExecutionStarted(sandbox=f"plain {number}")
            Sender(celery_app(url=redis_url)).send_or_raise(Task.RECORD_STARTED, plain)

            def is_recorded(name=plain.sandbox):
                with database.reading() as session:
                    return name in session.scalars(sa.select(SandboxProfileRow.sandbox)).all()

            assert until(is_recorded), attack.__name__
            assert client.exists(*queue_keys(Queue.SAMPLER)) == 0, attack.__name__
        ranker.send_signal(signal.SIGTERM)
        assert ranker.wait(60) == 0
        assert [key for key in client.scan_iter() if not key.startswith(b"_kombu.")] == []
