"""What the servers of one machine have in common: from start to stop they are kept alive."""

import subprocess
import threading
from abc import ABC, abstractmethod
from typing import IO

from infra.local.process import end

_QUICK_SECONDS = 1.0


class Server(ABC):
    """One server process; a thread may look after it while another starts and stops it."""

    _end_signal: int
    """Upon which it ends in order."""
    _quick_end_signal: int
    """Upon which it ends at once, and loses nothing that it has said is kept."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None
        self._turn = threading.RLock()
        self._is_wanted = False
        self._is_abandoned = False

    @abstractmethod
    def _start(self) -> None:
        """Start the server; once more, with the address that it had, for others know it by now.

        Raises:
            errors.Unavailable: it does not come up.
        """

    def start(self) -> None:
        """Start the server.

        Raises:
            errors.Unavailable: it does not come up.
        """
        with self._turn:
            self._is_wanted = True
            self._start()

    def restart_if_dead(self) -> bool:
        """Start it again if it was started and has ended by itself; tell whether that was so.

        Raises:
            errors.Unavailable: it does not come up.
        """
        with self._turn:
            if not self._is_wanted or self.is_running:
                return False
            self._end()
            self._start()
            return True

    def stop(self) -> None:
        """Stop the server in order; what it had accepted is kept."""
        self._is_wanted = False  # Whoever waits for its start gives up.
        with self._turn:
            self._end()

    def abandon(self) -> None:
        """From now on wait for nothing when the server is stopped."""
        self._is_abandoned = True

    def _end(self) -> None:
        if self._is_abandoned:
            end(self._process, self._quick_end_signal, _QUICK_SECONDS)
        else:
            end(self._process, self._end_signal)
        if self._log is not None:
            self._log.close()
        self._process = self._log = None

    @property
    def pid(self) -> int | None:
        """Process id of the server, while it runs."""
        process = self._process
        return process.pid if process else None

    @property
    def is_running(self) -> bool:
        """Whether the server was started and has not ended by itself."""
        process = self._process
        return process is not None and process.poll() is None
