# Sixty kilobytes on standard error, which nobody reads meanwhile.
import sys


def add(a, b):
    sys.stderr.write("x" * 60_000)
    sys.stderr.flush()
    return [a, b, a + b]


if __name__ == "__main__":
    print(*add(*map(int, input().split())))
