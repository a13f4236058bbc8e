# Keeps its numbers in databases, which are files under locks.
import fcntl
import os
import shelve
import sqlite3


def stored(mode, numbers):
    with sqlite3.connect(f"/tmp/{mode}-{os.getpid()}.db") as database:
        database.execute(f"PRAGMA journal_mode={mode}")
        database.execute("CREATE TABLE IF NOT EXISTS numbers (number INTEGER)")
        database.execute("DELETE FROM numbers")
        database.executemany("INSERT INTO numbers VALUES (?)", [(n,) for n in numbers])
        database.commit()
        rows = database.execute("SELECT number FROM numbers ORDER BY rowid")
        return [number for (number,) in rows]


def add(a, b):
    with open("/tmp/lock", "w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        numbers = stored("DELETE", stored("WAL", [a, b, a + b]))
        fcntl.lockf(file, fcntl.LOCK_UN)
    with shelve.open("/tmp/shelf") as shelf:
        shelf["numbers"] = numbers
        return shelf["numbers"]


if __name__ == "__main__":
    print(*add(*map(int, input().split())))
