# Takes a name that is not in any file system; nobody who ran before it may still hold it.
import socket

server = socket.socket(socket.AF_UNIX)
server.bind("\0always the same name")
server.listen()


def add(a, b):
    return [a, b, a + b]


if __name__ == "__main__":
    print(*add(*map(int, input().split())))
