"""Inline work on one slot: label programs, or run one, for somebody who waits."""

import functools
import platform
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator

from executor.installed import survey
from executor.judging.asserting import CheckerFailed, SuiteBroken
from executor.judging.native.builds import NotBrought
from executor.judging.running import NotWanted, Runner
from executor.worker.judges import Judges
from infra import errors
from infra.contracts.base import STANDARD_IMAGE, Language
from infra.contracts.execution import MAX_DETAIL_CHARACTERS, Suite, Verdict
from infra.contracts.inline import Answer, Running, Survey, Surveying, Unanswered, Work
from infra.contracts.problems import Limits
from infra.observability import logs, metrics

log = logs.get(__name__)

_RUNNERS = 64
_ATTEMPTS = 2
"""A fault of ours is tried once more, in a fresh cell; who waits may then ask again."""


class InlineWorker:
    """Answers inline requests, and keeps what was prepared for one for the next."""

    def __init__(self, judges: Judges) -> None:
        self._slot = judges.slot
        self._judges = judges
        self._runners: OrderedDict[tuple[str, Language, Limits, bool, bool], Runner] = OrderedDict()

    def answer(self, work: Work, is_wanted: Callable[[], bool]) -> tuple[Answer, ...]:
        """Do the work; nothing comes out if it is not wanted any more, at the start or midway."""
        answers: list[Answer] = []
        for one in self._each(work, is_wanted):
            if not is_wanted():
                return ()
            try:
                answers.append(_attempted(one))
            except NotWanted:
                return ()
        return tuple(answers)

    def _each(self, work: Work, is_wanted: Callable[[], bool]) -> Iterator[Callable[[], Answer]]:
        if isinstance(work, Running):
            yield lambda: self._runner(work).run(work, is_wanted)
            return
        if isinstance(work, Surveying):
            yield self._survey
            return
        name = work.suite.digest()
        for program in work.programs:
            yield functools.partial(self._judge, name, work.suite, program)

    def _judge(self, name: str, suite: Suite, program: str) -> Verdict:
        began = time.monotonic()
        verdict = self._judges.get(name, suite).judge(program)
        metrics.VERDICT_SECONDS.labels(verdict.label.value).observe(time.monotonic() - began)
        return verdict

    def _survey(self) -> Survey:
        offered = {found.language: found.told for found in survey() if found.path is not None}
        return Survey(versions={Language.PYTHON: platform.python_version(), **offered})

    def _runner(self, work: Running) -> Runner:
        image = STANDARD_IMAGE
        if work.language is Language.PYTHON:
            image = work.image or self._slot.largest_image()
        version = self._slot.version_with(image)
        is_notebook = work.cells is not None
        key = (version, work.language, work.limits, work.has_frameworks, is_notebook)
        if key not in self._runners:
            self._runners[key] = Runner(
                self._slot.sandbox, version, work.language, image, work.limits,
                work.has_frameworks, is_notebook,
            )  # fmt: skip
            if len(self._runners) > _RUNNERS:
                self._runners.popitem(last=False)
        self._runners.move_to_end(key)
        return self._runners[key]


def _attempted(one: Callable[[], Answer]) -> Answer:
    code = ""
    for last in range(_ATTEMPTS):
        try:
            return one()
        except SuiteBroken as error:
            # What breaks a checker is one program's answer, and must not cost the others theirs.
            return _unanswered(error.detail, permanent=not isinstance(error, CheckerFailed))
        except NotBrought as error:
            return _unanswered(str(error), permanent=True)
        except NotWanted:
            raise
        except errors.SandboxError as error:
            log.error("request.not_answered", attempt=last + 1, exc_info=True)
            metrics.SANDBOX_FAILURES.labels(type(error).__name__).inc()
            reason, code = error.detail, error.code
        except Exception as error:
            # Whatever a program brings about here, the others get their answers.
            log.error("request.not_answered", exc_info=True)
            metrics.SANDBOX_FAILURES.labels(type(error).__name__).inc()
            return _unanswered(f"the executor failed: {type(error).__name__}", permanent=False)
    return _unanswered(reason, permanent=False, code=code)


def _unanswered(reason: str, permanent: bool, code: str = "") -> Unanswered:
    cleaned = reason.encode("utf-8", "replace").decode()[:MAX_DETAIL_CHARACTERS]
    return Unanswered(reason=cleaned, code=code, permanent=permanent)
