# Waits for a lock that it holds itself.
import threading


def add(a, b):
    lock = threading.Lock()
    lock.acquire()
    if a == 3:
        lock.acquire()
