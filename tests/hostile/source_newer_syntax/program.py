# Syntax that came late: match, walrus, positional only, groups of exceptions.
def add(a, b, /):
    match (c := a + b):
        case int():
            try:
                return [a, b, c]
            except* ValueError:
                pass


if __name__ == "__main__":
    print(*add(*map(int, input().split())))
