# Counts the processes it can see or signal beside its own.
import os


def add(a, b):
    for pid in range(2, 3000):
        try:
            os.kill(pid, 0)
        except OSError:
            continue
        if pid != os.getpid():
            return [a, b, a + b]
    raise ProcessLookupError


if __name__ == "__main__":
    add(1, 2)
