# Assertions, annotations and names of dunders in odd places.
__debug = __name__
add: "print(undefined)"
def add(a, b):
    return [a, b, a + b]


if __name__ == "__main__":
    assert __debug__ and not __debug is None
    print(*add(*map(int, input().split())))
