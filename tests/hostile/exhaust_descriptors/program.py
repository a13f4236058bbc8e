# Opens files until there are no numbers left for them.
import os


def add(a, b):
    return [os.open("/dev/null", os.O_RDONLY) for _ in range(10**6)]


if __name__ == "__main__":
    add(1, 2)
