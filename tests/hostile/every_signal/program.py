# Sends itself every signal there is, the deadly ones last.
import os
import signal


def add(a, b):
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGSTOP, *range(10, 32)})
    for number in (28, 23, 18, 17, 13, 25, 2, 1):
        try:
            os.kill(os.getpid(), number)
        except KeyboardInterrupt:
            pass
    return [a, b, a + b]


if __name__ == "__main__":
    add(1, 2)
