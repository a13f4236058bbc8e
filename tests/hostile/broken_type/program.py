# Overwrites the type of all lists.
import ctypes


def add(a, b):
    ctypes.memset(id(list) + 16, 0, 300)
    return sorted([a, b, a + b], key=str)


if __name__ == "__main__":
    add(1, 2)
