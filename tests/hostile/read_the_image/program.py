# Fills the page cache by reading what all jails share.
import pathlib

total = 0
for path in sorted(pathlib.Path("/py").rglob("*.py")):
    total += len(path.read_bytes())
    if total > 8 << 20:
        break


def add(a, b):
    return [a, b, a + b]
