# Uses temporary files, locks on them, and a database.
import fcntl
import sqlite3
import tempfile


def add(a, b):
    with tempfile.NamedTemporaryFile() as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        with sqlite3.connect(file.name + ".db") as base:
            return [a, b, base.execute("select ? + ?", (a, b)).fetchone()[0]]


if __name__ == "__main__":
    print(*add(*map(int, input().split())))
