# Opens sockets of every family but the local one, also raw ones.
import socket


def add(a, b):
    for family in range(2, 46):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
            try:
                socket.socket(family, kind)
            except PermissionError:
                continue
            return [a, b, a + b]
    raise PermissionError


if __name__ == "__main__":
    add(1, 2)
