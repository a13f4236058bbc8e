# Raises at run time what a compiler raises.
def add(a, b):
    raise SyntaxError("invalid syntax", ("<candidate>", 1, 1, "x", 1, 1))


if __name__ == "__main__":
    add(1, 2)
