# An error with NUL, lone surrogates and a megabyte of text.
def add(a, b):
    raise ValueError("\x00\ud800\udfff" + "x" * 10**4 + "\x00")


if __name__ == "__main__":
    add(1, 2)
