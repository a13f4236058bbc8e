# Recursion that the interpreter's own limit allows.
def depth(n):
    return n and 1 + depth(n - 1)


def add(a, b):
    assert depth(950) == 950
    return [a, b, a + b]


if __name__ == "__main__":
    print(*add(*map(int, input().split())))
