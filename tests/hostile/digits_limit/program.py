# More digits than the interpreter is willing to write.
def add(a, b):
    return str(10**5000)


if __name__ == "__main__":
    add(1, 2)
