# Gives the compiler at run time what it cannot take: then it is no compile error.
def add(a, b):
    for text in ("-" * 10**5 + "1", "(" * 300 + ")" * 300, "+".join(["1"] * 10**5)):
        compile(text, "x", "exec")
    return [a, b, a + b]


if __name__ == "__main__":
    add(1, 2)
