# Becomes a program that lives in memory, without a file.
import os


def add(a, b):
    fd = os.memfd_create("program")
    os.write(fd, b"#!/py/bin/python3\nprint(3, 6, 9)\n")
    os.execve(fd, ["program"], os.environ)


if __name__ == "__main__":
    add(1, 2)
