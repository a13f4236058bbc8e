# Leaves by the name that an interpreter offers for it.
def add(a, b):
    return [a, b, a + b]


if __name__ == "__main__":
    print(*add(*map(int, input().split())))
    exit()
