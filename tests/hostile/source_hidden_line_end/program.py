# Characters that end a line elsewhere, in a comment:   raise SystemExit    raise SystemExit 
def add(a, b):
    return [a, b, a + b]


if __name__ == "__main__":
    print(*add(*map(int, input().split())))
