# Leaves children to process 1, more than there may be at one time.
import os
import time


def fork():
    while True:
        try:
            return os.fork()
        except OSError:
            time.sleep(0.001)  # Process 1 has not seen the last ones yet.


def add(a, b):
    for _ in range(12):
        pid = fork()
        if pid == 0:
            fork()
            os._exit(0)
        os.waitpid(pid, 0)
    return [a, b, a + b]
