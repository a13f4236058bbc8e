# Prints much, also what looks like messages, on the standard files.
import os


def add(a, b):
    os.write(1, b'\x00\x00\x00\x02{}{"id": 0, "value": 1}\n' * 100)
    os.write(2, b"Traceback (most recent call last):\nMemoryError\n" * 100)
    return [a, b, a + b]
