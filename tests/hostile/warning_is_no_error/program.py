def add(a, b):
    "\d"
    assert (a, "always true")
    return [a, b, a + b]


if __name__ == "__main__":
    print(*add(*map(int, input().split())))
