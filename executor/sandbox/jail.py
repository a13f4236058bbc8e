"""This is the jail: the processes of one candidate, and the one way to talk to them.

What ended it is always read from facts measured out here: our clocks, the account's counters, the
wait status that process 1 reports on a socket the candidate never holds.
"""

import contextlib
import json
import os
import secrets
import select
import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final, NoReturn, Protocol

from executor.guest import channel
from executor.sandbox import idling, messages
from executor.sandbox.accounting import Account
from executor.sandbox.ended import Budget, Ended, describe_status
from executor.sandbox.plumbing import READ_BYTES, Ends, Output, Watch, hear
from executor.sandbox.policy import Mounts
from infra import errors
from infra.contracts.base import Outcome
from infra.contracts.problems import MAX_WALL_SECONDS, Limits

_START_SECONDS: Final = 30.0
_END_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.02
_RANDOM: Final = secrets.SystemRandom()
_STDERR_KEPT: Final = 4096
"""Bytes of its beginning, and as many of its end, where the last words of a traceback are."""
_MEBIBYTE: Final = 2**20
_UNLIMITED: Final = Budget(float("inf"), float("inf"), float("inf"))


class Sandbox(Protocol):
    """Something that starts jails."""

    def with_packages(
        self, image: str, own: tuple[str, ...] = (), loads_own: bool = True
    ) -> "Sandbox":
        """Return the sandbox whose Python has an image's packages and these of our own.

        Both are loaded before any candidate is there, ours unless it is said that they are not.
        """

    @property
    def home(self) -> Path:
        """The folder in which this machine's executors keep what is made once."""

    def with_mounts(self, mounts: Mounts) -> "Sandbox":
        """Return the sandbox for another language than Python, whose toolchain is shown."""

    def jail(
        self,
        start: dict[str, Any],
        limits: Limits,
        stdin: str | None = None,
        artifact: int | None = None,
    ) -> AbstractContextManager["Jail"]:
        """Run a guest in a jail of its own; nothing of it is left when the block ends.

        One of a toolchain gets an open file for what is compiled, the `artifact`.

        It comes up while the caller goes on; the first use of it waits.

        Raises:
            errors.SandboxError: the jail did not start, or could not be emptied.
        """


class Jail:
    """One jail that is starting or running."""

    def __init__(
        self,
        ends: Ends,
        account: Account,
        limits: Limits,
        start: dict[str, Any],
        complaint: Callable[[], str],
    ) -> None:
        """Take hold of the ends; `complaint` says why process 1 did not come up."""
        self._start: dict[str, Any] | None = start
        self._account = account
        self._idle = idling.IdleClock(account)
        self._left_alone: float | None = None
        """Since when nobody waits for it."""
        self._limits = limits
        self._complaint = complaint
        self._inbox = messages.Inbox(limits.value_bytes)
        self._status: int | None = None
        self._channel_open = True
        self._reaper: int | None = None
        self._is_forked = False
        """From a cell, whose zygote then tells how it ended."""
        self._fault: errors.SandboxError | None = None
        self._started = self._looked = self._next_look = time.monotonic()
        self._channel, self._control = ends.channel, ends.control
        self._watch = Watch()
        self._channel.setblocking(False)
        self._watch.add(self._channel.fileno(), "channel")
        self._output = {
            "stdout": Output(self._watch, "stdout", ends.stdout, limits.output_bytes),
            "stderr": Output(self._watch, "stderr", ends.stderr, _STDERR_KEPT, _STDERR_KEPT),
        }

    def boot(self) -> None:
        """Wait for process 1 to come up in its account, and let it begin; once.

        Raises:
            errors.SandboxError: it did not come up.
        """
        if self._start is None:
            return
        start, self._start = self._start, None
        self._greet()
        try:
            self._control.sendall(channel.pack(start))
        except OSError as error:
            self._fail(f"the jail ended at its start: {error}")
        # What the candidate is charged for begins here, not with our own preparations.
        self._started = self._looked = time.monotonic()
        self._next_look = self._started + _POLL_SECONDS * _RANDOM.random()
        self._control.setblocking(False)
        self._watch.add(self._control.fileno(), "control")

    def _greet(self) -> None:
        """Hear from the process to watch, which brings the reaper of its namespace along."""
        self._control.settimeout(_START_SECONDS)
        words, pid, files = hear(self._control)
        match words:
            case b"forked":
                self._reaper, *files = files
                self._is_forked = True
            case b"hello":
                # Process 1 itself spoke; it waits for us, so that the number is still its own.
                self._reaper = os.pidfd_open(pid)
            case _:
                self._fail(f"the jail did not start: {self._complaint()}")
        self._account.watch(pid, self._reaper)
        for output, pipe in zip(self._output.values(), files, strict=False):
            output.read_instead(pipe)

    def _fail(self, fault: str) -> NoReturn:
        self._fault = errors.SandboxError(fault)
        raise self._fault

    # What it has used.

    def cpu_seconds(self) -> float:
        """CPU time used so far by everything inside."""
        return self._account.cpu_seconds()

    def idle_seconds(self) -> float:
        """Time so far in which we waited for it, and it neither ran nor waited for a processor."""
        return self._idle.seconds

    def wall_seconds(self) -> float:
        """Time since it was started."""
        return time.monotonic() - self._started

    def memory_bytes(self) -> int:
        """Highest memory use so far."""
        return self._account.memory_bytes()

    def output(self, name: str) -> bytes:
        """What was written to `stdout`, up to the limit, or `stderr`, cut with a mark if long."""
        return self._output[name].kept()

    def forget_output(self) -> None:
        """Begin to count output anew; done between tests."""
        for output in self._output.values():
            output.written = 0

    def budget(
        self, cpu_seconds: float, idle_seconds: float, deadline: float | None = None
    ) -> Budget:
        """Make a budget that begins now, or when the jail is up.

        `deadline` is a reading of the monotonic clock, `MAX_WALL_SECONDS` from now if absent.
        """
        self.boot()
        return Budget(
            self.cpu_seconds() + cpu_seconds,
            self.idle_seconds() + idle_seconds,
            time.monotonic() + MAX_WALL_SECONDS if deadline is None else deadline,
        )

    # Talking to it.

    def send(self, message: Any, budget: Budget) -> None:
        """Send one message.

        Raises:
            Ended: it ended, or a limit ended it, before it had read the message.
            ValueError: JSON cannot say the message, or it is nested too deeply.
            errors.SandboxError: the deadline has passed.
        """
        try:
            packed = channel.pack(message)
        except RecursionError:
            # What could just be read at one depth of our stack cannot be written at another.
            raise ValueError("the message is nested too deeply") from None
        self.send_packed(packed, budget)

    def send_early(self, packed: bytes) -> None:
        """Leave for it what `channel` has made of a message, before it begins.

        Raises:
            errors.SandboxError: the message is larger than what a socket takes at once.
        """
        if self._channel.send(packed) != len(packed):
            self._fail("a socket takes less at once than was expected of it")

    def send_packed(self, packed: bytes, budget: Budget) -> None:
        """Send what `channel` has made of a message; the errors are those of `send`."""
        data = memoryview(packed)
        self._turn_to()
        while data:
            try:
                data = data[self._channel.send(data) :]
            except BlockingIOError:
                self._watch_channel(select.POLLIN | select.POLLOUT)
                self._pump(budget)
                self._watch_channel(select.POLLIN)
            except OSError:
                self._ended()

    def _turn_to(self) -> None:
        """Begin to wait for it; until now it may have waited for us, or for another jail."""
        if self._left_alone is not None:
            self._idle.excuse(time.monotonic() - self._left_alone)
            self._left_alone = None

    def _watch_channel(self, events: int) -> None:
        if self._channel_open:
            self._watch.add(self._channel.fileno(), "channel", events)

    def receive(self, budget: Budget) -> Any:
        """Receive one message.

        Raises:
            Ended: it ended, broke the protocol, or a limit ended it.
            errors.SandboxError: the deadline has passed.
        """
        self.arrive(budget)
        return self.take()

    def arrive(self, budget: Budget, most: int = 1) -> int:
        """Wait until there is a message; return how many there are, which `take` then takes.

        No more than `most` are looked for.

        Raises:
            Ended: it ended, or a limit ended it.
            errors.SandboxError: the deadline has passed.
        """
        if count := self._inbox.count(most):
            return count
        self._turn_to()
        while not (count := self._inbox.count(most)):
            if not self._channel_open:
                self._ended()
            self._pump(budget)
        self._left_alone = time.monotonic()
        # A child of the candidate may have been killed for memory just before it answered.
        self._require_memory()
        return count

    def take(self) -> Any:
        """Take the next message, which has arrived.

        Raises:
            Ended: it is too large, or none.
        """
        return self._inbox.take()

    def has_more(self) -> bool:
        """Tell whether there is a message that nobody has taken, or one has just come in."""
        if self._channel_open:
            self._read_channel()
        return self._inbox.count(1) > 0

    def wait(self, budget: Budget) -> int:
        """Wait for the end of the program inside; return its wait status.

        Raises:
            Ended: a limit ended it first.
            errors.SandboxError: the deadline has passed.
        """
        self._turn_to()
        while self._status is None:
            self._pump(budget)
        # Output may still be in the pipes; the namespace is going, so their ends are near.
        deadline = time.monotonic() + 5
        while self._is_writing() and time.monotonic() < deadline:
            self._pump(budget)
        self._require_memory()
        return self._status

    def _require_memory(self) -> None:
        if self._account.out_of_memory():
            raise Ended(Outcome.MEMORY_LIMIT_EXCEEDED, "the memory limit was reached")

    def wait_until(self, moment: float, budget: Budget) -> bool:
        """Wait for the end of the program inside, no longer; tell whether it has ended.

        `moment` is a reading of the monotonic clock.

        Raises:
            Ended: a limit ended it first.
            errors.SandboxError: the deadline has passed.
        """
        self._turn_to()
        while self._status is None and time.monotonic() < moment:
            self._pump(budget)
        return self._status is not None

    def _is_writing(self) -> bool:
        return any(output.is_open for output in self._output.values())

    def _pump(self, budget: Budget) -> None:
        """Move bytes for a moment, then look at the limits."""
        wait = _POLL_SECONDS
        if self._status is None:
            wait = min(wait, max(0.0, self._next_look - time.monotonic()))
        for ready in self._watch.ready(wait):
            match ready:
                case "channel":
                    self._read_channel()
                case "control":
                    self._read_control()
                case name:
                    self._read_output(name)
        now = time.monotonic()
        # When nobody inside can foresee it: who runs just then, and sleeps in between, is not idle.
        if self._status is None and now >= self._next_look:
            self._looked = now
            self._next_look = now + _POLL_SECONDS * _RANDOM.uniform(0.5, 1.5)
            self._check(budget)

    def _check(self, budget: Budget) -> None:
        self._require_memory()
        cpu_seconds = self._account.cpu_seconds()
        if cpu_seconds > budget.cpu_until:
            raise Ended(Outcome.TIME_LIMIT_EXCEEDED, "the CPU time limit was reached")
        self._idle.look(self._looked, cpu_seconds, idling.own_seconds())
        if self._idle.seconds > budget.idle_until:
            raise Ended(Outcome.TIME_LIMIT_EXCEEDED, "the idle time limit was reached")
        if self._looked > budget.deadline:
            self._fail("the program got too little of the processors to be judged")

    def _read_channel(self) -> None:
        # At most one message of full size waits in here, and a little more.
        if len(self._inbox) > self._limits.value_bytes + _MEBIBYTE:
            return
        try:
            data = self._channel.recv(READ_BYTES)
        except BlockingIOError:
            return  # It was ready for writing only.
        except OSError:
            data = b""
        if not data:
            self._channel_open = False
            self._watch.remove(self._channel.fileno())
        self._inbox.add(data)

    def _read_control(self) -> None:
        try:
            data = self._control.recv(256)
        except OSError:
            data = b""
        self._watch.remove(self._control.fileno())
        try:
            self._status = json.loads(data[channel.LENGTH.size :])["status"]
        except (ValueError, KeyError, TypeError):
            if self._is_forked:
                # No candidate reaches the zygote, which has a memory of its own.
                self._fail("the cell ended before the jail")
            # Process 1 was killed, as by the memory limit.
            self._status = signal.SIGKILL
        if not isinstance(self._status, int):
            self._fail("nobody knows how the process ended")

    def _read_output(self, name: str) -> None:
        output = self._output[name]
        output.read()
        if output.written > self._limits.output_bytes:
            raise Ended(Outcome.OUTPUT_LIMIT_EXCEEDED, f"too much output on {name}")

    def _ended(self) -> NoReturn:
        """Raise what ended the process, now that it talks no more."""
        until = time.monotonic() + 2
        with contextlib.suppress(Ended):
            while self._status is None and time.monotonic() < until:
                self._pump(_UNLIMITED)
        self._require_memory()
        raise Ended(Outcome.RUNTIME_ERROR, describe_status(self._status))

    # Its end.

    def destroy(self) -> None:
        """Kill everything inside and prove that nothing is left.

        Raises:
            errors.SandboxError: something survived; or again the fault that was met before, so that
                who only closes jails learns of it too.
        """
        try:
            if self._start is not None:
                self._greet()  # It may have been about to come up.
        finally:
            try:
                self._kill()
            finally:
                self._close()
        if self._fault is not None:
            raise self._fault

    def _close(self) -> None:
        self._control.close()
        self._channel.close()
        for output in self._output.values():
            output.close()
        if self._reaper is not None:
            os.close(self._reaper)

    def _kill(self) -> None:
        deadline = time.monotonic() + _END_SECONDS
        # Process 1 is dead only when every process of its namespace is.
        is_over = self._reaper is None or kill(self._reaper, _END_SECONDS)
        while not (is_over and self._account.is_empty()):
            if time.monotonic() > deadline:
                raise errors.SandboxError("a process of a candidate survived its jail")
            self._account.kill()
            time.sleep(0.001)


def kill(pidfd: int, seconds: float) -> bool:
    """Kill a process and wait for its end, not for ever; tell whether it ended."""
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
