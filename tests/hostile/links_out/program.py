# Follows links out of its own directory: symbolic, hard, and in a circle.
import os


def add(a, b):
    for number, target in enumerate(("/etc/passwd", "/root", "/proc/1/root", "../../../etc/shadow", "link4")):
        os.symlink(target, f"/tmp/link{number}")
        if os.path.exists(f"/tmp/link{number}"):
            return [a, b, a + b]
    os.link("/py/bin/python3", "/tmp/python")
    return [a, b, a + b]


if __name__ == "__main__":
    add(1, 2)
