"""This is the jail: one nsjail process, its policy, and the one way to talk to what runs inside.

What ended it is always read from facts measured out here: our clocks, the account's counters, the
wait status that process 1 reports on a socket the candidate never holds.
"""

import contextlib
import json
import os
import selectors
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, NoReturn

from executor.accounting import Account, Accountant
from executor.guest import channel
from executor.image import Image
from executor.seccomp import POLICY
from infra import errors
from infra.contracts.base import Outcome
from infra.contracts.problems import Limits

_INSIDE_UID: Final = 65534
_SCRATCH: Final = "/tmp"  # noqa: S108 - inside the jail, where it is a fresh file system
_START_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.02
_STDERR_KEPT: Final = 8192
_MEBIBYTE: Final = 2**20


class Ended(Exception):
    """The process in the jail is over, or a limit ended it: an outcome, not an error of ours."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        self.outcome = outcome
        self.detail = detail
        super().__init__(detail)


class Budget:
    """CPU and wall time that may be used up to some point."""

    def __init__(self, cpu_until: float, wall_until: float) -> None:
        self.cpu_until = cpu_until
        """Reading of the account's CPU clock, in seconds."""
        self.wall_until = wall_until
        """Reading of the monotonic clock, in seconds."""


class Sandbox:
    """Starts jails with the policy of this suite."""

    def __init__(
        self, nsjail: Path, image: Image, accountant: Accountant, outside_uid: int | None
    ) -> None:
        self._nsjail = nsjail
        self._image = image
        self._accountant = accountant
        self._uid = os.geteuid() if outside_uid is None else outside_uid
        self._gid = os.getegid() if outside_uid is None else outside_uid
        self._count = 0

    @contextlib.contextmanager
    def jail(
        self, start: dict[str, Any], limits: Limits, stdin: str | None = None
    ) -> Iterator["Jail"]:
        """Run a guest in a fresh jail; nothing of it is left when the block ends.

        It comes up while the caller goes on; the first use of it waits.

        Raises:
            errors.SandboxError: the jail did not start, or could not be emptied.
        """
        self._count += 1
        account = self._accountant.open(f"jail-{self._count}", limits)
        jail: Jail | None = None
        try:
            jail = Jail(self._command(limits), account, limits, stdin, start)
            yield jail
        finally:
            if jail is not None:
                jail.destroy()
            account.close()

    def _command(self, limits: Limits) -> list[str]:
        root = self._image.root
        file_mebibytes = str(max(1, -(-limits.file_bytes // _MEBIBYTE)))
        return [
            str(self._nsjail), "-Mo", "-q", "--log_fd", "2",
            "--user", f"{_INSIDE_UID}:{self._uid}:1", "--group", f"{_INSIDE_UID}:{self._gid}:1",
            "--experimental_mnt", "new", "--disable_proc", "--iface_no_lo", "--hostname", "jail",
            "-R", f"{root}/py:/py", "-R", f"{root}/lib:/lib", "-R", f"{root}/lib64:/lib64",
            "-R", "/dev/null", "-R", "/dev/zero", "-R", "/dev/urandom",
            "-m", f"none:/tmp:tmpfs:size={limits.file_bytes},nr_inodes=1024,mode=1777",
            "-m", f"none:/dev/shm:tmpfs:size={limits.file_bytes},nr_inodes=64,mode=1777",
            "--cwd", _SCRATCH, "--nice_level", "0", "--time_limit", "0",
            "--rlimit_as", str(limits.memory_bytes // _MEBIBYTE * 2 + 512),
            "--rlimit_cpu", str(int(limits.total_cpu_seconds) + 10),
            "--rlimit_fsize", file_mebibytes, "--rlimit_nofile", "64", "--rlimit_core", "0",
            "--rlimit_nproc", str(limits.processes + 1), "--rlimit_stack", "16",
            "--rlimit_memlock", "0", "--rlimit_msgqueue", "0", "--rlimit_rtprio", "0",
            "--seccomp_string", POLICY,
            "-E", "LD_LIBRARY_PATH=/lib", "-E", "PYTHONHASHSEED=0", "-E", "LC_ALL=C.UTF-8",
            "-E", "TZ=UTC0", "-E", "HOME=/tmp", "-E", "PATH=/py/bin",
            "--",
            "/py/bin/python3", "-I", "-S", "-B", "-X", "utf8", "/py/guest/executor/guest/boot.py",
        ]  # fmt: skip


class Jail:
    """One running jail."""

    def __init__(
        self,
        command: Sequence[str],
        account: Account,
        limits: Limits,
        stdin: str | None,
        start: dict[str, Any],
    ) -> None:
        self._start: dict[str, Any] | None = start
        self._account = account
        self._limits = limits
        self._output: dict[str, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
        self._written = {"stdout": 0, "stderr": 0}
        self._buffer = bytearray()
        self._status: int | None = None
        self._channel_open = True
        self._started = time.monotonic()
        self._channel, guest_channel = socket.socketpair()
        self._control, guest_control = socket.socketpair()
        self._control.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._process = _spawn(command, guest_channel, guest_control, stdin)
        guest_channel.close()
        guest_control.close()
        self._selector = selectors.DefaultSelector()
        self._channel.setblocking(False)
        self._selector.register(self._channel, selectors.EVENT_READ, "channel")
        for name in ("stdout", "stderr"):
            pipe = getattr(self._process, name)
            os.set_blocking(pipe.fileno(), False)
            self._selector.register(pipe, selectors.EVENT_READ, name)

    def boot(self) -> None:
        """Wait for process 1, put it into the account, and let it begin; once.

        Raises:
            errors.SandboxError: it did not come up.
        """
        if self._start is None:
            return
        start, self._start = self._start, None
        self._control.settimeout(_START_SECONDS)
        try:
            hello, ancillary, _, _ = self._control.recvmsg(16, socket.CMSG_SPACE(12))
        except TimeoutError:
            hello, ancillary = b"", []
        if hello != b"hello" or not ancillary:
            raise errors.SandboxError(f"the jail did not start: {self._complaint()}")
        # The kernel writes the sender's pid as seen from our namespace.
        pid = struct.unpack("3i", ancillary[0][2])[0]
        self._account.attach(pid)
        try:
            self._control.sendall(channel.pack(start))
        except OSError as error:
            raise errors.SandboxError(f"the jail ended at its start: {error}") from error
        # What the candidate is charged for begins here, not with our own preparations.
        self._started = time.monotonic()
        self._control.setblocking(False)
        self._selector.register(self._control, selectors.EVENT_READ, "control")

    def _complaint(self) -> str:
        self._process.kill()
        stderr = self._process.stderr
        assert stderr is not None
        os.set_blocking(stderr.fileno(), True)
        return stderr.read(4096).decode(errors="replace").strip()[-600:] or "no message"

    # What it has used.

    def cpu_seconds(self) -> float:
        """CPU time used so far by everything inside."""
        return self._account.cpu_seconds()

    def wall_seconds(self) -> float:
        """Time since it was started."""
        return time.monotonic() - self._started

    def memory_bytes(self) -> int:
        """Highest memory use so far."""
        return self._account.memory_bytes()

    def output(self, name: str) -> bytes:
        """What was written to `stdout` or `stderr`, up to the limit."""
        return bytes(self._output[name])

    def forget_output(self) -> None:
        """Begin to count output anew; done between tests."""
        for name in self._output:
            self._written[name] = 0

    def budget(self, cpu_seconds: float, wall_seconds: float) -> Budget:
        """Make a budget that begins now, or when the jail is up."""
        self.boot()
        return Budget(self.cpu_seconds() + cpu_seconds, time.monotonic() + wall_seconds)

    # Talking to it.

    def send(self, message: Any, budget: Budget) -> None:
        """Send one message.

        Raises:
            Ended: it ended, or a limit ended it, before it had read the message.
        """
        data = memoryview(channel.pack(message))
        while data:
            try:
                data = data[self._channel.send(data) :]
            except BlockingIOError:
                self._watch_channel(selectors.EVENT_READ | selectors.EVENT_WRITE)
                self._pump(budget)
                self._watch_channel(selectors.EVENT_READ)
            except OSError:
                self._ended()

    def _watch_channel(self, events: int) -> None:
        if self._channel_open:
            self._selector.modify(self._channel, events, "channel")

    def receive(self, budget: Budget) -> Any:
        """Receive one message.

        Raises:
            Ended: it ended, broke the protocol, or a limit ended it.
        """
        while (message := self._next_message()) is None:
            if not self._channel_open:
                self._ended()
            self._pump(budget)
        return message

    def wait(self, budget: Budget) -> int:
        """Wait for the end of the program inside; return its wait status.

        Raises:
            Ended: a limit ended it first.
        """
        while self._status is None:
            self._pump(budget)
        # Output may still be in the pipes; the namespace is going, so their ends are near.
        deadline = time.monotonic() + 5
        while self._open_pipes() and time.monotonic() < deadline:
            self._pump(budget)
        if self._account.out_of_memory():
            raise Ended(Outcome.MEMORY_LIMIT_EXCEEDED, "the memory limit was reached")
        return self._status

    def _open_pipes(self) -> bool:
        return any(key.data in ("stdout", "stderr") for key in self._selector.get_map().values())

    def _next_message(self) -> Any:
        if len(self._buffer) < channel.LENGTH.size:
            return None
        (length,) = channel.LENGTH.unpack_from(self._buffer)
        if length > self._limits.value_bytes:
            raise Ended(Outcome.OUTPUT_LIMIT_EXCEEDED, f"a value of {length} bytes is too large")
        end = channel.LENGTH.size + length
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[channel.LENGTH.size : end])
        del self._buffer[:end]
        try:
            message = json.loads(body)
        except (ValueError, RecursionError):
            raise Ended(Outcome.RUNTIME_ERROR, "the process sent no valid message") from None
        if not isinstance(message, dict):
            raise Ended(Outcome.RUNTIME_ERROR, "the process sent no valid message")
        return message

    def _pump(self, budget: Budget) -> None:
        """Move bytes for a moment, then look at the limits."""
        for key, _ in self._selector.select(_POLL_SECONDS):
            match key.data:
                case "channel":
                    self._read_channel()
                case "control":
                    self._read_control()
                case name:
                    self._read_output(name)
        if self._status is None:
            self._check(budget)

    def _check(self, budget: Budget) -> None:
        if self._account.out_of_memory():
            raise Ended(Outcome.MEMORY_LIMIT_EXCEEDED, "the memory limit was reached")
        if time.monotonic() > budget.wall_until:
            raise Ended(Outcome.TIME_LIMIT_EXCEEDED, "the wall time limit was reached")
        if self._account.cpu_seconds() > budget.cpu_until:
            raise Ended(Outcome.TIME_LIMIT_EXCEEDED, "the CPU time limit was reached")

    def _read_channel(self) -> None:
        # At most one message of full size waits in here, and a little more.
        if len(self._buffer) > self._limits.value_bytes + _MEBIBYTE:
            return
        try:
            data = self._channel.recv(_MEBIBYTE)
        except BlockingIOError:
            return  # It was ready for writing only.
        except OSError:
            data = b""
        if not data:
            self._channel_open = False
            self._selector.unregister(self._channel)
        self._buffer += data

    def _read_control(self) -> None:
        try:
            data = self._control.recv(256)
        except OSError:
            data = b""
        self._selector.unregister(self._control)
        try:
            self._status = int(json.loads(data[channel.LENGTH.size :])["status"])
        except (ValueError, KeyError, TypeError):
            # Process 1 was killed, as by the memory limit.
            self._status = signal.SIGKILL

    def _read_output(self, name: str) -> None:
        pipe = getattr(self._process, name)
        try:
            data = os.read(pipe.fileno(), 1 << 16)
        except BlockingIOError:
            return
        if not data:
            self._selector.unregister(pipe)
            return
        self._written[name] += len(data)
        kept = self._output[name]
        room = (self._limits.output_bytes if name == "stdout" else _STDERR_KEPT) - len(kept)
        kept += data[: max(0, room)]
        if self._written[name] > self._limits.output_bytes:
            raise Ended(Outcome.OUTPUT_LIMIT_EXCEEDED, f"too much output on {name}")

    def _ended(self) -> NoReturn:
        """Raise what ended the process, now that it talks no more."""
        grace = Budget(float("inf"), time.monotonic() + 2)
        with contextlib.suppress(Ended):
            while self._status is None:
                self._pump(grace)
        if self._account.out_of_memory():
            raise Ended(Outcome.MEMORY_LIMIT_EXCEEDED, "the memory limit was reached")
        raise Ended(Outcome.RUNTIME_ERROR, describe_status(self._status))

    # Its end.

    def destroy(self) -> None:
        """Kill everything inside and prove that nothing is left.

        Raises:
            errors.SandboxError: something survived.
        """
        # Process 1 leaves when the control socket closes, and its namespace with it; the kill is
        # for the time before it listens.
        self._control.close()
        self._channel.close()
        self._account.kill()
        self._process.kill()
        self._process.wait()
        for name in ("stdout", "stderr"):
            getattr(self._process, name).close()
        self._selector.close()
        deadline = time.monotonic() + 10
        while not self._account.is_empty():
            if time.monotonic() > deadline:
                raise errors.SandboxError("a process of a candidate survived its jail")
            self._account.kill()
            time.sleep(0.001)


def describe_status(status: int | None) -> str:
    """Put a wait status into words."""
    if status is None:
        return "the process closed its channel"
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        try:
            return f"killed by {signal.Signals(number).name}"
        except ValueError:
            return f"killed by signal {number}"
    return f"exited with status {os.waitstatus_to_exitcode(status)}"


def _spawn(
    command: Sequence[str],
    guest_channel: socket.socket,
    guest_control: socket.socket,
    stdin: str | None,
) -> "subprocess.Popen[bytes]":
    fds = (guest_channel.fileno(), guest_control.fileno())
    separator = command.index("--")
    passed = [word for fd in fds for word in ("--pass_fd", str(fd))]
    arguments = [*command[:separator], *passed, *command[separator:], *map(str, fds)]
    with contextlib.ExitStack() as stack:
        source: int | BinaryIO = subprocess.DEVNULL
        if stdin is not None:
            # A file rather than a pipe: nobody has to feed it, and a program may seek in it.
            source = stack.enter_context(os.fdopen(os.memfd_create("stdin"), "w+b"))
            source.write(stdin.encode("utf-8", "surrogateescape"))
            source.seek(0)
        return subprocess.Popen(
            arguments,
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={},
            pass_fds=fds,
        )
