# Closes standard input, output and error when it has no more use for them.
import os


def add(a, b):
    return [a, b, a + b]


if __name__ == "__main__":
    print(*add(*map(int, input().split())), flush=True)
os.closerange(0, 3)
