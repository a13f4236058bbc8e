# coding: latin-1
# Declares another encoding, in which it means the same: éü.
def add(a, b):
    return [a, b, a + b]


if __name__ == "__main__":
    print(*add(*map(int, input().split())))
