# Says that it has no memory left.
def add(a, b):
    raise MemoryError("not really")


if __name__ == "__main__":
    add(1, 2)
