import sys

sys.setrecursionlimit(2**31 - 1)


def add(a, b):
    return add(a, b)

if __name__ == "__main__":
    add(1, 2)
