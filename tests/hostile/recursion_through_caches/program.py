# Deep recursion through functions in C, which a stack of 8 MB allows, as in contests.
import functools
import sys

sys.setrecursionlimit(10**6)


@functools.cache
def depth(n):
    return n and 1 + depth(n - 1)


def add(a, b):
    return [a, b, a + b + depth(6_000) - 6_000]


if __name__ == "__main__":
    print(*add(*map(int, input().split())))
