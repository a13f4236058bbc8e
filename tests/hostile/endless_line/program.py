# A line of a gigabyte.
import sys


def add(a, b):
    for _ in range(1024):
        sys.stdout.write("x" * (1 << 20))


if __name__ == "__main__":
    add(1, 2)
