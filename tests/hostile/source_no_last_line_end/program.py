# Ends within a comment and a continued line.
def add(a, b):
    return [a, b, a + b]


if __name__ == "__main__":
    print(*add(*map(int, \
        input().split())))  # \