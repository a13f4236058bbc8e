"""The kernel of a notebook: ipykernel's own, in a jail that has neither network nor terminal."""

import codecs
import json
import os
import signal
import subprocess
import sys
from typing import Any, Final, NoReturn

from executor.guest.programs.python import finish

_PLOTS: Final = "module://matplotlib_inline.backend_inline"


def become_kernel(folder: str, file: str) -> NoReturn:
    """Serve as the kernel until it is told to end, and keep its own files in a folder."""
    # Signals that a cell sends to its group are no concern of the process that speaks with it.
    os.setsid()
    import ipykernel.zmqshell
    import IPython
    from ipykernel import kernelapp

    ipykernel.zmqshell.system = _run_command
    kernelapp.IOPubThread = _without_network(kernelapp.IOPubThread, folder)
    if "matplotlib" in sys.modules:
        # Where it is loaded already it has looked for the environment's before.
        sys.modules["matplotlib"].rcParams["backend"] = _PLOTS
    sys.argv = ["ipykernel_launcher", "-f", file]
    # Before other packages, but behind the standard library, as IPython has it: the kernel itself
    # needs modules such as `code`, which is what somebody may call a file.
    packages = os.path.dirname(os.path.dirname(IPython.__file__))
    sys.path.insert(sys.path.index(packages), "")
    kernelapp.IPKernelApp.launch_instance(
        [
            *sys.argv[1:], f"--ipython-dir={folder}", "--HistoryManager.hist_file=:memory:",
            "--log-level=CRITICAL", f"--Session.packer={packed.__module__}.{packed.__name__}",
        ]
    )  # fmt: skip
    # The interpreter's own end would touch everything that is loaded, which costs a copy of it.
    # IPython's exit handler forgets what the cells have made, so that open files get their content.
    os._exit(finish())


def packed(message: Any) -> bytes:
    """Encode what the kernel tells; half of a surrogate pair, which is no UTF-8, as an escape."""
    from jupyter_client import session

    try:
        encoded: bytes = session.json_packer(message)
    except UnicodeEncodeError:
        return json.dumps(message, default=session.json_default, allow_nan=False).encode()
    return encoded


def _without_network(base: Any, folder: str) -> Any:
    """Have what children of the kernel print come to it over a Unix socket rather than by TCP."""
    import zmq
    from zmq.eventloop.zmqstream import ZMQStream

    address = f"ipc://{folder}/children"

    class Thread(base):  # type: ignore[misc] # of the image
        def _setup_pipe_in(self) -> None:
            self._pipe_uuid = os.urandom(16)
            source = self.socket.context.socket(zmq.PULL)
            source.bind(address)
            self._pipe_in = ZMQStream(source, self.io_loop)
            self._pipe_in.on_recv(self._handle_pipe_msg)

        def _setup_pipe_out(self) -> Any:
            context = zmq.Context()
            target = context.socket(zmq.PUSH)
            target.linger = 3000
            target.connect(address)
            return context, target

    return Thread


def _run_command(command: str) -> int:
    """Run a line of the shell and print what it writes; return its exit status.

    It takes the place of IPython's own, which needs a terminal.
    """
    from IPython.utils._process_common import process_handler

    def printed(process: "subprocess.Popen[bytes]") -> int:
        if process.stdin is None or process.stdout is None:
            raise AssertionError("it has pipes")
        process.stdin.close()
        text = codecs.getincrementaldecoder("utf-8")("replace")
        while written := os.read(process.stdout.fileno(), 1 << 16):
            sys.stdout.write(text.decode(written))
        return process.wait()

    status: int | None = process_handler(command, printed, subprocess.STDOUT)
    return 128 + signal.SIGINT if status is None else status
