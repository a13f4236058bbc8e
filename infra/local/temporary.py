"""A folder that goes with the process that asked for it, whatever ends that process.

A process of its own makes the folder, waits for the end of its input, which the kernel closes when
nobody else can, and removes it.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_REMOVE_SECONDS = 60.0
"""As long as servers that were in the folder may take to end."""
_INTERRUPTED_SECONDS = 1.0
"""For who is interrupted to wait until the folder has gone."""


@contextlib.contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """Make a folder in the temporary directory, which everybody may walk through; remove it.

    Raises:
        OSError: it cannot be made; standard error says why.
    """
    keeper = subprocess.Popen(
        [sys.executable, "-I", "-S", __file__, prefix],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Who ends everything in our terminal does not end it.
    )
    assert keeper.stdin is not None
    assert keeper.stdout is not None
    wait_seconds = _REMOVE_SECONDS
    try:
        with keeper.stdout:
            path = keeper.stdout.read()
        if not path:
            raise OSError("no temporary folder can be made")
        yield Path(os.fsdecode(path))
    except KeyboardInterrupt:
        wait_seconds = _INTERRUPTED_SECONDS
        raise
    finally:
        keeper.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            keeper.wait(wait_seconds)  # It goes on by itself.


def _keep(prefix: str) -> None:
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    # Where the servers' user can walk to, whatever the mode of the temporary directory's parents.
    folder.chmod(0o711)
    os.write(1, os.fsencode(folder))
    os.close(1)
    sys.stdin.buffer.read()
    deadline = time.monotonic() + _REMOVE_SECONDS
    while folder.exists() and time.monotonic() < deadline:
        # What is on its way out of it may still write.
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.05)


if __name__ == "__main__":
    _keep(sys.argv[1])
