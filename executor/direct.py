"""Direct work on one slot: label programs, or run one, for somebody who waits."""

import functools
from collections import OrderedDict
from collections.abc import Callable, Iterator

from executor.judges import Judges
from executor.run import SuiteBroken
from executor.running import Runner
from executor.sandbox import Slot
from infra import errors, logs
from infra.contracts.base import Language
from infra.contracts.direct import Judging, Running, RunResult, Unanswered
from infra.contracts.execution import MAX_DETAIL_CHARACTERS, Suite, Verdict
from infra.contracts.problems import Limits

log = logs.get(__name__)

_RUNNERS = 64
_ATTEMPTS = 2
"""A fault of ours is tried once more, in a fresh cell; who waits may then ask again."""

Outcome = Verdict | RunResult | Unanswered


class Desk:
    """Answers direct requests, and keeps what was prepared for one for the next."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._judges = Judges(slot)
        self._runners: OrderedDict[tuple[Language, Limits], Runner] = OrderedDict()

    def answer(self, work: Judging | Running, is_wanted: Callable[[], bool]) -> tuple[Outcome, ...]:
        """Do the work; nothing comes out if it is not wanted any more, at the start or midway."""
        outcomes: list[Outcome] = []
        for one in self._each(work):
            if not is_wanted():
                return ()
            outcomes.append(_attempted(one))
        return tuple(outcomes)

    def _each(self, work: Judging | Running) -> Iterator[Callable[[], Outcome]]:
        if isinstance(work, Running):
            yield lambda: self._runner(work.language, work.limits).run(work)
            return
        name = work.suite.digest()
        for program in work.programs:
            yield functools.partial(self._judge, name, work.suite, program)

    def _judge(self, name: str, suite: Suite, program: str) -> Verdict:
        return self._judges.get(name, suite).judge(program)

    def _runner(self, language: Language, limits: Limits) -> Runner:
        key = (language, limits)
        if key not in self._runners:
            self._runners[key] = Runner(self._slot.sandbox, self._slot.version, language, limits)
            if len(self._runners) > _RUNNERS:
                self._runners.popitem(last=False)
        self._runners.move_to_end(key)
        return self._runners[key]


def _attempted(one: Callable[[], Outcome]) -> Outcome:
    for last in range(_ATTEMPTS):
        try:
            return one()
        except SuiteBroken as error:
            return _unanswered(error.detail, permanent=True)
        except errors.SandboxError as error:
            log.error("request.not_answered", attempt=last + 1, exc_info=True)
            reason = error.detail
        except Exception as error:
            # Whatever a program brings about here, the others get their answers.
            log.error("request.not_answered", exc_info=True)
            return _unanswered(f"the executor failed: {type(error).__name__}", permanent=False)
    return _unanswered(reason, permanent=False)


def _unanswered(reason: str, permanent: bool) -> Unanswered:
    cleaned = reason.encode("utf-8", "replace").decode()[:MAX_DETAIL_CHARACTERS]
    return Unanswered(reason=cleaned, permanent=permanent)
