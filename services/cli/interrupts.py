"""Signals that ask a command to end: it ends what it began, in order, and then itself."""

import contextlib
import signal
import threading
from collections.abc import Iterator

_ASK = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """A signal asked for the end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = signal.Signals(number)

    @property
    def status(self) -> int:
        """What the command ends with, as a shell has it."""
        return 128 + self.signal


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Raise `Interrupted` where the block is when a signal asks for its end.

    From then on Ctrl-C ends the process at once, for who presses it again will not wait; every
    other signal has been heard. Nothing changes outside of a process's main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, _: object) -> None:
        for asked in before:
            signal.signal(asked, signal.SIG_DFL if asked == signal.SIGINT else signal.SIG_IGN)
        raise Interrupted(number)

    before = {
        number: signal.getsignal(number)
        for number in _ASK
        # `nohup` has a command outlive its terminal.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        for number in before:
            signal.signal(number, interrupt)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
