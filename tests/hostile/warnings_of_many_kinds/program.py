# Warns of things that are shown only to those who ask.
import warnings


def add(a, b):
    for n in range(2000):
        warnings.warn(f"number {n} will go away in a later version", PendingDeprecationWarning)
    return [a, b, a + b]


if __name__ == "__main__":
    print(*add(*map(int, input().split())))
