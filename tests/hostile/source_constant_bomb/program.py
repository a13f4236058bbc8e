# Constants that a compiler might compute in advance, at any cost.
def add(a, b):
    if a < 0:
        return 9**9**9**9, "x" * 10**15, (0,) * 10**12, 1 << 10**18
    return [a, b, a + b]


if __name__ == "__main__":
    print(*add(*map(int, input().split())))
