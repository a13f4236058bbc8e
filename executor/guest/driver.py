"""The test code's own process: counts its sites, runs it, judges every site by itself.

The candidate is reached through proxies only; what comes back is plain data that this process
compares. The supervisor relays the requests and watches the limits of both sides.
"""

import _thread
import itertools
import random
import sys
import types
import warnings
from typing import Any, NamedTuple

from executor.guest import binding, reading, sites
from executor.guest.callbacks import Lent
from executor.guest.channel import Channel
from executor.guest.collecting import Runner, is_raised_by_tests, is_skip
from executor.guest.compiling import describe
from executor.guest.deciding import End, Quiet
from executor.guest.link import Link
from executor.guest.plain import Plain, plain_sites
from executor.guest.proxies import CandidateFailure, CannotCross
from executor.guest.raising import EXIT
from executor.guest.sites import SuiteFault

Result = list[str]
"""Outcome and detail of one site."""

_COMPREHENSIONS = frozenset({"<genexpr>", "<listcomp>", "<setcomp>", "<dictcomp>"})
_MODULE = "__main__"
"""As which test code runs: it may be a script that calls its own tests."""
_EXHAUSTED = f"builtins:{StopIteration.__name__}"


class _Test(NamedTuple):
    """One test, ready to run."""

    code: reading.TestCode
    check: str | None

    @property
    def marked(self) -> sites.Instrumented:
        """The code with its sites."""
        return self.code.marked


def serve(fd: int, start: dict[str, Any]) -> None:
    """Count the sites of every test, and run them if asked to."""
    warnings.simplefilter("ignore")
    channel = Channel(fd)
    tests, found, room = [], [], reading.MOST_KEPT
    for position, test in enumerate(start["tests"]):
        try:
            ready = _ready(test)
            if start.get("reads"):
                plain = _plain(test, ready, start["entry_point"]) if start["describes"] else None
                kept = reading.kept(ready.code, room)
                room -= len(kept or "")
                found.append({"plain": plain, "kept": kept})
        except (SyntaxError, ValueError, MemoryError, RecursionError, SuiteFault) as error:
            channel.send({"broken": f"test {position}: {_told(error)}"})
            return
        tests.append(ready)
    channel.send({"sites": [len(test.marked.sites) for test in tests], "found": found})
    # The candidate's process may outlive a test, and functions have their numbers in both.
    lent = Lent()
    position = -1
    while position < len(tests) - 1:
        order = channel.receive().get("run")
        # Not every one: what is described as data needs no process.
        if type(order) is not int or not position < order < len(tests):
            return
        position = order
        names = start.get("entry_point"), start.get("candidate")
        _Run(channel, tests[position], *names, lent).run()


def _ready(test: dict[str, Any]) -> _Test:
    """Read one test, unless what another process has read of it comes with it."""
    if test.get("kept"):
        return _Test(reading.again(test["kept"]), test["check"])
    code = reading.read(test["source"])
    _require_calls(code.marked, test["check"])
    return _Test(code, test["check"])


def _plain(test: dict[str, Any], ready: _Test, entry_point: str | None) -> list[Plain] | None:
    return plain_sites(test["source"], test["check"], entry_point, len(ready.marked.sites))


def _require_calls(found: sites.Instrumented, check: str | None) -> None:
    """Refuse test code whose sites are all in functions that nobody calls.

    Raises:
        SuiteFault: naming one of them.
    """
    dead = {place: name for place, name in found.dead.items() if name != check}
    if found.sites and all(site.function in dead for site in found.sites):
        name = dead[found.sites[0].function]
        raise SuiteFault(f"nothing calls {name!r}: no assert can be reached")


class _Site:
    """Context manager around one site: records how it ended and lets the test code go on."""

    def __init__(self, run: "_Run", number: int) -> None:
        self._run = run
        self._number = number
        self._raised_before = run.raised

    def __enter__(self) -> None:
        self._entry = (self._number, sys._getframe(1))
        self._run.open.append(self._entry)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: object
    ) -> bool:
        self._run.open.remove(self._entry)
        site = self._run.sites[self._number]
        if site.inverted or any(self._run.sites[number].inverted for number, _ in self._run.open):
            return self._exit_expected(site, error)
        # A handler of everything may have caught that the candidate crashed or met a limit.
        self._run.record(self._number, self._run.take_failure() or error)
        if error is not None or site.demands:
            # What the candidate raised in here has been charged, or was asked for.
            self._run.raised = self._raised_before
        return not isinstance(error, (KeyboardInterrupt, GeneratorExit))

    def _exit_expected(self, site: sites.Site, error: BaseException | None) -> bool:
        """End in a test that is expected to fail: whoever runs it must see that it did."""
        failure = self._run.take_failure() or error
        self._run.raised = self._raised_before
        if is_skip(failure):
            return False
        is_expected = isinstance(failure, Exception) and not isinstance(failure, MemoryError)
        if site.inverted and failure is None:
            failure = AssertionError("unexpected success")
        self._run.record(self._number, None if is_expected else failure)
        return not isinstance(error, (Exception, KeyboardInterrupt, GeneratorExit))


class _Run:
    """One execution of one test's code."""

    def __init__(
        self,
        channel: Channel,
        test: _Test,
        entry_point: str | None,
        together: str | None,
        lent: Lent,
    ) -> None:
        """`together` is the candidate's source, if it is to run in this process."""
        self._channel = channel
        self._together = together
        self._test = test
        self._expects_exit = "SystemExit" in test.code.names_read
        self._entry_point = entry_point
        self.sites = test.marked.sites
        self._results: list[Result | None] = [None] * len(self.sites)
        self._requests = 0
        self._link = Link(self._ask, lent)
        # Test code may have threads, and an answer is for the one that asked.
        self._turn = _thread.RLock()
        self._failed: CandidateFailure | None = None
        """What the candidate ended in, until something is charged with it."""
        self.open: list[tuple[int, types.FrameType]] = []
        """The sites under way, from the outermost, with the frames they are in."""
        self.raised = False
        """Whether the candidate failed and no site was charged with it: that may be why the test
        code did not reach a site."""
        self._entered = {sites.MODULE}
        self._touched = together is not None
        """Whether anything that the candidate did can matter by now."""
        self._fetched = False
        """Whether the candidate has had a say in what its names mean."""
        self._fault: str | None = None
        self._apart = True
        """Whether everything that the tests wanted to give to the candidate could cross."""

    def run(self) -> None:
        """Run the test's code and send what became of every site, or that it cannot be run."""
        random.seed(0)
        if self._together is None:
            self._link.settings.watch()
        runner = Runner(
            _MODULE,
            self._interrupted,
            self._is_entered,
            self._is_judged,
            self._test.code.names_read,
        )
        runner.guarded(self._execute, runner)
        if (failure := self.take_failure()) is not None:
            self._interrupted(failure)
        has_acted = self._touched or self._fetched
        if self._fault is None and not has_acted:
            self._fault = self._why_of_no_candidate()
        if self._fault is not None:
            self._channel.send({"broken": self._fault})
            return
        if self._together is None:
            self._look_for_reaching()
        not_run: Result = ["not_run", "the test code did not reach it"]
        left_out = self._left_out()
        done = [
            None if number in left_out else result or not_run
            for number, result in enumerate(self._results)
        ]
        self._channel.send({"done": done, "apart": self._apart})

    def _why_of_no_candidate(self) -> str | None:
        """Say why a run in which nothing was asked of the candidate judges none, if it does not."""
        if not any(self._results):
            return "the test code reached no assert and called nothing of the candidate"
        named = {self._entry_point, "candidate"} & self._test.code.names_read
        if self._test.check is None and not named:
            return (
                "the test code takes nothing from the candidate: the name of a built-in function"
                " is the built-in one, unless it is the problem's `entry_point`"
            )
        return None

    def _look_for_reaching(self) -> None:
        """Say so where the candidate's being in another process may have decided."""
        # What a function of the tests returns may have been refused, and the candidate told so.
        link, code = self._link, self._test.code
        why = link.unanswered.why()
        if why is None and code.looks_into[link.has_given]:
            why = CannotCross("the tests look into what stands for the candidate's objects")
        if why is None and not all(result and result[0] == "passed" for result in self._results):
            why = link.refused
            if code.reaches_in:
                why = CannotCross("the tests change their own process, not the candidate's")
        if why is not None:
            self._apart = False
            for result in filter(None, self._results):
                if result[0] != "passed" and why.detail not in result[1]:
                    result[1] += f" ({why.detail})"

    def _left_out(self) -> set[int]:
        """Sites that the test code, having ended by itself, went round; they do not count.

        Not where something that the candidate failed at may be the reason, unless it had no part in
        the decision; not where a loop over nothing is; not where a test function has ended with no
        site at all, or was never called.
        """
        if not any(result and result[0] == "passed" for result in self._results):
            return set()
        decided = {
            number
            for number, site in enumerate(self.sites)
            if self._results[number] is None and self._is_decided(site)
        }
        if self.raised:
            return decided
        judged = {
            site.function
            for site, result in zip(self.sites, self._results, strict=True)
            if result is not None
        }
        never_called = set(self._test.marked.functions.values()) - self._entered
        left = judged | (never_called - self._test.marked.tests)
        return decided | {
            number
            for number, site in enumerate(self.sites)
            if self._results[number] is None
            and site.function in left
            and not self._had_nothing(site.loops)
            and not (site.function in never_called and self._was_for_nothing(site.function))
        }

    def _is_decided(self, site: sites.Site) -> bool:
        """Tell whether the candidate has no part in that a site was not reached."""
        is_dead = self._test.marked.dead.get(site.function, self._test.check) != self._test.check
        is_skipped = self._test.marked.skips.get(site.function, set()) & self._entered
        return (
            is_dead
            or bool(is_skipped)
            or any(
                condition in self._entered and branch not in self._entered
                for condition, branch in site.branches
            )
        )

    def _had_nothing(self, loops: tuple[int, ...]) -> bool:
        """Tell whether one of these loops was over nothing."""
        return any(loop in self._entered and loop + 1 not in self._entered for loop in loops)

    def _was_for_nothing(self, function: int) -> bool:
        """Tell whether a function that was never called may have been for a loop over nothing."""
        seen, waiting = {function}, [function]
        while waiting:
            for mention in self._test.marked.mentions[waiting.pop()]:
                if self._had_nothing(mention.loops):
                    return True
                if mention.function not in self._entered | seen:
                    seen.add(mention.function)
                    waiting.append(mention.function)
        return False

    def record(self, number: int, error: BaseException | None) -> None:
        """Keep the first failure of a site, or that it passed."""
        known = self._results[number]
        if known is None or known[0] == "passed":
            self._apart = self._apart and not isinstance(error, CannotCross)
            if error is not None and self._is_our_fault(error):
                self._fault = _told(error)
            result = judge(error)
            self._results[number] = result
            # The supervisor keeps a copy, for the case that this process is killed.
            with self._turn:
                self._channel.send({"site": number, "result": result})

    def take_failure(self) -> CandidateFailure | None:
        """Return what the candidate ended in if nothing was charged with it; something is now."""
        failure, self._failed = self._failed, None
        return failure

    def _interrupted(self, error: BaseException) -> None:
        """Charge an exception between sites to the next site, or to the last if none is left."""
        self.raised = True
        error = self.take_failure() or error
        self._apart = self._apart and not isinstance(error, CannotCross)
        if self._is_our_fault(error):
            self._fault = self._fault or _told(error)
        open_sites = [i for i, result in enumerate(self._results) if result is None]
        if self._results:
            number = open_sites[0] if open_sites else len(self._results) - 1
            result = judge(error)
            self._results[number] = (
                result if result[0] != "wrong_answer" else ["runtime_error", result[1]]
            )

    def _is_our_fault(self, error: BaseException) -> bool:
        """Tell whether test code failed by itself, before the candidate could matter."""
        if isinstance(error, SuiteFault):
            return is_raised_by_tests(error)
        charged = (AssertionError, CandidateFailure, MemoryError, RecursionError)
        if self._link.unanswered.why() is not None:
            return False
        # What a name of the candidate stands for decides what test code can do with it.
        return not (self._touched or self._fetched or isinstance(error, charged))

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._turn:
            self._requests += 1
            site = self.open[-1][0] if self.open else None
            self._channel.send({"ask": {**request, "id": self._requests}, "site": site})
            answer: dict[str, Any] = self._channel.receive()
            while "callback" in answer:
                self._touched = True
                self._channel.send(self._link.call_back(answer))
                answer = self._channel.receive()
            self._note(request, answer)
        raised = answer.get("raised", {})
        if raised.get("kind") == EXIT and not self._expects_exit:
            # To test code that does not expect it, it would end more than a call.
            del raised["kind"]
        if "failed" in answer:
            self._failed = CandidateFailure(answer["failed"], answer["detail"])
            raise self._failed
        return answer

    def _note(self, request: dict[str, Any], answer: dict[str, Any]) -> None:
        """Keep in mind what the candidate's answer may lead the test code to."""
        raised: dict[str, Any] | None = answer.get("raised")
        if request["op"] in ("own", "has") and "failed" not in answer:
            return  # Our own question.
        if request["op"] == "names":
            self._fetched = True
            found = binding.kinds_of_names(answer, request["names"])
            # The proxy of a function or an object says nothing yet; a missing name is a failure.
            self._touched = self._touched or found != {"proxy"}
            self.raised = self.raised or "missing" in found
        else:
            self._touched = True
            if request.get("method") == "__next__" and (raised or {}).get("kind") == _EXHAUSTED:
                return
        if "failed" in answer or (raised is not None and not self._leaves_nothing()):
            self.raised = True

    def _leaves_nothing(self) -> bool:
        """Tell whether nothing but judgments is left of an exception, if the test code takes it.

        So it is where the site under way has asked by itself, or by a lambda that does nothing
        else, and does nothing with an exception.
        """
        if not self.open:
            return False
        frame = _frame_of_tests(sys._getframe())
        while frame is not None and frame.f_code.co_name == "<lambda>":
            if _end_of_call(frame) not in self._test.marked.lambdas:
                return False
            frame = _frame_of_tests(frame.f_back)
        number, asking = self.open[-1]
        site = self.sites[number]
        if frame is not asking or (site.calls and _end_of_call(asking) not in site.calls):
            return False
        return site.quiet is Quiet.YES or (
            site.quiet is Quiet.RETURNS and self._is_judged_at_once(asking)
        )

    def _is_judged_at_once(self, frame: types.FrameType) -> bool:
        """Tell whether what a function returns goes to the assert around the site in it."""
        caller = _frame_of_tests(frame.f_back)
        if caller is None or len(self.open) < 2:
            return False
        called = _end_of_call(caller)
        while caller is not None and caller.f_code.co_name in _COMPREHENSIONS:
            caller = _frame_of_tests(caller.f_back)
        number, outer = self.open[-2]
        return caller is outer and self.sites[number].judges and called in self.sites[number].calls

    def _execute(self, runner: Runner) -> None:
        module = types.ModuleType(_MODULE)
        sys.modules[_MODULE] = module
        sys.argv = ["tests.py"]
        namespace = module.__dict__
        namespace["__file__"] = sys.argv[0]
        namespace[sites.GUARD] = lambda number: _Site(self, number)
        namespace[sites.MARK] = self._entered.add
        code, check = self._test
        link: binding.Names = self._link
        if self._together is None:
            namespace.update(binding.names_beside(code, link, self._entry_point))
        else:
            from executor.guest.together import Together

            link = Together(self._together)
            namespace.update(binding.names_beside(code, link, self._entry_point))
            link.install()
        if not runner.guarded(exec, code.marked.code, namespace):
            return
        if check is None:
            runner.run(namespace)
        elif check not in namespace:
            raise SuiteFault(f"the test code defines no {check!r}")
        else:
            runner.guarded(namespace[check], link.named(self._entry_point or ""))

    def _is_entered(self, function: types.FunctionType) -> bool:
        return self._place_of(function) in self._entered

    def _is_judged(self, function: types.FunctionType) -> bool:
        """Tell whether every site of a function has been judged, and there is one."""
        place = self._place_of(function)
        found = [r for s, r in zip(self.sites, self._results, strict=True) if s.function == place]
        return bool(found) and all(found)

    def _place_of(self, function: types.FunctionType) -> int | None:
        code = function.__code__
        return self._test.marked.functions.get((code.co_name, code.co_firstlineno))


def _frame_of_tests(frame: types.FrameType | None) -> types.FrameType | None:
    """Return the innermost frame of test code, from this one on."""
    while frame is not None and frame.f_code.co_filename != sites.FILE:
        frame = frame.f_back
    return frame


def _end_of_call(frame: types.FrameType) -> End:
    """Tell where the expression ends at which a frame is."""
    positions = frame.f_code.co_positions()
    _, line, _, column = next(itertools.islice(positions, frame.f_lasti // 2, None))
    return line, column


def _told(error: BaseException) -> str:
    return str(error) if isinstance(error, SuiteFault) else f"the test code: {describe(error)}"


def judge(error: BaseException | None) -> Result:
    """Turn the end of a site into an outcome."""
    if error is None:
        return ["passed", ""]
    if isinstance(error, CandidateFailure):
        return [error.outcome, error.detail]
    if isinstance(error, AssertionError) and not getattr(error, "from_candidate", False):
        return ["wrong_answer", describe(error)]
    if isinstance(error, MemoryError):
        return ["memory_limit_exceeded", describe(error)]
    return ["runtime_error", describe(error)]
