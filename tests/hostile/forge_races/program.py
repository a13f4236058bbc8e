# Returns what a thread changes while it is read, and after.
import sys
import threading

ANSWER = [0, 0, 0]
sys.setswitchinterval(1e-6)


def change():
    while True:
        for a in (3, 7, 11):
            ANSWER[:] = [a] * 5000
            ANSWER.clear()
            ANSWER.extend((a, 2 * a, 0))


threading.Thread(target=change, daemon=True).start()


def add(a, b):
    return ANSWER
