# Changes the interpreter and library that later candidates run with.
import os


def add(a, b):
    for attempt in (
        lambda: open("/py/bin/python3", "r+b"),
        lambda: os.chmod("/py/bin/python3", 0o777),
        lambda: os.utime("/py/bin/python3"),
        lambda: os.unlink("/py/guest/executor/guest/calls.py"),
        lambda: os.rename("/py", "/tmp/py"),
        lambda: os.setxattr("/py/bin/python3", "user.x", b"x"),
        lambda: os.mkdir("/py/guest/__pycache__"),
    ):
        try:
            attempt()
        except OSError:
            continue
        return [a, b, a + b]
    raise PermissionError


if __name__ == "__main__":
    add(1, 2)
