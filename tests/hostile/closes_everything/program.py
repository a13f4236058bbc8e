# Closes every file, the channel too.
import os


def add(a, b):
    os.closerange(0, 1024)
    return [a, b, a + b]
