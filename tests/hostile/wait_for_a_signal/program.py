# Blocks every signal and waits for one.
import signal


def add(a, b):
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    if a == 3:
        signal.sigwait({signal.SIGUSR1})
