# Deep recursion, with the limit raised and a large stack, as in contests.
import sys
import threading

sys.setrecursionlimit(10**6)
threading.stack_size(1 << 27)


def depth(n):
    return n and 1 + depth(n - 1)


def add(a, b):
    found = []
    thread = threading.Thread(target=lambda: found.append(depth(20_000)))
    thread.start()
    thread.join()
    return [a, b, a + b + found[0] - 20_000]


if __name__ == "__main__":
    print(*add(*map(int, input().split())))
