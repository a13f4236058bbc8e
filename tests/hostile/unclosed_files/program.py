# Leaves files to be closed for it, of which the interpreter says nothing by default.
def add(a, b):
    for n in range(400):
        open(f"/tmp/{n}", "w").write("x")
    return [a, b, a + b]


if __name__ == "__main__":
    print(*add(*map(int, input().split())))
