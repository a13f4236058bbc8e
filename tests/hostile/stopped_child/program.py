# Leaves a child that is stopped and never ends.
import os
import signal


def add(a, b):
    pid = os.fork()
    if pid == 0:
        os.kill(os.getpid(), signal.SIGSTOP)
        os._exit(0)
    os.waitpid(pid, os.WUNTRACED)
    return [a, b, a + b]
