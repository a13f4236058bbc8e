# Makes pairs of sockets of every family but the local one.
import socket


def add(a, b):
    for family in range(2, 46):
        try:
            socket.socketpair(family, socket.SOCK_STREAM)
        except OSError:
            continue
        return [a, b, a + b]
    raise PermissionError


if __name__ == "__main__":
    add(1, 2)
