# Makes a file of a terabyte that holds nothing.
def add(a, b):
    with open("/tmp/sparse", "wb") as file:
        file.truncate(1 << 40)
    return [a, b, a + b]


if __name__ == "__main__":
    add(1, 2)
