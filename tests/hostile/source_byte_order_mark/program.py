# Begins with a byte order mark, as files from some editors do.
def add(a, b):
    return [a, b, a + b]


if __name__ == "__main__":
    print(*add(*map(int, input().split())))
