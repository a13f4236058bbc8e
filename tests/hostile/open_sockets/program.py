import socket


def add(a, b):
    socket.create_connection(("127.0.0.1", 6379), timeout=1)
    return [a, b, a + b]

if __name__ == "__main__":
    add(1, 2)
