"""The sockets and pipes between a supervisor and one jail."""

import contextlib
import os
import socket

from executor.sandbox.jail import Ends


class Plumbing:
    """Makes both ends; the jail's are closed here when the block ends, ours only if it fails."""

    def __init__(self, stdin: str | None) -> None:
        self._text = stdin
        self.input_bytes = 0
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
        stdout, self.stdout = self._pipe()
        stderr, self.stderr = self._pipe()
        self.stdin = self._source()
        self._theirs.callback(os.close, self.stdin)
        self.channel, self.control = their_channel.fileno(), their_control.fileno()
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
