"""One trace from the dispatcher through two queues, read where a collector would stand."""

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from infra.contracts.base import GroupState
from infra.contracts.candidates import NewCandidate, NewGroup
from infra.local.home import free_port
from services.client import Client

KEY = "traced-key"


class Collector(ThreadingHTTPServer):
    """Takes OTLP over HTTP, and keeps the spans by service and name."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Door)
        self.spans = {}
        self.url = f"http://127.0.0.1:{self.server_port}/v1/traces"

    def take(self, body):
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            names = {one.key: one.value.string_value for one in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.spans[names["service.name"], span.name] = span


class _Door(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        packed = self.headers.get("Content-Encoding") == "gzip"
        self.server.take(gzip.decompress(body) if packed else body)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def collector():
    opened = Collector()
    thread = threading.Thread(target=opened.serve_forever)
    thread.start()
    yield opened
    opened.shutdown()
    thread.join()
    opened.server_close()


@pytest.mark.slow
def test_a_groups_trace_goes_on_across_the_queues_and_bears_its_number(
    collector, launch, until, problem, scrape, open_directory
):
    port, metrics_port = free_port(), free_port()
    traced = {"RRTF_TRACES_URL": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    launch("services.api", RRTF_API_PORT=str(port), RRTF_API_KEY=KEY, **traced)
    launch("services.delivery.dispatcher", **traced)
    launch("ranker", **traced)
    launch(
        "executor",
        RRTF_EXECUTOR_SLOTS="1",
        RRTF_EXECUTOR_HOME=str(open_directory / "executor"),
        RRTF_EXECUTOR_OUTSIDE_UID="500000",
        RRTF_METRICS_PORT=str(metrics_port),
        **traced,
    )
    with Client(f"http://127.0.0.1:{port}", KEY) as client:
        assert until(client.is_ready)
        problem_id = client.add_problem(problem).id
        program = "def add(a, b):\n    return a + b\n"
        group = client.create_group(
            problem_id, NewGroup(candidates=(NewCandidate(author="teacher", program=program),))
        )
        assert until(lambda: client.get_group(group.id).state is GroupState.RANKED, 120)
    wanted = [
        ("rrtf-api", "POST /v1/problems/{problem_id}/groups"),
        ("rrtf-dispatcher", "dispatch"),
        ("rrtf-executor", "executor.execute_batch"),
        ("rrtf-ranker", "ranker.record_results"),
    ]
    assert until(lambda: all(key in collector.spans for key in wanted)), collector.spans.keys()

    request, *walk = (collector.spans[key] for key in wanted)

    assert {span.trace_id for span in walk} == {group.id.bytes}
    assert [link.trace_id for link in request.links] == [group.id.bytes]
    assert [span.parent_span_id for span in walk[1:]] == [span.span_id for span in walk[:-1]]
    shown = scrape(metrics_port)
    assert shown["rrtf_slots", "executor"] == 1
    assert shown["rrtf_verdict_seconds_count", "all_pass"] == 1
    # The probe's before the first task, and the slot's.
    assert shown["rrtf_cells_built_total", "first"] == 2
    assert shown["rrtf_jail_start_seconds_count",] >= 1
