"""Asks a model server the problems of a file, with no worker running: `python -m sampler.ask`.

Writes one line for each completion, as `sampler.generate` does. Each answer lies in the ledger
before it counts: what is asked again after it was cut off is not paid for again, and ends the same.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Final, NamedTuple
from uuid import UUID, uuid5

from pydantic import ValidationError

from infra import errors
from infra.contracts.base import Author, JsonValue
from infra.contracts.candidates import SamplePlan
from infra.contracts.problems import Problem
from infra.contracts.prompting import parse_form
from infra.db.unit_of_work import Database
from infra.observability import logs
from infra.records import importers
from infra.records.kept import Kept, fingerprint
from infra.settings import DatabaseSettings, load
from sampler.backends import Backend, Completion
from sampler.draws import Draw, Question, draws_of
from sampler.extraction.program import extract
from sampler.options import add_sampling
from sampler.servers.endpoint_settings import EndpointSettings
from sampler.servers.endpoints import Endpoint
from sampler.servers.event_loop import EventLoopThread
from sampler.servers.spending.ledger import Ledger
from sampler.serving.served import backend_of

log = logs.get(__name__)

_NAMES: Final = UUID("b7c0c3a5-6f0e-4c53-9f0b-0f7f6c1f6a52")
"""Name space of the scopes that answers are kept under."""
_PATIENCE_SECONDS: Final = 3600.0
"""Longest that one problem is tried; rates and rests count."""


class _Asked(NamedTuple):
    """A problem, and the draws that are made for it."""

    problem: Problem
    question: Question
    draws: list[Draw]


def run(given: argparse.Namespace) -> int:
    """Ask every problem; return how many completions were written.

    Raises:
        errors.SuiteError: a file, the endpoint or the database is not as it must be, or the server
            gives no more; what came is kept.
    """
    problems = importers.every_problem(given.problems)
    (endpoint,) = load(EndpointSettings).named([given.endpoint])
    endpoint = endpoint if given.prompt_form is None else endpoint.shown(given.prompt_form)
    plan = _plan(endpoint, given)
    asked = [_asked(problem, endpoint, plan) for problem in problems]
    count = plan.num_samples
    with ExitStack() as stack:
        url = load(DatabaseSettings).database_url.get_secret_value()
        database = stack.enter_context(closing(Database(url)))
        ledger, loop_thread = Ledger(database), stack.enter_context(EventLoopThread())
        backend = stack.enter_context(closing(backend_of(endpoint, ledger, loop_thread, database)))
        try:
            print_of = fingerprint([*(one.question.scope for one in asked), count])
            kept = stack.enter_context(Kept(given.out, print_of))
            left = [n for n in range(len(asked)) if n * count + count - 1 not in kept]
            for number, found in _answers(backend, ledger, plan, asked, left, endpoint.concurrency):
                for draw, completion in zip(asked[number].draws, found, strict=True):
                    _check(completion, given.version)
                    record = _record(asked[number].problem, endpoint, completion)
                    kept.add(number * count + draw.position, record)
            kept.finish(len(asked) * count)
        except OSError as error:
            raise errors.InvalidInput(f"cannot write {given.out}: {error}") from error
        for one in ledger.spent({one.question.scope for one in asked}):
            log.info("ask.spent", **one.model_dump(mode="json"))
    return len(asked) * count


def _plan(endpoint: Endpoint, given: argparse.Namespace) -> SamplePlan:
    if endpoint.policy and given.version is None:
        raise errors.InvalidInput(
            f"{endpoint.name!r} serves versions of {endpoint.policy!r}: say which"
        )
    if given.version is not None and not endpoint.policy:
        raise errors.InvalidInput(f"{endpoint.name!r} serves no policy, so it has no versions")
    try:
        return SamplePlan(
            author=Author.STUDENT if endpoint.policy else Author.TEACHER,
            backend=endpoint.name,
            model=f"{endpoint.policy}/{given.version}" if endpoint.policy else "",
            num_samples=given.samples,
            temperature=given.temperature,
            top_p=given.top_p,
            max_tokens=given.max_tokens,
            stop=tuple(given.stop),
            seed=given.seed,
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise errors.InvalidInput(f"{first['loc'][0]}: {first['msg']}") from None


def _asked(problem: Problem, endpoint: Endpoint, plan: SamplePlan) -> _Asked:
    shown = problem.model_dump(
        mode="json", include={"slug", "prompt", "language", "entry_point", "image"}
    )
    # How many are wanted does not count: more are drawn behind those that are there.
    said = [
        endpoint.name,
        endpoint.asking(),
        endpoint.prompt_form.model_dump(mode="json"),
        shown,
        plan.model_dump(mode="json", exclude={"num_samples"}),
    ]
    question = Question(
        scope=uuid5(_NAMES, json.dumps(said, sort_keys=True)),
        slug=problem.slug,
        prompt=problem.prompt,
        language=problem.language,
        image=problem.image,
        entry_point=problem.entry_point,
        until=0.0,
    )
    return _Asked(problem, question, draws_of(plan, problem.slug))


def _answers(
    backend: Backend,
    ledger: Ledger,
    plan: SamplePlan,
    asked: Sequence[_Asked],
    left: Sequence[int],
    concurrency: int,
) -> Iterator[tuple[int, list[Completion]]]:
    """Yield the completions of what is left as they come, each with its place in `asked`.

    Raises:
        errors.SuiteError: one could not be had; what was sent by then is awaited, and kept.
    """

    def answer(one: _Asked, known: dict[int, Completion]) -> list[Completion]:
        missing = [draw for draw in one.draws if draw.position not in known]
        question = replace(one.question, until=time.monotonic() + _PATIENCE_SECONDS)
        came = backend.sample(question, plan, missing) if missing else ()
        found = known | {draw.position: c for draw, c in zip(missing, came, strict=True)}
        return [found[draw.position] for draw in one.draws]

    threads = ThreadPoolExecutor(max(1, min(len(left), concurrency)))
    try:
        started = {
            threads.submit(answer, asked[number], ledger.kept(asked[number].question.scope)): number
            for number in left
        }
        for future in as_completed(started):
            yield started[future], future.result()
    finally:
        threads.shutdown(cancel_futures=True)


def _check(completion: Completion, version: int | None) -> None:
    """Refuse what another version of a policy has written: its server may have gone on."""
    if version is not None and completion.policy_version != version:
        raise errors.Conflict(
            f"the server has version {completion.policy_version} of the policy by now, and"
            f" {version} was asked for"
        )


def _record(problem: Problem, endpoint: Endpoint, completion: Completion) -> dict[str, JsonValue]:
    read = extract(
        problem.prompt,
        completion.text,
        problem.entry_point,
        problem.language,
        endpoint.prompt_form,
        cut_off=completion.finish_reason == "length",
    )
    found: dict[str, JsonValue] = {
        "task_id": problem.slug,
        "author": (Author.STUDENT if endpoint.policy else Author.TEACHER).value,
        "program": read.program,
        "completion": completion.text,
        "finish_reason": completion.finish_reason,
        "seed": completion.seed,
        "model": completion.model,
        "policy_version": completion.policy_version,
    }
    if completion.sampled is not None:
        found["sampled"] = completion.sampled.model_dump(mode="json")
        if completion.sampled.token_ids:
            found["num_tokens"] = len(completion.sampled.token_ids)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, ask, write; return 1 when something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m sampler.ask", description=__doc__)
    parser.add_argument("--endpoint", required=True, help="name in RRTF_SAMPLER_ENDPOINTS")
    parser.add_argument("--version", type=int, help="of the policy that the endpoint serves")
    parser.add_argument("--prompt-form", type=parse_form, help="in the place of the endpoint's own")
    add_sampling(parser)
    given = parser.parse_args(arguments)
    logs.configure("sampler")
    try:
        count = run(given)
    except errors.SuiteError as error:
        log.error("ask.stopped", code=error.code, reason=error.detail)
        return 1
    log.info("ask.done", completions=count, out=str(given.out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
