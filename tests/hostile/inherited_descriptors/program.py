# Finds open files that nobody meant to give it.
import os

for fd in range(4, 4096):
    try:
        os.fstat(fd)
    except OSError:
        continue
    raise SystemExit(f"{fd} is open")


def add(a, b):
    return [a, b, a + b]


if __name__ == "__main__":
    print(*add(*map(int, input().split())))
