# Takes most of the memory it may have, and gives it back.
def add(a, b):
    block = bytearray(b"x") * (50 << 20)
    assert len(block) == 50 << 20
    return [a, b, a + b]


if __name__ == "__main__":
    print(*add(*map(int, input().split())))
