# Leaves with success from a signal handler while the test waits for it.
import os
import signal
import time

signal.signal(signal.SIGALRM, lambda *_: os._exit(0))


def add(a, b):
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    time.sleep(0.5)
    os._exit(1)


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, lambda *_: os._exit(3))
    add(1, 2)
