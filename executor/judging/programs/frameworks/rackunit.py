"""Test programs in Racket: statements behind the candidate, most of them checks of rackunit.

A check that fails ends nothing and leaves the status 0. So a second program loads the module, with
its parts `main` and `test`, and looks at the library's own log of checks, which is kept wherever a
check is. It stands in the command and in no file: nothing that the module defines is defined in it.
"""

import re
from typing import Final

from executor.judging.native.builds import Build
from executor.judging.programs.joining import joined
from executor.judging.programs.marks import Composed, Mark
from executor.languages import TOOLCHAINS
from infra.contracts.base import Language
from infra.contracts.problems import ProgramTest

_LIBRARY: Final = "rackunit"
_CHECK: Final = re.compile(r"[(\[]((?:check|test)-[^\s()\[\]]+)")
_OWN_CHECK: Final = re.compile(r"\(define[^\s()]*\s+\(*((?:check|test)-[^\s()\[\]]+)")
_LOG: Final = "(dynamic-require (quote rackunit/log) (quote test-log))"
_NO_LOG: Final = "(lambda () (quote (0 . 1)))"
_HARNESS: Final = """\
(let* ([out (current-output-port)]
       [told {log}]
       [file (string->path "/tmp/{file}")]
       [parts (map (lambda (name) (list (quote submod) file name)) (quote (main test)))])
  (dynamic-require file #f)
  (for-each (lambda (part) (when (module-declared? part #t) (dynamic-require part #f))) parts)
  (let ([failed (car (told))] [checks (cdr (told))])
    (cond
      [(and (zero? failed) (positive? checks))
       (write-string "{first}{last}" out)
       (flush-output out)]
      [else
       (eprintf "~a of ~a checks failed\\n" failed checks)
       (exit 1)])))
"""


def compose_racket(test: ProgramTest, program: str, mark: Mark) -> Composed:
    """Compose a program of one module."""
    toolchain = TOOLCHAINS[Language.RACKET]
    log = _LOG if _has_checks(test) else _NO_LOG
    harness = _HARNESS.format(log=log, file=toolchain.file, **mark._asdict())
    text = joined(Language.RACKET, test, program)
    build = Build.of(toolchain, {**test.files, toolchain.file: text}, test.options)
    run = ("{program}", "-l", "racket/base", "-e", harness)
    return Composed(build._replace(run=run), mark.text)


def _has_checks(test: ProgramTest) -> bool:
    """Tell whether tests make checks of the library, which their prompt may have asked for."""
    text = f"{test.before}\n{test.source}"
    return _LIBRARY in text or not set(_OWN_CHECK.findall(text)).issuperset(_CHECK.findall(text))
