"""The sockets and pipes between a supervisor and one jail."""

import contextlib
import os
import select
import socket
import struct
from typing import Final, NamedTuple

READ_BYTES: Final = 1 << 16
"""Most that is read at a time."""
_SPACE: Final = socket.CMSG_SPACE(12) + socket.CMSG_SPACE(12)
"""For who speaks, and for three open files."""


class Ends(NamedTuple):
    """Our ends of what connects us with a jail."""

    channel: socket.socket
    control: socket.socket
    stdout: int
    stderr: int


class Plumbing:
    """Makes both ends; the jail's are closed here when the block ends, ours only if it fails."""

    def __init__(self, stdin: str | None, artifact: int | None = None) -> None:
        """The jail gets a file with this input, and an open file of the caller's as well."""
        self._text = stdin
        self._artifact = artifact
        self.input_bytes = 0
        self.standard: tuple[int, int, int]
        """Input, output and errors."""
        self.kept: tuple[int, ...]
        """Channel, control socket and artifact, as far as there is one."""
        self._theirs = contextlib.ExitStack()
        self._ours = contextlib.ExitStack()

    def __enter__(self) -> "Plumbing":
        try:
            self._make()
        except BaseException:
            self._theirs.close()
            self._ours.close()
            raise
        return self

    def _make(self) -> None:
        channel, their_channel = socket.socketpair()
        control, their_control = socket.socketpair()
        # Before anybody can write: the kernel adds the writer's process id only from here on.
        control.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        for ours, theirs in ((channel, their_channel), (control, their_control)):
            self._ours.enter_context(ours)
            self._theirs.enter_context(theirs)
        stdout, their_stdout = self._pipe()
        stderr, their_stderr = self._pipe()
        stdin = self._source()
        self._theirs.callback(os.close, stdin)
        self.standard = stdin, their_stdout, their_stderr
        artifact = () if self._artifact is None else (self._artifact,)
        self.kept = their_channel.fileno(), their_control.fileno(), *artifact
        self._ends = Ends(channel, control, stdout, stderr)

    def _pipe(self) -> tuple[int, int]:
        ours, theirs = os.pipe2(os.O_CLOEXEC)
        self._ours.callback(os.close, ours)
        self._theirs.callback(os.close, theirs)
        return ours, theirs

    def _source(self) -> int:
        if self._text is None:
            return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        # A file rather than a pipe: nobody has to feed it, and a program may seek in it.
        fd = os.memfd_create("stdin")
        with open(fd, "wb", closefd=False) as file:
            self.input_bytes = file.write(self._text.encode("utf-8", "surrogateescape"))
        os.lseek(fd, 0, os.SEEK_SET)
        return fd

    def ends(self) -> Ends:
        """Hand over our ends, which the caller closes from now on."""
        self._ours.pop_all()
        return self._ends

    def __exit__(self, *_: object) -> None:
        self._theirs.close()
        self._ours.close()


class Watch:
    """Waits for open files, which have names.

    The module `selectors` takes several times as long, and a file and calls of the kernel more.
    """

    def __init__(self) -> None:
        self._poll = select.poll()
        self._names: dict[int, str] = {}

    def add(self, fd: int, name: str, events: int = select.POLLIN) -> None:
        """Wait for a file from now on, or for other events of one."""
        self._poll.register(fd, events)
        self._names[fd] = name

    def remove(self, fd: int) -> None:
        """Wait for it no more."""
        self._poll.unregister(fd)
        del self._names[fd]

    def ready(self, seconds: float) -> list[str]:
        """Return the names of those at which something happens before that time is over."""
        return [self._names[fd] for fd, _ in self._poll.poll(seconds * 1000)]


class Output:
    """One of a jail's two outputs: what of it is kept, and how much was written."""

    def __init__(self, watch: Watch, name: str, pipe: int, first: int, last: int = 0) -> None:
        """Take hold of our end of a pipe; so many bytes of the beginning and the end are kept."""
        self._watch = watch
        self._name = name
        self._pipe = pipe
        self._most_first, self._most_last = first, last
        self._first, self._last = bytearray(), bytearray()
        self._left_out = 0
        self.written = 0
        """Bytes since whoever counts began to."""
        self.is_open = True
        """Whether somebody may still write."""
        self._register()

    def _register(self) -> None:
        os.set_blocking(self._pipe, False)
        self._watch.add(self._pipe, self._name)

    def read_instead(self, pipe: int) -> None:
        """Read it from the named pipe that the jail has made of it."""
        self._watch.remove(self._pipe)
        os.close(self._pipe)
        self._pipe = pipe
        self._register()

    def read(self) -> None:
        """Read what is there; what is too much to be kept is counted."""
        try:
            data = os.read(self._pipe, READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            self._watch.remove(self._pipe)
            self.is_open = False
            return
        self.written += len(data)
        room = max(0, self._most_first - len(self._first))
        self._first += data[:room]
        self._last += data[room:]
        too_much = max(0, len(self._last) - self._most_last)
        del self._last[:too_much]
        self._left_out += too_much

    def kept(self) -> bytes:
        """Return what is kept, with a mark where something is left out before the end."""
        mark = b""
        if self._left_out and self._most_last:
            mark = b"\n[... %d bytes left out ...]\n" % self._left_out
        return bytes(self._first) + mark + bytes(self._last)

    def close(self) -> None:
        """Close our end."""
        os.close(self._pipe)


def hear(control: socket.socket) -> tuple[bytes, int, list[int]]:
    """Receive one greeting, the sender's process id, and the open files that come with it.

    Nothing, from process -1, if nobody speaks.
    """
    pid, files = -1, list[int]()
    try:
        words, ancillary, _, _ = control.recvmsg(16, _SPACE)
    except OSError:
        return b"", pid, files
    for _, kind, data in ancillary:
        if kind == socket.SCM_RIGHTS:
            files = list(struct.unpack(f"{len(data) // 4}i", data))
        elif kind == socket.SCM_CREDENTIALS:
            # The kernel writes the sender's pid as seen from our namespace.
            pid = struct.unpack("3i", data)[0]
    return words, pid, files
