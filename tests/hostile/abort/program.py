import os


def add(a, b):
    os.abort()

if __name__ == "__main__":
    add(1, 2)
