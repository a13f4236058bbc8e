# Crashes by the interpreter's own means to crash.
import faulthandler


def add(a, b):
    faulthandler._sigsegv()


if __name__ == "__main__":
    add(1, 2)
