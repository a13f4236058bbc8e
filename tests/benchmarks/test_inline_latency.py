"""Time to a label over `POST /v1/execute`, beside the bare pool; the two take turns in one run."""

import time

from executor.settings import ExecutorSettings
from executor.worker.line import Work
from executor.worker.pool import Pool
from infra.contracts.base import Label
from infra.contracts.execution import Suite
from infra.contracts.inline import ExecuteRequest
from services.cli.suite.running import running_suite
from services.starter import load as starter

ROUNDS = 6
BATCH = 64


def timed(function, *args):
    began = time.perf_counter()
    function(*args)
    return time.perf_counter() - began


def quantiles(latencies):
    ordered = sorted(latencies)
    return [ordered[int(len(ordered) * q)] * 1000 for q in (0.5, 0.9)]


def test_latency_of_a_label_against_the_bare_pool(open_directory, capsys):
    problems = {problem.slug: problem for problem in starter.problems()}
    suites = {
        slug: Suite(tests=problem.tests, entry_point=problem.entry_point)
        for slug, problem in problems.items()
    }
    settings = ExecutorSettings(home=open_directory / "executor", slots=2, outside_uid=500_000)
    bare, direct = [], []
    with (
        Pool(settings, suites) as pool,
        running_suite(
            open_directory / "suite", trainer=False, durable=False, executor_slots=2
        ) as suite,
        suite.client() as client,
    ):

        def through_pool(slug, program, count=1):
            labelled = list(pool.label([Work(slug, program)] * count))
            assert {item.verdict.label for item in labelled} == {Label.ALL_PASS}

        def through_api(slug, program, count=1):
            request = ExecuteRequest(
                tests=problems[slug].tests,
                entry_point=problems[slug].entry_point,
                programs=(program,) * count,
            )
            results = client.execute(request).results
            assert {result.label for result in results} == {Label.ALL_PASS}

        for turn in range(ROUNDS + 2):
            for slug, problem in problems.items():
                one = timed(through_pool, slug, problem.reference_program)
                other = timed(through_api, slug, problem.reference_program)
                if turn > 1:  # In the first two, both slots of each read the tests.
                    bare.append(one)
                    direct.append(other)
        slug = next(iter(problems))
        rates = [
            BATCH / min(timed(way, slug, problems[slug].reference_program, BATCH) for _ in range(5))
            for way in (through_pool, through_api)
        ]
    (bare50, bare90), (direct50, direct90) = quantiles(bare), quantiles(direct)
    with capsys.disabled():
        print(f"\n{len(bare)} single labels of {len(problems)} problems each way, in turns")
        print(f"bare pool            p50 {bare50:6.1f} ms   p90 {bare90:6.1f} ms")
        print(f"POST /v1/execute     p50 {direct50:6.1f} ms   p90 {direct90:6.1f} ms")
        print(
            f"ratio                p50 {direct50 / bare50:6.2f}      p90 {direct90 / bare90:6.2f}"
        )
        print(f"batch of {BATCH}: pool {rates[0]:.0f}/s, API {rates[1]:.0f}/s")
    assert len(bare) == len(direct) == ROUNDS * len(problems)
